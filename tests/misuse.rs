//! A wrong command line, settings file or environment is refused by the same rules at every door, with a
//! remedy and exit code 2.

#![cfg(feature = "cli")]

mod folder;

use folder::{Folder, SHORT};
use ndarray::Array2;
use serde_json::json;

#[test]
fn a_misspelt_name_is_answered_with_the_one_that_is_meant() {
    let folder = Folder::with_run();
    let train = format!("train {SHORT} --out new");
    for (line, meant) in [
        (format!("{train} --preset mnist500"), "mnist-500?"),
        (format!("{train} --data mnsit"), "mnist?"),
        (format!("{train} --data greys.idx --test-data shiftr"), "shifter?"),
        ("transform run mnsit --out new.npy".to_string(), "mnist?"),
        ("evaluate run --data mnsit".to_string(), "mnist?"),
    ] {
        folder.misuse(&line, &format!("did you mean {meant}"));
    }
    // clap answers in several lines.
    for (line, meant) in [
        (format!("{train} --algorithm pdc"), "pcd?"),
        (format!("{train} --schedule cosin"), "cosine?"),
        (format!("{train} --averaging tial:0.5"), "tail:SHARE?"),
        (format!("{train} --binarize threshhold:0.5"), "threshold:T?"),
        (format!("{train} --keep best:log_liklihood"), "log_likelihood?"),
        (format!("{train} --early-stop pseudo-likelihood"), "pseudo_likelihood?"),
        ("evaluate run --split trian".to_string(), "train?"),
        ("evaluate run --method exct".to_string(), "exact?"),
        ("evaluate run --schedule liner:50".to_string(), "linear:N?"),
    ] {
        folder.refuse(&line, 2, &format!("did you mean {meant}"));
    }
    // A path that is like nothing known is a file that does not exist.
    let (code, _, stderr) = folder.run("train --data mnist.npy --out new");
    assert_eq!((code, stderr.contains("did you mean")), (Some(1), false), "{stderr}");
}

#[test]
fn a_wrong_key_of_a_settings_file_is_answered_with_its_place() {
    let folder = Folder::new();
    for (text, rule) in [
        ("[train]\nhiden = 5", "[train] hiden is not known; did you mean hidden?"),
        ("epochs = 5", "epochs belongs into [train]"),
        ("[data]\npatience = 5", "[data] patience belongs into [run]"),
        ("[run]\nno_report = true", "give it as the flag in `harmonium train --no-report`"),
        ("[train]\nthreads = 2", "give it as the flag in `harmonium train --threads`"),
        ("[train]\nn_chains = 2", "give it as the flag in `harmonium evaluate --n-chains`"),
        ("[run]\nnonsense = 5", "[run] nonsense is not a setting of a run\n"),
        ("[trian]\nhidden = 5", "did you mean train?"),
        ("[train]\nhidden = \"5\"", "[train] hidden is \"5\", but must be a whole number"),
        ("[train]\nhidden = ", "line 2: "),
    ] {
        folder.write("wrong.toml", text.as_bytes());
        folder.misuse("train --config wrong.toml --out new", rule);
        folder.misuse("train --config wrong.toml --out new", "error: wrong.toml: ");
    }
}

/// Settings that have no effect alone, and the flag that each needs.
const ALONE: [(&str, &str, &str, &str); 6] = [
    ("train", "temperatures", "7", "--algorithm pt"),
    ("train", "swap_rate", "0.3", "--algorithm pt"),
    ("train", "adam_beta1", "0.8", "--optimizer adam"),
    ("train", "sparsity_target", "0.2", "--sparsity-cost"),
    ("run", "patience", "5", "--early-stop"),
    ("run", "evaluate", "\"ais\"", "--evaluate-every"),
];

