//! The choice among runs: by their settings, states and metrics.

use super::list::{RunState, Summary};
use super::settings::SECTIONS;
use crate::error::{Error, Result};
use crate::monitor::{EpochRecord, Metric};
use crate::setting::{Kind, Setting, did_you_mean, invalid};
use serde_json::Value;
use std::cmp::Ordering;
use std::path::Path;
use std::str::FromStr;

/// A property by which runs are sorted and filtered: `run` (the folder), `state`, a setting, or a key of
/// `metrics.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key(String);

/// The row of a setting.
fn setting(name: &str) -> Option<&'static Setting> {
    SECTIONS.iter().flat_map(|(_, table)| *table).find(|setting| setting.name == name)
}

impl FromStr for Key {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let metrics = EpochRecord::default().fields();
        let settings = SECTIONS.iter().flat_map(|(_, table)| table.iter().map(|row| row.name));
        let names =
            ["run", "state"].into_iter().chain(settings).chain(metrics.keys().map(|k| &k[..]));
        let names: Vec<_> = names.filter(|name| *name != "replanned").collect();
        if names.contains(&name) {
            return Ok(Self(name.to_string()));
        }
        let meant = did_you_mean(name, names);
        let rule = format!("a setting, a key of metrics.jsonl, `run` or `state`{meant}");
        Err(invalid("key", name, rule))
    }
}

impl Key {
    /// Its value in a run; null if the run has none.
    pub fn of(&self, run: &Summary) -> Value {
        let field = |record: Option<&EpochRecord>| {
            record.and_then(|record| record.fields().remove(&self.0)).unwrap_or(Value::Null)
        };
        match &self.0[..] {
            "run" => run.folder.display().to_string().into(),
            "state" => run.state.to_string().into(),
            "epochs" => run.n_epochs().into(),
            "epoch" | "updates" | "seconds" => field(run.last()),
            "log_likelihood" => {
                run.likelihood().and_then(|known| known.report.log_likelihood).into()
            }
            name if setting(name).is_some() => run.settings()[name].clone(),
            _ => field(run.of_model()),
        }
    }

    /// Orders two runs by this key. Numbers are ordered by size, text as people count (2 before 10), and
    /// runs without a value come last.
    fn compare(&self, one: &Summary, other: &Summary, is_reversed: bool) -> Ordering {
        let order = match (self.of(one), self.of(other)) {
            (Value::Null, Value::Null) => return Ordering::Equal,
            (Value::Null, _) => return Ordering::Greater,
            (_, Value::Null) => return Ordering::Less,
            (one, other) => match (one.as_f64(), other.as_f64()) {
                (Some(one), Some(other)) => one.total_cmp(&other),
                _ => alphanumeric_sort::compare_str(text(&one), text(&other)),
            },
        };
        if is_reversed { order.reverse() } else { order }
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_string)
}

/// Sorts runs by a key. Equal runs keep their order.
pub fn sort(runs: &mut [Summary], key: &Key, is_reversed: bool) {
    runs.sort_by(|one, other| key.compare(one, other, is_reversed));
}

/// A condition on a run, such as `hidden=500`, `log_likelihood>-100` or `state!=done`.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    key: Key,
    relation: Relation,
    value: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    Is,
    IsNot,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// The relations as text; longer ones come first.
const RELATIONS: [(&str, Relation); 7] = [
    ("==", Relation::Is),
    ("!=", Relation::IsNot),
    ("<=", Relation::LessOrEqual),
    (">=", Relation::GreaterOrEqual),
    ("=", Relation::Is),
    ("<", Relation::Less),
    (">", Relation::Greater),
];

impl FromStr for Condition {
    type Err = Error;

    fn from_str(condition: &str) -> Result<Self> {
        let rule = "KEY=VALUE, KEY!=VALUE, KEY<VALUE or KEY>VALUE, such as hidden=500";
        let wrong = || invalid("filter", condition, rule);
        let at = condition.find(['=', '!', '<', '>']).ok_or_else(wrong)?;
        let (key, rest) = condition.split_at(at);
        let found = RELATIONS.iter().find_map(|(sign, relation)| {
            rest.strip_prefix(sign).map(|value| (*relation, value.trim()))
        });
        let (relation, value) = found.ok_or_else(wrong)?;
        let key: Key = key.trim().parse()?;
        let value = key.parse(value)?;
        let is_size = !matches!(relation, Relation::Is | Relation::IsNot);
        if is_size && !value.is_number() {
            return Err(invalid("filter", condition, "a number, where it compares by size"));
        }
        Ok(Self { key, relation, value })
    }
}

