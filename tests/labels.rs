//! Labels: the class of an example is one more site.

#![cfg(feature = "cli")]

mod folder;

use folder::Folder;
use harmonium::dataset::{Binarization, Classes, Dataset, Examples, Labels};
use harmonium::evaluate::classifier::{ClassScore, Classifier, most_likely};
use harmonium::kernels::Isa;
use harmonium::train::{Algorithm, Objective, Schedule};
use harmonium::units::Units;
use harmonium::{BitMatrix, Rbm, TrainConfig, Trainer, Watch};
use ndarray::{Array1, Array2};
use std::fs;

const FEATURES: usize = 70;
const K: usize = 3;
const N: usize = 90;

/// Class k has pixels of stripe k on.
fn pixels() -> BitMatrix {
    BitMatrix::from_fn(N, FEATURES, |n, i| (i % K == n % K) == ((n * 7 + i * i) % 5 != 0))
}

fn labels(known: impl Fn(usize) -> bool) -> Labels {
    let classes = Classes::new("stripe", ["a", "b", "c"].map(String::from).to_vec()).unwrap();
    Labels::of_states(classes, (0..N).map(|n| known(n).then_some((n % K) as u8)).collect())
}

fn examples(known: impl Fn(usize) -> bool) -> Examples {
    let data = Dataset::from_bits("stripes", pixels()).labelled(labels(known)).unwrap();
    Examples::new(data, Binarization::Stochastic)
}

fn config(objective: Objective) -> TrainConfig {
    TrainConfig {
        objective,
        hidden: Some(70),
        epochs: Some(6),
        batch_size: 40,
        chains: objective.needs_chains().then_some(20),
        learning_rate: 0.5,
        schedule: Schedule::Constant,
        ..TrainConfig::default()
    }
}

const OBJECTIVES: [Objective; 3] =
    [Objective::Generative, Objective::Discriminative, Objective::Hybrid(0.1)];

#[test]
fn p_of_the_label_is_that_of_enumeration() {
    let value = |at: usize| ((at * 37 + 11) % 29) as f32 / 10.0 - 1.4;
    let sites = Units::of_sites([1, 1, 3, 1, 4]).unwrap();
    let (v, h) = (sites.n_units(), 5);
    let rbm = Rbm::of_sites(
        sites,
        Array2::from_shape_fn((v, h), |(i, j)| value(i * h + j)),
        Array1::from_shape_fn(v, |i| value(i + 50)),
        Array1::from_shape_fn(h, |j| value(j + 90)),
    )
    .unwrap();
    let features =
        BitMatrix::from_fn(6, 6, |n, i| i == 2 + n % 3 || i == n % 2 || (i, n) == (5, 4));
    let classifier = Classifier::new(&rbm).unwrap();
    assert_eq!((classifier.n_features(), classifier.n_classes()), (6, 4));
    for isa in Isa::available() {
        let log_p = classifier.log_probabilities(&features, isa, Watch::default()).unwrap();
        let means = classifier.mean_hidden(&features, isa, Watch::default()).unwrap();
        for n in 0..6 {
            // Σ_h e^−E(v, y, h), over all h.
            let mut joint = [0.0_f64; 4];
            let mut of_units = vec![0.0; h];
            for (class, joint) in joint.iter_mut().enumerate() {
                for hidden in 0..1_u64 << h {
                    let on = |i: usize| if i < 6 { features.get(n, i) } else { i - 6 == class };
                    let mut minus_energy = 0.0;
                    for i in (0..v).filter(|&i| on(i)) {
                        minus_energy += f64::from(rbm.visible_bias()[i]);
                        for j in (0..h).filter(|j| hidden >> j & 1 == 1) {
                            minus_energy += f64::from(rbm.weights()[[i, j]]);
                        }
                    }
                    for j in (0..h).filter(|j| hidden >> j & 1 == 1) {
                        minus_energy += f64::from(rbm.hidden_bias()[j]);
                    }
                    *joint += minus_energy.exp();
                    for (j, sum) in of_units.iter_mut().enumerate() {
                        *sum += if hidden >> j & 1 == 1 { minus_energy.exp() } else { 0.0 };
                    }
                }
            }
            let total: f64 = joint.iter().sum();
            for class in 0..4 {
                let exact = (joint[class] / total).ln();
                assert!((log_p[[n, class]] - exact).abs() < 1e-10, "{n} {class}");
            }
            for j in 0..h {
                assert!((f64::from(means[[n, j]]) - of_units[j] / total).abs() < 1e-6, "{n} {j}");
            }
        }
    }
}

