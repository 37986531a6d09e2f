//! What the help of each command says besides its flags: which flags matter most, how they are grouped,
//! and examples.

use super::Cli;
use clap::builder::ValueHint;
use clap::{Arg, Command, CommandFactory as _};

/// An example of a command.
struct Example {
    line: &'static str,
    /// What it does.
    purpose: &'static str,
}

const fn example(line: &'static str, purpose: &'static str) -> Example {
    Example { line, purpose }
}

/// The help of a command.
struct Help {
    command: &'static str,
    /// The arguments that `-h` shows; if empty, all.
    short: &'static [&'static str],
    /// Headings, and the arguments below them. Settings have the headings of their sections elsewhere.
    groups: &'static [Group],
    examples: [Example; 3],
}

/// A heading and the arguments below it.
type Group = (&'static str, &'static [&'static str]);

/// Groups of every command that trains.
const MODEL: Group = ("Model", &["hidden", "init"]);
const CHAINS: Group = (
    "Chains",
    &[
        "algorithm",
        "chains",
        "gibbs_steps",
        "gibbs_steps_last",
        "chain_reset",
        "temperatures",
        "swap_rate",
        "chain_start",
    ],
);

const HELP: [Help; 20] = [
    Help {
        command: "train",
        short: &[
            "preset",
            "data",
            "validation",
            "hidden",
            "epochs",
            "algorithm",
            "learning_rate",
            "evaluate_every",
            "seed",
            "out",
        ],
        groups: &[
            MODEL,
            CHAINS,
            ("Run", &["time_budget", "stop_after", "threads"]),
            (
                "Output",
                &[
                    "out",
                    "checkpoint_every",
                    "keep_checkpoints",
                    "keep_series",
                    "tensorboard",
                    "live",
                    "no_report",
                    "quiet",
                    "log_format",
                ],
            ),
        ],
        examples: [
            example("harmonium train", "learns MNIST, which is compiled in"),
            example(
                "harmonium train --data coins.npy --validation 1000 --out runs/coins",
                "learns the examples of a file, but for the last 1,000, and watches these",
            ),
            example(
                "harmonium train --preset mnist-500 --epochs 450 --out runs/digits",
                "takes good settings by their name, and changes one",
            ),
        ],
    },
    Help {
        command: "resume",
        short: &[],
        groups: &[],
        examples: [
            example("harmonium resume runs/coins", "goes on where the run was stopped"),
            example("harmonium resume runs/coins --epochs 200", "makes the run longer"),
            example(
                "harmonium resume runs/coins --stop-after 30m",
                "goes on for half an hour at most",
            ),
        ],
    },
    Help {
        command: "sweep",
        short: &[
            "study",
            "vary",
            "seeds",
            "search",
            "score",
            "data",
            "validation",
            "preset",
            "config",
            "hidden",
            "epochs",
            "learning_rate",
            "out",
        ],
        groups: &[
            MODEL,
            CHAINS,
            ("Run", &["stop_after", "threads"]),
            (
                "Output",
                &[
                    "out",
                    "checkpoint_every",
                    "keep_checkpoints",
                    "keep_series",
                    "tensorboard",
                    "no_report",
                    "quiet",
                    "log_format",
                ],
            ),
        ],
        examples: [
            example(
                "harmonium sweep --data coins.npy --vary learning_rate=0.02,0.05,0.1 --seeds 3",
                "trains nine runs side by side, and ranks the rates by their mean scores",
            ),
            example(
                "harmonium sweep --vary hidden=20..200:log:3 --vary weight_decay=0,1e-4 --search halving",
                "stops two thirds of the settings at each rung, by their scores there",
            ),
            example(
                "harmonium sweep study.toml --out runs/study",
                "takes settings and what varies from a file; `harmonium resume runs/study` goes on",
            ),
        ],
    },
    Help {
        command: "runs",
        short: &[],
        groups: &[],
        examples: [
            example("harmonium runs", "lists the runs in the folder `runs`"),
            example("harmonium runs runs/coins", "shows one run"),
            example("harmonium runs --json", "prints all settings and figures, for programs"),
        ],
    },
    Help {
        command: "report",
        short: &[],
        groups: &[],
        examples: [
            example("harmonium report runs/coins", "writes runs/coins/report.html"),
            example("harmonium report runs/coins --out coins.html", "writes it elsewhere"),
            example(
                "harmonium report runs/coins runs/digits --out both.html",
                "shows the curves of two runs in one page",
            ),
        ],
    },
    Help {
        command: "metrics",
        short: &[],
        groups: &[],
        examples: [
            example("harmonium metrics runs/coins", "prints a row for each recorded epoch"),
            example("harmonium metrics runs/coins --out coins.csv", "writes them to a file"),
            example("harmonium metrics runs/coins/metrics.jsonl", "reads a file of records"),
        ],
    },
    Help {
        command: "presets",
        short: &[],
        groups: &[],
        examples: [
            example("harmonium presets", "lists names, times and results"),
            example("harmonium presets --json", "prints all settings, for programs"),
            example("harmonium train --preset quick", "trains with one of them"),
        ],
    },
    Help {
        command: "evaluate",
        short: &[
            "model",
            "data",
            "split",
            "limit",
            "method",
            "n_chains",
            "burn_in",
            "log_probabilities",
            "overwrite",
            "json",
        ],
        groups: &[
            (
                "Data",
                &[
                    "data",
                    "split",
                    "truth",
                    "id",
                    "missing_value",
                    "unknown_letters",
                    "limit",
                    "binarize",
                    "compare_data",
                    "compare_split",
                ],
            ),
            (
                "Estimate",
                &[
                    "method",
                    "n_chains",
                    "schedule",
                    "burn_in",
                    "start",
                    "base_data",
                    "raise",
                    "seed",
                    "threads",
                ],
            ),
            ("Samples", &["samples", "gibbs_steps"]),
            ("Output", &["log_probabilities", "clusters", "overwrite", "json"]),
        ],
        examples: [
            example("harmonium evaluate runs/coins", "scores the run's own held-out examples"),
            example(
                "harmonium evaluate runs/coins --data coins.npy --limit 100 --json",
                "scores the first 100 examples of a file",
            ),
            example(
                "harmonium evaluate runs/coins --method ais --burn-in 5000",
                "anneals back from chains that were moved for longer",
            ),
        ],
    },
    Help {
        command: "sample",
        short: &["model", "number", "gibbs_steps", "start", "clamp", "out", "overwrite", "seed"],
        groups: &[
            ("Data", &["data", "split"]),
            ("Chains", &["number", "gibbs_steps", "start", "clamp", "seed", "threads"]),
            ("Output", &["out", "overwrite", "image_shape"]),
        ],
        examples: [
            example("harmonium sample runs/digits", "draws 100 images to samples.png"),
            example(
                "harmonium sample runs/coins --number 50 --out samples.npy",
                "writes 50 rows of 0 and 1",
            ),
            example(
                "harmonium sample runs/digits --clamp left --out completed.png",
                "completes test images from their left halves",
            ),
        ],
    },
    Help {
        command: "transform",
        short: &[],
        groups: &[],
        examples: [
            example("harmonium transform runs/digits", "writes p(h | v) to features.npy"),
            example(
                "harmonium transform runs/coins coins.npy --out coins-features.npy",
                "writes the features of a file",
            ),
            example(
                "harmonium transform runs/coins --split train --out train-features.npy",
                "writes those of the examples that the model was trained on",
            ),
        ],
    },
    Help {
        command: "predict",
        short: &[],
        groups: &[],
        examples: [
            example("harmonium predict runs/labelled", "writes p(class | v) of the test data"),
            example(
                "harmonium predict runs/labelled --split train --out train.npy",
                "writes those of the examples that the model was trained on",
            ),
            example(
                "harmonium predict runs/ratings ratings.csv --fill",
                "fills the holes of a table with expected ratings",
            ),
        ],
    },
    Help {
        command: "pack",
        short: &[],
        groups: &[],
        examples: [
            example(
                "harmonium pack coins.npy --out coins.packed",
                "packs bits, for `harmonium train --data coins.packed`",
            ),
            example(
                "harmonium pack genotypes.npy --grey-levels 2 --out genotypes.packed",
                "packs integers from 0 to 2 as intensities",
            ),
            example(
                "harmonium pack people.csv --categories auto --out people.packed",
                "packs a table of categories",
            ),
        ],
    },
    Help {
        command: "pivot",
        short: &[],
        groups: &[],
        examples: [
            example(
                "harmonium pivot long.csv --out table.csv",
                "makes a table of users and items of rows of user, item and rating",
            ),
            example(
                "harmonium pivot long.csv --columns userId,movieId,rating --keep-last --out stars.csv",
                "takes the columns by their names, and the last rating of an item by a user",
            ),
            example(
                "harmonium train --data stars.csv --id userId --categories 1..5 --missing absent",
                "trains on the table",
            ),
        ],
    },
    Help {
        command: "inspect",
        short: &[],
        groups: &[],
        examples: [
            example(
                "harmonium inspect runs/coins",
                "prints sizes, settings and fingerprint; --json for programs",
            ),
            example(
                "harmonium inspect runs/digits --filters filters.png",
                "draws the weights of each hidden unit",
            ),
            example(
                "harmonium inspect runs/coins --parameters coins.npz --as spins",
                "writes couplings and fields of spins as arrays",
            ),
        ],
    },
    Help {
        command: "import",
        short: &[],
        groups: &[],
        examples: [
            example(
                "harmonium import theirs.safetensors --out model.safetensors",
                "finds the tensors by known names and the axes by the lengths of the biases",
            ),
            example(
                "harmonium import theirs.npz --layout hv",
                "says that the weights are (hidden, visible), for as many units in both layers",
            ),
            example(
                "harmonium import net.safetensors --weights net.0 --visible-bias net.1 --hidden-bias net.2",
                "names the tensors",
            ),
        ],
    },
    Help {
        command: "export",
        short: &[],
        groups: &[],
        examples: [
            example(
                "harmonium export runs/coins --out coins.onnx",
                "writes p(h | v) as a graph, for any ONNX runtime",
            ),
            example(
                "harmonium export runs/coins --out coins.npz --weights components_",
                "writes the arrays of scikit-learn's BernoulliRBM",
            ),
            example(
                "harmonium export runs/coins --out coins.safetensors --weights W --layout hv \
                 --visible-bias v_bias --hidden-bias h_bias",
                "writes the state dict of a PyTorch module",
            ),
        ],
    },
    Help {
        command: "couplings",
        short: &[],
        groups: &[],
        examples: [
            example(
                "harmonium couplings runs/coins",
                "prints the strongest pairs, and writes fields and couplings to couplings.npz",
            ),
            example(
                "harmonium couplings runs/coins --gauge lattice-gas --out coins-pairs.csv",
                "lists all pairs of columns, for bits 0 and 1",
            ),
            example(
                "harmonium couplings runs/coins --min-distance 5 --out apart.csv",
                "lists pairs of columns that are at least 5 apart, as one does for contacts of proteins",
            ),
        ],
    },
    Help {
        command: "bench",
        short: &[],
        groups: &[],
        examples: [
            example("harmonium bench", "times 784-500 with one thread and with all cores"),
            example("harmonium bench --hidden 100,1000 --threads 2", "times two sizes"),
            example("harmonium bench --data coins.npy --json", "times another width"),
        ],
    },
    Help {
        command: "completions",
        short: &[],
        groups: &[],
        examples: [
            example(
                "harmonium completions bash",
                "for ~/.local/share/bash-completion/completions/harmonium",
            ),
            example("harmonium completions zsh", "for a file _harmonium in a folder of $fpath"),
            example("harmonium completions fish", "for ~/.config/fish/completions/harmonium.fish"),
        ],
    },
    Help {
        command: "man",
        short: &[],
        groups: &[],
        examples: [
            example("harmonium man", "prints the page of the program; read it with `| man -l -`"),
            example("harmonium man train", "prints the page of a command"),
            example("harmonium man --out man1", "writes all pages to a folder"),
        ],
    },
];

/// What an exit code means, for the man page.
pub const EXIT_CODES: [(&str, &str); 4] = [
    ("0", "The command did what it was asked."),
    ("1", "Something failed: a file, data that do not fit, a training that diverged."),
    ("2", "The command line, a settings file or the environment is wrong."),
    ("128 + N", "Signal N stopped a run or a sweep, which `harmonium resume` continues."),
];

/// The environment variables that the program reads.
pub const ENVIRONMENT: [(&str, &str); 3] = [
    ("RAYON_NUM_THREADS", "The number of threads where --threads is not given, 1 to 1024."),
    (
        "HARMONIUM_ISA",
        "The instruction set: baseline, avx2 or avx512. The results do not depend on it.",
    ),
    ("NO_COLOR", "If set, nothing is coloured."),
];

/// The widest line of the help.
const WIDEST: usize = 100;

/// The command line with its whole help.
pub fn command() -> Command {
    let mut cli = Cli::command()
        .max_term_width(WIDEST)
        .after_help("`harmonium COMMAND --help` shows every flag of a command, with examples.");
    for help in HELP {
        cli = cli.mut_subcommand(help.command, |command| helped(command, &help));
    }
    cli
}

/// A command with its help.
fn helped(command: Command, help: &Help) -> Command {
    let command = command.mut_args(|arg| {
        let id = arg.get_id().to_string();
        let group = help.groups.iter().find(|(_, ids)| ids.contains(&&id[..]));
        let is_short = help.short.is_empty() || help.short.contains(&&id[..]);
        let arg = with_hint(arg);
        let arg = if is_short { arg } else { long_only(arg) };
        match group {
            Some((heading, _)) => arg.help_heading(*heading),
            None => arg,
        }
    });
    let examples = format!("Examples:\n{}", help.examples.each_ref().map(text).join("\n"));
    if help.short.is_empty() {
        return command.after_help(examples);
    }
    let rest = format!("All flags, with examples: harmonium {} --help", help.command);
    command.after_help(rest).after_long_help(examples)
}

/// The argument for `--help` alone. The man page, too, then takes its long help only.
fn long_only(arg: Arg) -> Arg {
    let help = arg.get_long_help().or(arg.get_help()).cloned();
    arg.hide_short_help(true).long_help(help.unwrap_or_default())
}

fn text(Example { line, purpose }: &Example) -> String {
    format!("  {line}\n      {purpose}")
}

/// The argument with a hint for completions: values that its placeholder calls a path are paths.
fn with_hint(arg: Arg) -> Arg {
    let names = arg.get_value_names().unwrap_or_default();
    let says = |word: &str| names.iter().any(|name| name.contains(word));
    match (says("FOLDER"), says("PATH") || says("FILE") || says("MODEL")) {
        (true, _) => arg.value_hint(ValueHint::DirPath),
        (false, true) => arg.value_hint(ValueHint::AnyPath),
        (false, false) => arg,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_has_its_help_and_each_name_is_an_argument() {
        let cli = Cli::command();
        let commands: Vec<_> = cli.get_subcommands().map(Command::get_name).collect();
        assert_eq!(HELP.map(|help| help.command).to_vec(), commands);
        for Help { command, short, groups, examples } in &HELP {
            let command = cli.find_subcommand(command).unwrap();
            let ids: Vec<_> = command.get_arguments().map(|arg| arg.get_id().as_str()).collect();
            for id in groups.iter().flat_map(|(_, ids)| *ids).chain(*short) {
                assert!(ids.contains(id), "{} has no argument {id}", command.get_name());
            }
            for Example { line, .. } in examples {
                let parsed = Cli::command().try_get_matches_from(line.split_whitespace());
                parsed.unwrap_or_else(|error| panic!("{line}: {error}"));
            }
        }
    }

    #[test]
    fn help_fits_the_terminal() {
        for width in [60, 80] {
            let mut cli = command().term_width(width);
            cli.build();
            for command in std::iter::once(&cli).chain(cli.get_subcommands()) {
                let mut command = command.clone().term_width(width);
                for help in [command.render_help(), command.render_long_help()] {
                    let help = help.to_string();
                    let widest = help.lines().max_by_key(|line| line.chars().count()).unwrap();
                    assert!(widest.chars().count() <= width, "{width}: {widest}");
                }
            }
        }
    }

    #[test]
    fn the_short_help_of_train_shows_what_matters_and_where_the_rest_is() {
        let cli = command();
        let mut train = cli.find_subcommand("train").unwrap().clone().term_width(80);
        let [short, long] = [train.render_help(), train.render_long_help()].map(|h| h.to_string());
        assert!(short.lines().count() <= 40, "{short}");
        assert!(short.ends_with("All flags, with examples: harmonium train --help\n"), "{short}");
        assert!(short.contains("--hidden <N>") && !short.contains("--adam-beta1"), "{short}");
        let at = |heading: &str| {
            long.find(&format!("\n{heading}:\n")).unwrap_or_else(|| panic!("{heading}"))
        };
        let headings = ["Data", "Model", "Training", "Chains", "Run", "Output", "Examples"];
        assert!(headings.map(at).is_sorted(), "{long}");
        assert!(long.contains("--learning-rate <RATE>"), "{long}");
    }
}