impl Key {
    /// Reads one of its values. A setting takes the values that its flag takes; `null` is no value.
    fn parse(&self, text: &str) -> Result<Value> {
        match (&self.0[..], setting(&self.0)) {
            (_, _) if text == "null" => Ok(Value::Null),
            ("run" | "verdict", _) => Ok(text.into()),
            ("state", _) => Ok(text.parse::<RunState>()?.to_string().into()),
            (name, Some(setting)) if name != "updates" => setting.parse(text),
            _ => {
                let number = text.parse().ok().filter(|x: &f64| x.is_finite());
                number.map(Value::from).ok_or_else(|| Error::WrongKind {
                    setting: "filter",
                    value: format!("{} {text}", self.0),
                    kind: Kind::Real.name(),
                })
            }
        }
    }
}

impl Condition {
    /// Whether it holds for a run.
    pub fn holds(&self, run: &Summary) -> bool {
        let found = self.key.of(run);
        let numbers = found.as_f64().zip(self.value.as_f64());
        let is_equal = match (numbers, &found, &self.value) {
            (Some((found, value)), ..) => found == value,
            // A path is known by its last parts.
            (_, Value::String(found), Value::String(value)) => Path::new(found).ends_with(value),
            (_, found, value) => found == value,
        };
        let order = numbers.and_then(|(found, value)| found.partial_cmp(&value));
        match self.relation {
            Relation::Is => is_equal,
            Relation::IsNot => !is_equal,
            Relation::Less => order.is_some_and(Ordering::is_lt),
            Relation::LessOrEqual => order.is_some_and(Ordering::is_le),
            Relation::Greater => order.is_some_and(Ordering::is_gt),
            Relation::GreaterOrEqual => order.is_some_and(Ordering::is_ge),
        }
    }
}

/// The best run by a metric.
#[derive(Debug)]
pub struct BestRun<'a> {
    /// The run.
    pub run: &'a Summary,
    /// What the reader has to know about the comparison.
    pub notes: Vec<String>,
}

/// The run whose model is the best by a metric; `None` if no run has a value. Log-likelihoods that are
/// doubtful do not count: estimates that fail tend to be too high.
pub fn best(runs: &[Summary], metric: Metric) -> Option<BestRun<'_>> {
    let value = |run: &Summary| match metric {
        Metric::LogLikelihood => run.likelihood()?.report.log_likelihood,
        _ => metric.of(run.of_model()?),
    };
    let is_doubtful = |run: &Summary| {
        metric == Metric::LogLikelihood
            && run.likelihood().is_some_and(|known| known.report.is_doubtful())
    };
    let (doubtful, believed): (Vec<_>, Vec<_>) =
        runs.iter().filter(|run| value(run).is_some()).partition(|run| is_doubtful(run));
    let score =
        |run: &&&Summary| value(run).map_or(f64::NEG_INFINITY, |value| metric.signed(value));
    // Of equal runs, the first is the best.
    let run = believed.iter().rev().max_by(|a, b| score(a).total_cmp(&score(b)))?;
    let mut notes = Vec::new();
    if !doubtful.is_empty() {
        let names: Vec<_> = doubtful.iter().map(|run| run.folder.display().to_string()).collect();
        notes.push(format!("runs with a doubtful {metric} do not count: {}", names.join(", ")));
    }
    if let Some(other) =
        believed.iter().find(|other| measured_on(other, metric) != measured_on(run, metric))
    {
        notes.push(format!(
            "{metric} does not compare across data, but {} was measured on the {}, and {} on the {}; \
             --filter narrows the choice down",
            run.folder.display(),
            measured_on(run, metric),
            other.folder.display(),
            measured_on(other, metric),
        ));
    }
    Some(BestRun { run, notes })
}

/// The data on which the metric of a run was measured.
fn measured_on(run: &Summary, metric: Metric) -> String {
    let data = &run.file.settings.data;
    let role = match metric {
        Metric::LogLikelihood => run.likelihood().map_or("", |known| known.role),
        Metric::LogLikelihoodOnline
        | Metric::PseudoLikelihoodTest
        | Metric::ReconstructionErrorTest
        | Metric::FreeEnergyGap
        | Metric::ErrorTest
        | Metric::LogLossTest
        | Metric::LogLossValuesTest
        | Metric::RmseTest => data.watched_by().role(),
        Metric::PseudoLikelihood | Metric::ReconstructionError => "training",
    };
    let (source, sha256) = match (role, &data.test_data) {
        ("test", Some(source)) => (source, &data.test_sha256),
        _ => (&data.data, &data.sha256),
    };
    let sha256 = sha256.as_ref().map_or(String::new(), |sha256| format!(" (SHA-256 {sha256:.8}…)"));
    format!("{role} data, {source}{sha256}")
}

#[cfg(test)]
mod tests {
    use super::super::config::Keep;
    use super::super::settings::SettingsFile;
    use super::*;
    use crate::evaluate::LikelihoodReport;

    /// A run with a record for each of these values of all scores.
    fn run(name: &str, values: &[f64]) -> Summary {
        let record = |(at, value): (usize, &f64)| EpochRecord {
            epoch: at + 1,
            pseudo_likelihood: Some(*value),
            reconstruction_error: Some(-value),
            likelihood: LikelihoodReport {
                log_likelihood: Some(*value),
                ..LikelihoodReport::default()
            },
            ..EpochRecord::default()
        };
        Summary {
            folder: name.into(),
            state: RunState::Done,
            file: SettingsFile::default(),
            place: None,
            records: values.iter().enumerate().map(record).collect(),
            failure: None,
            evaluation: None,
        }
    }