/// Labels that are all known make one more categorical site, and nothing else.
#[test]
fn a_label_is_a_site() {
    let one_hot = BitMatrix::from_fn(N, FEATURES + K, |n, i| match i.checked_sub(FEATURES) {
        None => pixels().get(n, i),
        Some(class) => class == n % K,
    });
    let sites = Units::of_sites([1; FEATURES].into_iter().chain([K])).unwrap();
    let as_site = Dataset::from_sites("stripes", sites, one_hot).unwrap();
    let as_site = Examples::new(as_site, Binarization::Stochastic);
    let train = |examples: Examples| {
        let mut trainer = Trainer::new(config(Objective::Generative), examples).unwrap();
        trainer.run(&mut []).unwrap();
        trainer.model()
    };
    assert_eq!(train(examples(|_| true)), train(as_site));
}

#[test]
fn every_objective_gives_the_same_bits_on_threads_levels_and_after_stops() {
    for objective in OBJECTIVES {
        for algorithm in [Algorithm::Auto, Algorithm::Pt] {
            if !objective.needs_chains() && algorithm == Algorithm::Pt {
                continue;
            }
            // The second mini-batch of an epoch has fewer blocks of 64 rows than the first.
            let config = TrainConfig { algorithm, batch_size: 70, ..config(objective) };
            let run = |threads: usize, isa: Isa, stop: u64| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| {
                    let data = || examples(|n| n % 5 != 2).into();
                    let mut trainer = Trainer::with_isa(config.clone(), data(), None, isa).unwrap();
                    while !trainer.is_done() {
                        if trainer.updates() == stop {
                            let state = trainer.state();
                            trainer =
                                Trainer::restore(config.clone(), data(), &state, isa).unwrap();
                        }
                        trainer.update().unwrap();
                    }
                    trainer.state()
                })
            };
            let expected = run(1, Isa::BASELINE, u64::MAX);
            for isa in Isa::available() {
                for (threads, stop) in [(1, u64::MAX), (3, u64::MAX), (2, 7)] {
                    let found = run(threads, isa, stop);
                    assert_eq!(found.difference(&expected), None, "{objective} {}", isa.name());
                }
            }
        }
    }
}

#[test]
fn every_objective_learns_the_classes() {
    for objective in OBJECTIVES {
        // Slow steps: few examples without labels would else be learned with any.
        let config = TrainConfig { epochs: Some(300), learning_rate: 0.1, ..config(objective) };
        let mut trainer = Trainer::new(config, examples(|n| n % 7 != 2)).unwrap();
        trainer.run(&mut []).unwrap();
        let rbm = trainer.model();
        let classifier = Classifier::new(&rbm).unwrap();
        let log_p =
            classifier.log_probabilities(&pixels(), Isa::fastest(), Watch::default()).unwrap();
        // Also those whose label was unknown.
        let score = ClassScore::of(&log_p, labels(|_| true).of_examples(), None).unwrap();
        assert!(score.error.mean < 0.02 && score.log_loss.mean < 0.1, "{objective}: {score}");
    }
}

