//! The flags of a run's settings, made from the tables of their sections. Given flags override a settings
//! file, a preset or the defaults.

use crate::setting::{Kind, Section, Setting};
use clap::builder::ValueParser;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use serde_json::{Map, Value};
use std::marker::PhantomData;

/// The settings of a section that are given as flags, by name.
#[derive(Clone, Debug)]
pub struct Given<S> {
    given: Map<String, Value>,
    section: PhantomData<S>,
}

impl<S: Section> Given<S> {
    /// Whether this setting is given.
    pub fn has(&self, setting: &str) -> bool {
        self.given.contains_key(setting)
    }

    /// The given settings, by name.
    pub fn settings(&self) -> &Map<String, Value> {
        &self.given
    }

    /// `base`, [overridden](Section::overridden) by the given settings.
    pub fn over(&self, base: &S) -> S {
        base.overridden(&self.given)
    }
}

/// The name of a setting's flag.
pub fn flag_name(setting: &str) -> String {
    setting.replace('_', "-")
}

/// The settings that flags can set.
fn givable<S: Section>() -> impl Iterator<Item = &'static Setting> {
    S::TABLE.iter().filter(|setting| setting.kind != Kind::Record)
}

/// The flag of a setting.
fn flag(setting: &'static Setting, default: &Value) -> Arg {
    let flag = Arg::new(setting.name)
        .long(flag_name(setting.name))
        .help(short_help(setting, default))
        .long_help(help(setting, default))
        .value_parser(ValueParser::new(|text: &str| setting.parse(text)))
        .value_name(placeholder(setting))
        .action(ArgAction::Set)
        .conflicts_with_all(setting.instead_of);
    match setting.kind {
        Kind::Switch => flag.num_args(0..=1).default_missing_value("true"),
        Kind::Real => flag.allow_negative_numbers(true),
        Kind::Names => flag.action(ArgAction::Append),
        // The first letter may be the gap.
        Kind::Text if setting.name == "alphabet" => flag.allow_hyphen_values(true),
        _ => flag,
    }
}

/// The placeholder of a setting's value.
fn placeholder(setting: &Setting) -> String {
    let of_kind = || match setting.kind {
        Kind::Whole => "N".to_string(),
        Kind::Real => "X".to_string(),
        Kind::Switch => "true|false".to_string(),
        Kind::Names => "NAME,…".to_string(),
        Kind::Text | Kind::Shape | Kind::Record => setting.name.to_uppercase(),
    };
    setting.placeholder.map_or_else(of_kind, str::to_string)
}

/// The help text of a setting in one line: the beginning of its sentence, and a short default.
fn short_help(setting: &Setting, default: &Value) -> String {
    let sentence = setting.sentence(&spell);
    let ends = [": ", "; ", " ("].map(|end| sentence.find(end).unwrap_or(sentence.len()));
    let end = ends.into_iter().min().unwrap_or_default();
    let mut help = sentence[..end].trim_end_matches('.').to_string();
    let default_text = setting.default_text(default, &spell);
    if *default != false && default_text.len() <= SHORT_DEFAULT {
        help += &format!(" [default: {default_text}]");
    }
    help
}

/// The longest default, in bytes, that a help text in one line shows.
const SHORT_DEFAULT: usize = 20;

/// A setting as a flag.
fn spell(name: &str) -> String {
    format!("--{}", flag_name(name))
}

/// The whole help text of a setting.
fn help(setting: &Setting, default: &Value) -> String {
    let sentence = setting.sentence(&spell);
    let mut help = sentence.trim_end_matches('.').to_string();
    if let Some(usual) = setting.usual {
        help += &format!("; usual: {usual}");
    }
    if *default != false {
        help += &format!(" [default: {}]", setting.default_text(default, &spell));
    }
    help
}

/// A value that is given in two flags: both lists of names, else the latter.
fn joined(one: Value, other: Value) -> Value {
    match (one, other) {
        (Value::Array(one), Value::Array(other)) => [one, other].concat().into(),
        (_, other) => other,
    }
}