    fn names(runs: &[Summary]) -> Vec<&str> {
        runs.iter().map(|run| run.folder.to_str().unwrap()).collect()
    }

    #[test]
    fn runs_are_sorted_by_numbers_and_as_people_count() {
        let mut runs = vec![run("run-10", &[-3.0]), run("run-2", &[]), run("run-1", &[-20.0])];
        let mut sorted = |key: &str, is_reversed| {
            sort(&mut runs, &key.parse().unwrap(), is_reversed);
            names(&runs).iter().map(|name| name.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(sorted("run", false), ["run-1", "run-2", "run-10"]);
        assert_eq!(sorted("run", true), ["run-10", "run-2", "run-1"]);
        assert_eq!(sorted("log_likelihood", false), ["run-1", "run-10", "run-2"]);
        // A run without a value is the last either way.
        assert_eq!(sorted("log_likelihood", true), ["run-10", "run-1", "run-2"]);
    }

    #[test]
    fn conditions_compare_numbers_and_the_ends_of_paths() {
        let mut run = run("runs/a", &[-90.0]);
        run.file.settings.train.hidden = Some(500);
        run.file.settings.data.data = "/data/greys.npy".parse().unwrap();
        for (condition, holds) in [
            ("hidden=500", true),
            ("hidden == 500", true),
            ("hidden!=500", false),
            ("hidden<501", true),
            ("hidden<500", false),
            ("hidden<=500", true),
            ("hidden>=501", false),
            ("hidden>499", true),
            ("learning_rate=2e-1", true),
            ("log_likelihood>-100", true),
            ("log_likelihood>-80", false),
            ("seconds=0", true),
            ("state=done", true),
            ("run=a", true),
            ("run=s/a", false),
            ("data=greys.npy", true),
            ("data=mnist", false),
            ("test_data=null", true),
            ("limit>5", false),
            ("limit!=5", true),
            ("binarize=stochastic", true),
            ("centering=true", true),
        ] {
            let parsed: Condition = condition.parse().unwrap();
            assert_eq!(parsed.holds(&run), holds, "{condition}");
        }
        for (condition, message) in [
            ("hidden", "filter is hidden, but must be KEY=VALUE"),
            ("hidden!500", "but must be KEY=VALUE"),
            ("hiden=500", "key is hiden, but must be a setting, a key of metrics.jsonl"),
            ("hiden=500", "did you mean hidden?"),
            ("hidden=many", "hidden is many, but must be a whole number"),
            ("log_likelihood>high", "log_likelihood high, but must be a finite number"),
            ("binarize<stochastic", "but must be a number, where it compares by size"),
            ("state=ready", "state is ready, but must be `running`, `done` or `stopped`"),
            ("replanned=1", "`run` or `state`"),
        ] {
            let error = condition.parse::<Condition>().unwrap_err().to_string();
            assert!(error.contains(message), "{error}\ndoes not say: {message}");
        }
    }

    #[test]
    fn the_best_run_has_the_best_model() {
        let mut runs = vec![run("low", &[-10.0, -90.0]), run("high", &[-80.0]), run("none", &[])];
        let found = |runs: &[Summary], metric| {
            best(runs, metric).map(|best| best.run.folder.display().to_string())
        };
        for metric in [Metric::LogLikelihood, Metric::PseudoLikelihood, Metric::ReconstructionError]
        {
            assert_eq!(found(&runs, metric).unwrap(), "high", "{metric}");
        }
        assert!(best(&runs, Metric::FreeEnergyGap).is_none());
        // The model of the first run is now that of its first epoch.
        runs[0].file.settings.run.keep = Keep::Best(Metric::PseudoLikelihood);
        for metric in [Metric::LogLikelihood, Metric::PseudoLikelihood, Metric::ReconstructionError]
        {
            assert_eq!(found(&runs, metric).unwrap(), "low", "{metric}");
        }
        assert!(best(&runs, Metric::LogLikelihood).unwrap().notes.is_empty());
    }

    #[test]
    fn doubtful_runs_do_not_win_and_other_data_are_noted() {
        let mut runs = vec![run("a", &[-10.0]), run("b", &[-80.0]), run("c", &[-90.0])];
        runs[0].records[0].likelihood.verdict = Some("doubtful".to_string());
        runs[2].file.settings.data.data = "c.npy".parse().unwrap();
        let BestRun { run, notes } = best(&runs, Metric::LogLikelihood).unwrap();
        assert_eq!(run.folder, Path::new("b"));
        assert_eq!(notes[0], "runs with a doubtful log_likelihood do not count: a");
        assert!(
            notes[1].contains("b was measured on the test data, mnist, and c on the training"),
            "{notes:?}"
        );
    }
}