#[test]
fn scores_leave_out_what_has_no_label() {
    let log_p = Array2::from_shape_vec((3, 2), vec![0.9_f64, 0.1, 0.2, 0.8, 0.6, 0.4]).unwrap();
    let log_p = log_p.mapv(f64::ln);
    let score = ClassScore::of(&log_p, &[Some(0), None, Some(1)], Some(&[3.0, 9.0, 1.0])).unwrap();
    assert_eq!(score.error.mean, 0.25);
    let loss = -(3.0 * 0.9_f64.ln() + 0.4_f64.ln()) / 4.0;
    assert!((score.log_loss.mean - loss).abs() < 1e-12);
    assert_eq!(ClassScore::of(&log_p, &[None; 3], None), None);
    assert_eq!(most_likely([0.3, 0.4, 0.4]), 1);
}

#[test]
fn what_does_not_go_together_is_refused() {
    let refused = |config: TrainConfig, examples: Examples| {
        Trainer::new(config, examples).map(drop).unwrap_err().to_string()
    };
    let all = || examples(|_| true);
    let some = || examples(|n| n > 3);
    let plain = || Examples::new(Dataset::from_bits("stripes", pixels()), Binarization::None);
    let of = config;
    for (error, message) in [
        (
            refused(of(Objective::Discriminative), plain()),
            "objective is discriminative, but must be generative, as the examples have no labels",
        ),
        (
            refused(
                TrainConfig {
                    algorithm: Algorithm::Cd,
                    chains: None,
                    ..of(Objective::Hybrid(0.5))
                },
                all(),
            ),
            "algorithm is cd, but must be auto, pcd, pt or ptt with the objective hybrid:0.5",
        ),
        (
            refused(
                TrainConfig { algorithm: Algorithm::Cd, chains: None, ..of(Objective::Generative) },
                some(),
            ),
            "algorithm is cd, but must be auto, pcd, pt or ptt where some examples have no label",
        ),
        (
            refused(TrainConfig { sparsity_cost: 0.1, ..of(Objective::Hybrid(0.5)) }, all()),
            "sparsity_cost is 0.1, but must be 0 with the objective hybrid:0.5",
        ),
        (
            refused(TrainConfig { chain_reset: 0.1, ..of(Objective::Hybrid(0.5)) }, all()),
            "chain_reset is 0.1, but must be 0 with the objective hybrid:0.5",
        ),
    ] {
        assert_eq!(error, message);
    }
    let labelled = |labels| Dataset::from_bits("stripes", pixels()).labelled(labels);
    let few = Labels::of_names("y", &["a", "b"], None).unwrap();
    let error = labelled(few).unwrap_err().to_string();
    assert_eq!(
        error,
        "the number of labels is 2, but must be one for each of the 90 examples of stripes"
    );
    let error = Labels::of_names("y", &["a", "", "a"], None).unwrap_err().to_string();
    assert_eq!(error, "y: labels must be of 2 to 255 different classes, but these are a");
    let known = labels(|_| true).classes().clone();
    let error = Labels::of_names("y", &["a", "d"], Some(known)).unwrap_err().to_string();
    assert_eq!(
        error,
        "y: example 1 has the label \"d\", but must have one of a, b, c: the training data have no \
         others"
    );
}