impl<S: Section> Given<S> {
    /// The settings that are given, of those that `is_wanted` names.
    pub fn of(matches: &ArgMatches, is_wanted: impl Fn(&str) -> bool) -> Self {
        let wanted = givable::<S>().map(|setting| setting.name).filter(|name| is_wanted(name));
        let value = |name: &str| matches.get_many::<Value>(name)?.cloned().reduce(joined);
        let given = wanted.filter_map(|name| Some((name.to_string(), value(name)?))).collect();
        Self { given, section: PhantomData }
    }

    /// Adds the flags of the settings that `is_wanted` names to a command.
    pub fn augment(command: Command, is_wanted: impl Fn(&str) -> bool) -> Command {
        let default = S::default().fields();
        let wanted = givable::<S>().filter(|setting| is_wanted(setting.name));
        command.args(wanted.map(|setting| flag(setting, &default[setting.name])))
    }
}

impl<S: Section> FromArgMatches for Given<S> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self::of(matches, |_| true))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.given.extend(Self::from_arg_matches(matches)?.given);
        Ok(())
    }
}

impl<S: Section> Args for Given<S> {
    fn augment_args(command: Command) -> Command {
        Self::augment(command, |_| true)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Source;
    use crate::monitor::Metric;
    use crate::run::{DataConfig, Keep, RunConfig};
    use crate::train::TrainConfig;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        data: Given<DataConfig>,
        #[command(flatten)]
        train: Given<TrainConfig>,
        #[command(flatten)]
        run: Given<RunConfig>,
    }

    fn line(line: &str) -> Line {
        Line::parse_from(format!("train {line}").split_whitespace())
    }

    fn given(text: &str) -> Given<TrainConfig> {
        line(text).train
    }

    #[test]
    fn only_given_settings_override_the_base() {
        let base = TrainConfig {
            hidden: Some(7),
            epochs: Some(9),
            centering: true,
            ..TrainConfig::default()
        };
        assert_eq!(given("").over(&base), base);
        let expected =
            TrainConfig { epochs: Some(20), chains: Some(5), centering: false, ..base.clone() };
        // A given default also overrides the base.
        let found = given("--epochs 20 --chains 5 --centering false").over(&base);
        assert_eq!(found, expected);
        assert!(given("--centering").over(&TrainConfig::default()).centering);
        let line = line("--keep best:log_likelihood --data a.npy --image-shape 3x4 --invert");
        let run = line.run.over(&RunConfig { patience: 7, ..RunConfig::default() });
        let keep = Keep::Best(Metric::LogLikelihood);
        assert_eq!(run, RunConfig { patience: 7, keep, ..RunConfig::default() });
        let data = line.data.over(&DataConfig { validation: 9, ..DataConfig::default() });
        let expected = DataConfig {
            data: Source::Path("a.npy".into()),
            image_shape: Some((3, 4)),
            invert: true,
            validation: 9,
            ..DataConfig::default()
        };
        assert_eq!(data, expected);
    }

    #[test]
    fn an_alphabet_may_begin_with_the_gap() {
        let data = line("--alphabet -ACGT --data a.fasta").data.over(&DataConfig::default());
        assert_eq!(data.alphabet.unwrap().to_string(), "-ACGT");
        assert_eq!(data.data, Source::Path("a.fasta".into()));
    }

    #[test]
    fn help_comes_from_the_table() {
        let help = |name: &str| {
            let default = TrainConfig::default().fields();
            help(TrainConfig::row(name).unwrap(), &default[name])
        };
        let rate = "Initial learning rate ε; usual: 0.01 to 0.2 [default: 0.2]";
        assert_eq!(help("learning_rate"), rate);
        assert!(help("gibbs_steps_last").ends_with("step by step [default: --gibbs-steps]"));
        let short = |name: &str| {
            let default = TrainConfig::default().fields();
            short_help(TrainConfig::row(name).unwrap(), &default[name])
        };
        assert_eq!(short("learning_rate"), "Initial learning rate ε [default: 0.2]");
        assert_eq!(short("hidden"), "Number of hidden units, H");
        assert_eq!(short("algorithm"), "How the negative phase samples the model [default: auto]");
    }
}