#[test]
fn a_setting_without_its_partner_is_refused_as_a_flag_and_in_a_file() {
    let folder = Folder::new();
    for (section, setting, value, partner) in ALONE {
        let typed = value.trim_matches('"');
        let rule = format!("{setting} is {typed}, but must be left out without {partner}");
        let flag = setting.replace('_', "-");
        folder.misuse(&format!("train --data greys.idx --out new --{flag} {typed}"), &rule);
        let text = format!("[data]\ndata = \"greys.idx\"\n[{section}]\n{setting} = {value}\n");
        folder.write("alone.toml", text.as_bytes());
        folder.misuse("train --config alone.toml --out new", &rule);
    }
    let both = "[data]\ndata = \"greys.idx\"\n[train]\nepochs = 2\nupdates = 5\n";
    folder.write("both.toml", both.as_bytes());
    folder.misuse("train --config both.toml --out new", "updates is 5, but must be left out with");
    // Small models use tempering by default.
    let small = "train --data bars-and-stripes:3 --hidden 4 --batch-size 16 --updates 2 --quiet --out small";
    folder.succeed(&format!("{small} --temperatures 3"));
}

/// A run writes all settings, also those that have no effect in it: they have their defaults.
#[test]
fn what_a_run_wrote_is_read_again() {
    let folder = Folder::with_run();
    folder.succeed("train --config run --out again --quiet");
    assert_eq!(folder.fingerprint("again"), folder.fingerprint("run"));
    // A flag that takes away what a setting of a preset or a run needs takes the setting away, too.
    let tempered = "train --preset bars-and-stripes --epochs 3 --quiet --out";
    folder.succeed(&format!("{tempered} pt"));
    folder.succeed(&format!("{tempered} pcd --algorithm pcd"));
    folder.succeed("train --config pt --algorithm pcd --quiet --out of_run");
    assert_eq!(folder.fingerprint("of_run"), folder.fingerprint("pcd"));
    assert_eq!(folder.facts("pt")["settings"]["temperatures"], json!(5));
    assert_eq!(folder.facts("pcd")["settings"]["temperatures"], json!(10));
    folder.succeed("train --config pcd --quiet --out once_more");
}

#[test]
fn data_that_a_command_does_not_use_are_refused() {
    let folder = Folder::with_run();
    let rule = "must be left out without --start data or --clamp";
    folder.misuse("sample run --data greys.idx --out new.npy", rule);
    folder.misuse("sample run --split train --out new.npy", rule);
}

#[test]
fn sweeps_and_threads_have_an_upper_bound() {
    let folder = Folder::with_run();
    let rule = "gibbs_steps is 10000000000, but must be at most 1000000000";
    folder.misuse("sample run --gibbs-steps 10000000000 --out new.npy", rule);
    let with_threads = |line: &str, threads: &str| {
        let output = folder.command(line).env("RAYON_NUM_THREADS", threads).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let sample = "sample run --gibbs-steps 1 --out new.npy";
    let train = format!("train --data greys.idx {SHORT} --out new");
    for line in [sample, &train, "evaluate run", "transform run --out new.npy"] {
        let (code, stderr) = with_threads(line, "100000");
        let rule = "error: RAYON_NUM_THREADS is 100000, but must be from 1 to 1024\n";
        assert_eq!((code, &stderr[..]), (Some(2), rule), "{line}");
        assert!(!folder.path("new").exists() && !folder.path("new.npy").exists());
        // Flags have the last word.
        assert_eq!(with_threads(&format!("{line} --threads 1025"), "1").0, Some(2), "{line}");
    }
    let cores = std::thread::available_parallelism().unwrap().get();
    let crowd = 4 * cores + 1;
    let is_noted =
        |stderr: &str| stderr.contains(&format!("note: {crowd} threads share {cores} c"));
    let (code, stderr) = with_threads(sample, &crowd.to_string());
    assert!(code == Some(0) && is_noted(&stderr), "{stderr}");
    let (code, _, stderr) = folder.run(&format!("{train} --threads {crowd}"));
    assert!(code == Some(0) && is_noted(&stderr), "{stderr}");
    let more = "sample run --gibbs-steps 1 --out more.npy";
    let (_, stderr) = with_threads(more, &(4 * cores).to_string());
    assert_eq!(stderr, "");
}

#[test]
fn a_failure_that_is_no_misuse_ends_with_1() {
    let folder = Folder::with_run();
    folder.write_npy("wide.npy", Array2::<u8>::eye(31).view());
    for (line, message) in [
        ("evaluate run --data missing.npy", "cannot read"),
        ("evaluate run --data wide.npy", "31 visible units"),
        ("resume missing", "is not a folder"),
        ("inspect greys.idx", "is not a whole safetensors file"),
    ] {
        folder.fail(line, message);
    }
}