/// From a table with a column of labels to predictions, scores and samples of a class.
#[test]
fn a_table_with_labels_is_learned_and_predicted() {
    let folder = Folder::new();
    let row = |n: usize, label: &str| {
        let colour = ["red", "green", "blue"][n % 3];
        let small = ["yes", "no"][usize::from(n.is_multiple_of(2))];
        format!("{colour},{label},{small}\n")
    };
    let kind = |n: usize| ["apple", "pear", "plum"][n % 3];
    let table = |rows: std::ops::Range<usize>| {
        let rows = rows.map(|n| row(n, if n % 10 == 3 { "" } else { kind(n) }));
        ["colour,kind,small\n".to_string()].into_iter().chain(rows).collect::<String>()
    };
    fs::write(folder.path("fruit.csv"), table(0..120)).unwrap();
    fs::write(folder.path("test.csv"), table(120..150)).unwrap();
    let unknown: String = (0..6).map(|n| row(n, "")).collect();
    fs::write(folder.path("new.csv"), format!("colour,kind,small\n{unknown}")).unwrap();
    let without: String = (0..6).map(|n| row(n, "x").replace(",x,", ",")).collect();
    fs::write(folder.path("bare.csv"), format!("colour,small\n{without}")).unwrap();
    let said = folder.run(
        "train --data fruit.csv --categories auto --labels kind --test-data test.csv --hidden 8 \
         --epochs 300 --learning-rate 0.3 --evaluate-every 100 --out run --no-report",
    );
    assert_eq!(said.0, Some(0), "{}", said.2);
    for note in ["fruit.csv: 12 of 120 examples", "test.csv: 3 of 30 examples"] {
        assert_eq!(
            said.2.matches(&format!("note: {note} have no label\n")).count(),
            1,
            "{}",
            said.2
        );
    }
    folder.succeed("report run --out report.html");
    for data in ["new.csv", "bare.csv"] {
        folder.succeed(&format!("predict run {data} --out p.csv --overwrite"));
        let predicted = fs::read_to_string(folder.path("p.csv")).unwrap();
        let mut lines = predicted.lines();
        assert_eq!(lines.next(), Some("kind,p(apple),p(pear),p(plum)"));
        let classes: Vec<_> = lines.map(|line| line.split(',').next().unwrap()).collect();
        assert_eq!(classes, ["apple", "pear", "plum", "apple", "pear", "plum"], "{data}");
    }
    let page = fs::read_to_string(folder.path("report.html")).unwrap();
    assert!(page.contains("hidden unit") && !page.contains("do not fit"), "{page}");
    let said = folder.succeed("predict run --out p.npy");
    assert!(said.contains("error 0.00 % (none of 27), log-loss "), "{said}");
    let said = folder.succeed("evaluate run");
    assert!(said.contains("class error       0.00 % (of no example)"), "{said}");
    folder.succeed("sample run --label pear --number 20 --out pears.csv");
    let samples = fs::read_to_string(folder.path("pears.csv")).unwrap();
    assert_eq!(samples.lines().next(), Some("colour,small,kind"));
    let green = samples.lines().filter(|line| line.starts_with("green")).count();
    assert!(
        samples.lines().skip(1).all(|line| line.ends_with(",pear")) && green >= 18,
        "{samples}"
    );
    // Reverse annealing starts at samples of the model, labels included.
    folder.succeed(
        "evaluate run --method ais --n-chains 20 --schedule adaptive:200 --start pears.csv",
    );
    folder.misuse(
        "sample run --label grape --out g.csv",
        "label is grape, but must be one of apple, pear, plum",
    );
    folder.fail(
        "evaluate run --data new.csv",
        "new.csv: has no labels, but p(v, label) needs them; give a file or a column of them by --labels",
    );
    let (_, _, said) =
        folder.run("evaluate run --method ais --schedule adaptive:200 --start new.csv");
    let rule = "new.csv: has no labels, but must have a column \"kind\" of them\n";
    assert!(said.ends_with(rule), "{said}");
    folder.fail(
        "train --data fruit.csv --categories auto --labels sort --out other",
        "sort: cannot read: there is no such file, and no such column: fruit.csv has the columns colour, kind, small",
    );
    folder.succeed(
        "train --data fruit.csv --categories auto --labels kind --objective discriminative --hidden 8 \
         --epochs 100 --learning-rate 2 --out sharp --no-report",
    );
    folder.misuse(
        "train --data fruit.csv --categories auto --labels kind --objective discriminative --hidden 8 \
         --validation 20 --early-stop pseudo_likelihood --out never",
        "early_stop is pseudo_likelihood, but must be another metric, or have an objective with ln p(v)",
    );
    // A report of such a run finds nothing wrong with chains that it does not have.
    folder.succeed("report sharp --out sharp.html");
    let page = fs::read_to_string(folder.path("sharp.html")).unwrap();
    assert!(page.contains("share of wrong classes"));
    assert!(!page.contains("the chains") && !page.contains("not finite"), "{page}");
    let said = folder.succeed("predict sharp test.csv --out q.csv");
    assert!(said.contains("error 0.00 %"), "{said}");
    folder.fail("evaluate sharp --data test.csv", "was trained on p(label | v) alone");
}

/// Pictures show the pixels of a model with labels, and a label that changes begins another run.
#[test]
fn pictures_leave_the_label_out_and_a_run_keeps_its_column() {
    let folder = Folder::new();
    let names: String = (0..200).map(|n| ["a\n", "b\n"][n % 2]).collect();
    fs::write(folder.path("y.txt"), names).unwrap();
    folder.succeed("train --data greys.idx --labels y.txt --hidden 8 --epochs 2 --out img --quiet");
    folder.succeed_with_notes("sample img --clamp left --number 6 --out completed.png");
    folder.succeed("sample img --number 6 --out samples.png");
    folder.succeed("sample img --label b --number 6 --out b.png");
    // As wide and as high as those of a run without labels.
    folder.succeed("train --data greys.idx --hidden 8 --epochs 2 --out plain --quiet");
    folder.succeed_with_notes("sample plain --clamp left --number 6 --out c.png");
    folder.succeed("sample plain --number 6 --out s.png");
    for (picture, plain) in
        [("completed.png", "c.png"), ("samples.png", "s.png"), ("b.png", "s.png")]
    {
        assert_eq!(folder.picture(picture), folder.picture(plain), "{picture}");
    }
    let row = |n: usize| format!("{},{},{}\n", n % 2, (n / 2) % 2, ["x", "y"][n % 2]);
    let rows: String = (0..40).map(row).collect();
    fs::write(folder.path("t.csv"), format!("one,two,three\n{rows}")).unwrap();
    let settings = "--categories auto --labels one --hidden 4 --epochs 4 --stop-after 1epochs";
    folder.succeed_with_notes(&format!("train --data t.csv {settings} --out t"));
    let path = folder.path("t/config.toml");
    let other = fs::read_to_string(&path).unwrap().replace("\"column:one\"", "\"column:three\"");
    fs::write(&path, other).unwrap();
    let (code, _, stderr) = folder.run("resume t");
    assert!(code != Some(0) && stderr.contains("labels"), "{stderr}");
}

/// A table of numbers may have columns of labels and weights, and labels may be given with other data.
#[test]
fn columns_of_labels_and_weights_are_what_files_of_them_are() {
    let folder = Folder::new();
    let kind = |n: usize| ["dark", "light"][n % 2];
    let table = |header: &str, row: &dyn Fn(usize) -> String| {
        let rows: String = (0..120).map(|n| row(n) + "\n").collect();
        format!("{header}{rows}")
    };
    let (a, w) = (|n: usize| n / 2 % 2, |n: usize| 1 + n % 3);
    let all = |n: usize| format!("{},{},{},{}", a(n), kind(n), n % 2, w(n));
    for (name, header, row) in [
        ("t.csv", "a,kind,b,w\n", &all as &dyn Fn(usize) -> String),
        ("x.csv", "a,b\n", &|n| format!("{},{}", a(n), n % 2)),
        ("y.txt", "", &|n| kind(n).into()),
        ("w.txt", "", &|n| w(n).to_string()),
        ("new.csv", "truth,a,b\n", &|n| format!("{},{},{}", kind(n), a(n), n % 2)),
    ] {
        fs::write(folder.path(name), table(header, row)).unwrap();
    }
    let line = "--hidden 4 --epochs 300 --batch-size 20 --learning-rate 0.3 --no-report --quiet";
    let columns = format!("train --data t.csv --labels kind --weights w {line} --out columns");
    let (code, _, said) = folder.run(&columns);
    assert_eq!((code, &said[..]), (Some(0), "note: t.csv: the column \"w\" holds the weights\n"));
    folder
        .succeed(&format!("train --data x.csv --labels y.txt --weights w.txt {line} --out files"));
    assert_eq!(folder.fingerprint("columns"), folder.fingerprint("files"));
    // A file of the name of the column does not come first once the run has begun.
    fs::write(folder.path("kind"), "?\n").unwrap();
    folder.succeed_with_notes("train --config columns/config.toml --out again --quiet");
    assert_eq!(folder.fingerprint("columns"), folder.fingerprint("again"));

    for data in ["new.csv --labels truth", "new.csv --labels column:truth", "x.csv --labels y.txt"]
    {
        let said = folder.succeed(&format!("predict columns {data} --out p.csv --overwrite"));
        assert!(said.contains("error 0.00 % (none of 120)"), "{said}");
        let said = folder.succeed(&format!("evaluate columns --data {data}"));
        assert!(said.contains("class error       0.00 % (of no example)"), "{said}");
    }
    // The table of training still has its columns.
    folder.succeed("predict columns t.csv --out p.csv --overwrite");
    let line_of_test = "train --data t.csv --labels column:kind --weights w --test-data t.csv --hidden 2 --epochs 1";
    folder.succeed_with_notes(&format!("{line_of_test} --no-report --quiet --out tested"));
    let weighted = "evaluate columns --data t.csv --weights w --json";
    let weighted = folder.succeed_with_notes(weighted);
    let own = folder.succeed("evaluate columns --split train --json");
    let likelihood = |text: &str| {
        let found: serde_json::Value = serde_json::from_str(text).unwrap();
        found["log_likelihood"].to_string()
    };
    assert_eq!(likelihood(&weighted), likelihood(&own));
    folder.fail(
        "predict columns new.csv --labels z.txt --out z.csv",
        "z.txt: cannot read: there is no such file, and no such column: new.csv has the columns truth, a, b",
    );
    folder.succeed(&format!("train --data x.csv {line} --out plain"));
    folder.misuse(
        "evaluate plain --data new.csv --labels truth",
        "labels is truth, but must be left out: the model was trained without labels",
    );
}

#[test]
fn files_of_labels_may_move_and_must_not_change() {
    let folder = Folder::new();
    let names = |first: &str| -> String { (0..200).map(|n| [first, "b\n"][n % 2]).collect() };
    for file in ["y.txt", "z.txt"] {
        fs::write(folder.path(file), names("a\n")).unwrap();
    }
    let line = "train --data greys.idx --labels y.txt --test-data greys.idx --test-labels z.txt --hidden 8 \
                --epochs 3 --batch-size 50 --quiet --no-report";
    folder.succeed(&format!("{line} --out whole"));
    folder.succeed_with_notes(&format!("{line} --out parts --stop-after 5updates"));
    for (old, new, flag) in [("y.txt", "v.txt", "--labels"), ("z.txt", "u.txt", "--test-labels")] {
        let resume =
            if flag == "--labels" { "resume parts" } else { "resume parts --labels v.txt" };
        fs::rename(folder.path(old), folder.path(new)).unwrap();
        folder.fail(resume, &format!("give the path of that file with {flag}"));
        fs::write(folder.path(old), names("b\n").replacen('b', "a", 1)).unwrap();
        folder.fail(resume, &format!("{old}: has the SHA-256 "));
        fs::remove_file(folder.path(old)).unwrap();
    }
    folder.succeed("resume parts --labels v.txt --test-labels u.txt --quiet --no-report");
    assert_eq!(folder.fingerprint("whole"), folder.fingerprint("parts"));
    let rule = "labels is v.txt, but must be left out: the labels of this run are not a file";
    Folder::with_run().misuse("resume run --labels v.txt", rule);
    // A command on the run cannot name their new place itself.
    for (old, line, flag) in [
        ("v.txt", "predict parts --split train --out p.csv --overwrite", "--labels"),
        ("v.txt", "transform parts --split train --out t.npy --overwrite", "--labels"),
        ("u.txt", "predict parts --out p.csv --overwrite", "--test-labels"),
    ] {
        fs::rename(folder.path(old), folder.path("moved.txt")).unwrap();
        let remedy = format!("the path of that file with `harmonium resume RUN {flag} PATH`");
        folder.fail(line, &remedy);
        folder.succeed_with_notes(&format!("resume parts {flag} moved.txt --quiet --no-report"));
        folder.succeed(line);
        fs::rename(folder.path("moved.txt"), folder.path(old)).unwrap();
        folder.succeed_with_notes(&format!("resume parts {flag} {old} --quiet --no-report"));
    }
}

/// Labels that are a column stay one, under the name that the user gave them, of which the data of a test may have
/// another.
#[test]
fn a_run_whose_labels_are_a_column_goes_on_when_told_so_again() {
    let folder = Folder::new();
    let table = |name: &str| {
        let row = |n: usize| format!("{},{},{}\n", n % 2, n / 2 % 2, ["x", "y"][n % 2]);
        format!("one,two,{name}\n{}", (0..40).map(row).collect::<String>())
    };
    fs::write(folder.path("t.csv"), table("kind")).unwrap();
    fs::write(folder.path("test.csv"), table("sort")).unwrap();
    let line = "train --data t.csv --labels kind --test-data test.csv --test-labels sort --hidden 4 --epochs 4 \
                --batch-size 20 --quiet --no-report";
    folder.succeed(&format!("{line} --out whole"));
    folder.succeed_with_notes(&format!("{line} --out parts --stop-after 3updates"));
    folder.misuse(
        "resume parts --labels two",
        "labels is two, but must be left out: the labels of this run",
    );
    folder.succeed("resume parts --labels kind --test-labels column:sort --quiet --no-report");
    assert_eq!(folder.fingerprint("whole"), folder.fingerprint("parts"));
    let settings = fs::read_to_string(folder.path("parts/config.toml")).unwrap();
    assert!(
        settings.contains("\nlabels = \"column:kind\"")
            && settings.contains("\ntest_labels = \"column:sort\""),
        "{settings}"
    );
}

/// Labels of a file leave a column `label` to the sites.
#[test]
fn a_site_may_have_the_name_that_labels_of_a_file_have() {
    let folder = Folder::new();
    let row = |n: usize| format!("{},{}\n", n % 2, n / 2 % 2);
    let rows: String = (0..40).map(row).collect();
    fs::write(folder.path("t.csv"), format!("a,label\n{rows}")).unwrap();
    let names: String = (0..40).map(|n| ["1\n", "0\n"][n % 2]).collect();
    fs::write(folder.path("y.txt"), &names).unwrap();
    folder.succeed(
        "train --data t.csv --labels y.txt --hidden 4 --epochs 300 --batch-size 20 --learning-rate 0.3 \
         --no-report --quiet --out run",
    );
    assert_eq!(folder.facts("run")["data"]["labels_column"], serde_json::Value::Null);
    let said = folder.succeed("predict run t.csv --out p.csv");
    assert!(!said.contains("error"), "these are no labels: {said}");
    let said = folder.succeed("predict run t.csv --labels y.txt --out p.csv --overwrite");
    assert!(said.contains("error 0.00 %"), "{said}");
    let said = folder.succeed("evaluate run --data t.csv --labels y.txt");
    assert!(said.contains("class error       0.00 %"), "{said}");
    // What the model samples has its labels beside.
    folder.succeed("sample run --number 20 --out samples.csv");
}
