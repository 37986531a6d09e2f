//! A run knows its data: its commands use them unless the user gives others.

#![cfg(feature = "cli")]

mod folder;

use folder::{Folder, SHORT, greys, idx};
use ndarray::{Array2, Array3};
use serde_json::Value;
use std::fs;

/// Images of 28 x 28, each with a filled rectangle with sides of 6 to 17 pixels.
fn rectangles(n: usize, seed: u64) -> Array3<u8> {
    let mut state = seed;
    let mut below = |n: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % n
    };
    let mut images = Array3::zeros((n, 28, 28));
    for mut image in images.outer_iter_mut() {
        let (height, width) = (6 + below(12), 6 + below(12));
        let (top, left) = (below(29 - height), below(29 - width));
        image.slice_mut(ndarray::s![top..top + height, left..left + width]).fill(1);
    }
    images
}

/// A folder with a run in `run` on the rectangles in `s.npy`, with test data in `t.npy`.
fn folder() -> Folder {
    let folder = Folder::new();
    folder.write_npy("s.npy", rectangles(300, 1).view());
    folder.write_npy("t.npy", rectangles(60, 2).view());
    let line = "train --data s.npy --test-data t.npy --hidden 10 --epochs 5 --batch-size 50";
    folder.succeed(&format!("{line} --out run --quiet"));
    folder
}

fn evaluation(folder: &Folder, line: &str) -> Value {
    serde_json::from_str(&folder.succeed(&format!("evaluate {line} --json"))).unwrap()
}

/// An evaluation without the names of its data.
fn figures(mut evaluation: Value) -> Value {
    for key in ["data", "data_role"] {
        evaluation.as_object_mut().unwrap().remove(key).unwrap();
    }
    // The training data are known only to the run.
    evaluation.as_object_mut().unwrap().remove("training_gap");
    evaluation
}

#[test]
fn a_run_is_evaluated_on_its_own_test_data_and_shown_with_them() {
    let folder = folder();
    let page = || String::from_utf8(folder.read("run/report.html")).unwrap();
    assert!(page().contains("The log-likelihood is not known yet"));
    // Evaluations of other data are not shown with the run.
    for other in ["--limit 20", "--split train", "--binarize threshold:0.5", "--data s.npy"] {
        folder.succeed(&format!("evaluate run {other}"));
    }
    assert!(!folder.path("run/evaluation.json").exists());
    assert!(page().contains("The log-likelihood is not known yet"));

    let own = evaluation(&folder, "run");
    assert!(own["data"].as_str().unwrap().ends_with("/t.npy"), "{own}");
    assert_eq!((&own["data_role"], &own["n_examples"]), (&"test".into(), &60.into()));
    let written: Value = serde_json::from_slice(&folder.read("run/evaluation.json")).unwrap();
    assert_eq!(written, own);
    assert!(
        page().contains("on 60 examples of the run's test data, /") && page().contains("/t.npy: ")
    );
    assert!(folder.succeed("evaluate run").contains("the run's test data, /"));
    let figure = |key: &str| own[key].as_f64().unwrap();
    let independent = figure("log_likelihood_independent");
    let figures_of = format!("{:.2} / {independent:.2}", figure("log_likelihood"));
    let row = folder.succeed("runs run");
    assert!(row.contains(&figures_of) && row.contains("  test  "), "{row}");
    assert!(page().contains(&format!("(independent units: {independent:.2})")));
    // The independent units have the mean of the training data, by Laplace's rule.
    let rates =
        rectangles(300, 1).mapv(f64::from).sum_axis(ndarray::Axis(0)).mapv(|n| (n + 1.0) / 302.0);
    let of = |v: u8, p: f64| if v == 1 { p.ln() } else { (1.0 - p).ln() };
    let test = rectangles(60, 2);
    let expected =
        test.indexed_iter().map(|((_, y, x), &v)| of(v, rates[[y, x]])).sum::<f64>() / 60.0;
    assert!((independent - expected).abs() < 1e-4, "{independent} {expected}");
    assert_eq!(folder.summary("run")["evaluation"], own);
    // A copy of the file is still the run's test data; another file is not.
    fs::rename(folder.path("t.npy"), folder.path("moved.npy")).unwrap();
    fs::remove_file(folder.path("run/evaluation.json")).unwrap();
    let moved = evaluation(&folder, "run --data moved.npy");
    assert_eq!((&moved["data"], &moved["data_role"]), (&"moved.npy".into(), &"test".into()));
    assert_eq!(figures(own.clone()), figures(moved.clone()));
    assert_eq!(folder.summary("run")["evaluation"], moved);
    assert_eq!(evaluation(&folder, "run --data s.npy")["data_role"], "training");
    folder.write_npy("other.npy", rectangles(60, 3).view());
    assert_eq!(evaluation(&folder, "run --data other.npy")["data_role"], "given");
    // An evaluation by an earlier version may be of any data.
    folder.write("run/evaluation.json", figures(own).to_string().as_bytes());
    assert_eq!(folder.summary("run")["evaluation"], Value::Null);
}

#[test]
fn every_command_uses_the_runs_own_data() {
    let folder = folder();
    for line in [
        "sample run --clamp left --gibbs-steps 20",
        "sample run --start data --number 9 --gibbs-steps 0",
        "transform run",
    ] {
        let result = |data: &str| {
            folder.succeed(&format!("{line} {data} --out a.npy --overwrite"));
            folder.read("a.npy")
        };
        let data = if line.starts_with("transform") { "" } else { "--data " };
        let [test, training] = ["t.npy", "s.npy"].map(|name| result(&format!("{data}{name}")));
        for (split, expected) in
            [("", &test), ("--split test", &test), ("--split train", &training)]
        {
            assert!(result(split) == *expected, "{line} {split}");
        }
        assert!(training != test, "{line}");
    }
}

#[test]
fn a_file_of_a_run_belongs_to_it_and_a_copy_elsewhere_does_not() {
    let folder = folder();
    let expected = figures(evaluation(&folder, "run"));
    let checkpoint = folder.newest_checkpoint("run");
    for model in ["run/model.safetensors", "./run/", &checkpoint] {
        assert_eq!(figures(evaluation(&folder, model)), expected, "{model}");
    }
    // Inside the folder, the path of the model has no parent.
    let mut command = folder.command("evaluate model.safetensors --json");
    let output = command.current_dir(folder.path("run")).output().unwrap();
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(figures(found), expected);

    fs::copy(folder.path("run/model.safetensors"), folder.path("bare.safetensors")).unwrap();
    fs::create_dir(folder.path("only")).unwrap();
    fs::copy(folder.path("run/model.safetensors"), folder.path("only/model.safetensors")).unwrap();
    let rule = "is not in the folder of a run, so its data are unknown; give some with --data";
    for model in ["bare.safetensors", "only", "only/model.safetensors"] {
        folder.refuse(&format!("evaluate {model}"), 2, &format!("{model}: {rule}"));
        folder.refuse(&format!("evaluate {model} --split test"), 2, rule);
        folder.refuse(&format!("sample {model} --clamp left"), 2, rule);
        folder.refuse(&format!("sample {model} --start data"), 2, rule);
        folder.refuse(&format!("transform {model}"), 2, "give some with the argument <mnist|PATH>");
        assert_eq!(figures(evaluation(&folder, &format!("{model} --data t.npy"))), expected);
    }
    // Samples of the model alone need no data.
    folder.succeed("sample bare.safetensors --out a.npy --gibbs-steps 1 --overwrite");
}

#[test]
fn a_part_can_be_chosen_and_a_missing_part_is_refused() {
    let folder = Folder::new();
    let train = format!("train --data greys.idx {SHORT} --quiet --invert --limit 150");
    folder.succeed(&format!("{train} --validation 40 --out run"));
    folder.succeed(&format!("{train} --validation 40 --test-data greys.idx --out both"));
    let counted = |line: &str| {
        let found = evaluation(&folder, line);
        (found["data_role"].as_str().unwrap().to_string(), found["n_examples"].as_u64().unwrap())
    };
    let role = |role: &str, n: u64| (role.to_string(), n);
    assert_eq!(counted("run"), role("validation", 40));
    assert_eq!(counted("run --split train"), role("training", 110));
    assert_eq!(counted("both"), role("test", 200));
    assert_eq!(counted("both --split validation"), role("validation", 40));
    // As in training, they are inverted, and they are the last of the first 150.
    folder.write("same.idx", &idx(greys().slice_move(ndarray::s![110..150, .., ..])));
    let [own, given] = ["run", "run --data same.idx --binarize threshold:0.5"];
    let own = evaluation(&folder, &format!("{own} --binarize threshold:0.5"));
    assert_eq!(own["data_sha256"], evaluation(&folder, given)["data_sha256"]);
    let rule = "split is test, but must be another: the run has no test_data; its default is \
                validation";
    folder.misuse("evaluate run --split test", rule);
    folder.misuse("transform run --split test", rule);

    folder.succeed(
        "train --data bars-and-stripes:4 --hidden 8 --epochs 2 --batch-size 16 --out bars",
    );
    let (code, stdout, stderr) = folder.run("evaluate bars --json");
    let found: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, &found["data_role"]), (Some(0), &"training".into()));
    assert!(found["data_warning"].as_str().unwrap().contains("has no held-out data"), "{found}");
    assert!(stderr.starts_with("note: the run has no held-out data"), "{stderr}");
    assert!(
        folder.run("sample bars --clamp left --image-shape 4x4").2.contains("no held-out data")
    );
    assert!(
        String::from_utf8(folder.read("bars/report.html")).unwrap().contains("no held-out data")
    );
    assert_eq!(
        folder.run("evaluate bars --split train").2,
        "",
        "no warning for data that the user asks for"
    );
    let rule = "split is validation, but must be another: the run was trained without validation";
    folder.misuse("evaluate bars --split validation", rule);
}

#[test]
fn a_file_that_moved_or_changed_is_reported_with_a_remedy() {
    let folder = folder();
    let expected = figures(evaluation(&folder, "run"));
    fs::rename(folder.path("s.npy"), folder.path("moved.npy")).unwrap();
    // Only the data that a command reads must exist.
    assert_eq!(figures(evaluation(&folder, "run")), expected);
    folder.fail("evaluate run --split train", "s.npy: cannot read: No such file");
    folder.fail("evaluate run --split train", "; give the path of that file with --data");
    folder.fail(
        "transform run --split train",
        "give the path of that file with the argument <mnist|PATH>",
    );
    assert_eq!(evaluation(&folder, "run --data moved.npy")["n_examples"], 300);
    let mut changed = rectangles(60, 2);
    changed[[0, 0, 0]] ^= 1;
    folder.write_npy("t.npy", changed.view());
    folder.fail("evaluate run", "t.npy: has the SHA-256 ");
    folder.fail("evaluate run", "but the run was made with ");
    folder.fail("sample run --clamp left", "give the path of that file with --data");
    folder.write_npy("wide.npy", Array2::<u8>::ones((9, 785)).view());
    folder.fail("evaluate run --data wide.npy", "wide.npy has 785 visible units an example");
}

#[cfg(feature = "mnist")]
#[test]
fn a_run_on_mnist_has_the_test_images() {
    let folder = Folder::new();
    let train = "train --limit 300 --validation 100 --hidden 4 --epochs 1 --batch-size 50 --quiet";
    folder.succeed(&format!("{train} --out run"));
    let found = evaluation(&folder, "run");
    assert_eq!((&found["data"], &found["data_role"]), (&"mnist test".into(), &"test".into()));
    assert_eq!(found["n_examples"], 10_000);
    let train = evaluation(&folder, "run --split train");
    assert_eq!((&train["data"], &train["n_examples"]), (&"mnist train".into(), &200.into()));
    // MNIST given by name is the same data.
    assert_eq!(figures(evaluation(&folder, "run --data mnist")), figures(found));
    folder.succeed("transform run mnist --out a.npy --overwrite");
    let features: Array2<f32> = ndarray_npy::read_npy(folder.path("a.npy")).unwrap();
    assert_eq!(features.nrows(), 60_000);
}

/// Columns of bits, spins and numbers are found by their names, too, as those of categories are.
#[test]
fn tables_with_a_header_are_read_by_its_names() {
    let folder = Folder::new();
    let cell = |n: usize, name: usize| (n * n + 3 * n * name + name * name) % 7 % 2;
    let table = |names: &[usize], value: &dyn Fn(usize) -> String| {
        let header: Vec<_> = names.iter().map(|name| format!("s{name}")).collect();
        let row = |n| names.iter().map(|&name| value(cell(n, name))).collect::<Vec<_>>().join(",");
        let rows: Vec<_> = (0..60).map(row).collect();
        format!("{}\n{}\n", header.join(","), rows.join("\n"))
    };
    let kinds: [(&str, &dyn Fn(usize) -> String); 3] = [
        ("", &|bit| bit.to_string()),
        ("--spins", &|bit| if bit == 1 { "1".into() } else { "-1".into() }),
        ("--binarize none", &|bit| if bit == 1 { "0.75".into() } else { "0.25".into() }),
    ];
    for (at, (flags, value)) in kinds.into_iter().enumerate() {
        let write = |name: &str, names: &[usize]| {
            folder.write(&format!("{name}.csv"), table(names, value).as_bytes());
        };
        write("t", &[0, 1, 2, 3, 4]);
        write("other", &[3, 0, 4, 2, 1]);
        write("more", &[3, 9, 0, 4, 2, 1]);
        write("renamed", &[0, 1, 2, 3, 5]);
        write("fewer", &[0, 1, 2, 3]);
        let train = format!("train --data t.csv {flags} --hidden 3 --epochs 2 --quiet");
        folder.succeed_with_notes(&format!("{train} --test-data other.csv --out run{at}"));
        folder.succeed_with_notes(&format!("transform run{at} t.csv --out t.npy --overwrite"));
        for name in ["other", "more"] {
            let line = format!("transform run{at} {name}.csv --out {name}.npy --overwrite");
            folder.succeed_with_notes(&line);
            assert_eq!(folder.read("t.npy"), folder.read(&format!("{name}.npy")), "{flags} {name}");
        }
        for name in ["renamed", "fewer"] {
            let rule = format!("{name}.csv: has no column \"s4\", which the model needs");
            folder.fail(&format!("transform run{at} {name}.csv --out x.npy"), &rule);
        }
        folder.fail(
            &format!("{train} --test-data renamed.csv --out none"),
            "renamed.csv: has no column \"s4\", which the model needs",
        );
        // Packed data know the names, too.
        for name in ["t", "other"] {
            folder.succeed_with_notes(&format!(
                "pack {name}.csv {} --out {name}.packed --overwrite",
                flags.replace("--binarize none", "")
            ));
        }
        folder.succeed_with_notes(&format!("transform run{at} t.packed --out p.npy --overwrite"));
        assert_eq!(folder.read("t.npy"), folder.read("p.npy"), "{flags}");
        let rule = "other.packed: was packed with other columns than those of the model";
        folder.fail(&format!("transform run{at} other.packed --out x.npy"), rule);
        let packed = train.replace("t.csv", "t.packed");
        folder.succeed_with_notes(&format!("{packed} --test-data t.packed --out packed{at}"));
        folder
            .succeed_with_notes(&format!("transform packed{at} other.csv --out q.npy --overwrite"));
        assert_eq!(folder.read("t.npy"), folder.read("q.npy"), "{flags}");
        // Rows without a header are taken in the order of the model.
        let rows = table(&[0, 1, 2, 3, 4], value);
        folder.write("rows.csv", rows.split_once('\n').unwrap().1.as_bytes());
        folder.succeed_with_notes(&format!("transform run{at} rows.csv --out r.npy --overwrite"));
        assert_eq!(folder.read("t.npy"), folder.read("r.npy"), "{flags}");
    }
    folder.succeed("couplings run0 --out pairs.csv");
    let pairs = String::from_utf8(folder.read("pairs.csv")).unwrap();
    assert!(pairs.lines().nth(1).unwrap().starts_with('s'), "{pairs}");
    // A name may be a number among others.
    let named = |header: &str, order: [usize; 3]| {
        let row =
            |n: usize| format!("r{n},{}\n", order.map(|at| cell(n, at).to_string()).join(","));
        format!("who,{header}\n{}", (0..60).map(row).collect::<String>())
    };
    folder.write("numbers.csv", named("a,300,b", [0, 1, 2]).as_bytes());
    folder.write("turned.csv", named("300,b,a", [1, 2, 0]).as_bytes());
    folder.succeed_with_notes(
        "train --data numbers.csv --id who --hidden 3 --epochs 2 --quiet --out numbers",
    );
    for name in ["numbers", "turned"] {
        folder.succeed(&format!("transform numbers {name}.csv --out {name}.npy"));
    }
    assert_eq!(folder.read("numbers.npy"), folder.read("turned.npy"));
    // With a rule for missing values a table may lack columns.
    folder.write("t.csv", table(&[0, 1, 2, 3, 4], kinds[0].1).as_bytes());
    folder.succeed_with_notes(
        "train --data t.csv --missing marginal --hidden 3 --epochs 2 --quiet --out holes",
    );
    folder.write("fewer.csv", table(&[3, 0, 1, 2], kinds[0].1).as_bytes());
    let (code, found, said) = folder.run("evaluate holes --data fewer.csv --json");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("the table lacks 1 of 5 columns, which counts as missing: s4"), "{said}");
    let rows = table(&[0, 1, 2, 3, 4], &|bit| bit.to_string());
    let empty = |row: &str| row[..row.len() - 1].to_string() + "\n";
    let rows: String = rows.split_once('\n').unwrap().1.lines().map(empty).collect();
    folder.write("empty.csv", rows.as_bytes());
    let (_, other, _) = folder.run("evaluate holes --data empty.csv --json");
    let of = |text: &str| {
        let found: serde_json::Value = serde_json::from_str(text).unwrap();
        found["log_likelihood"].as_f64().unwrap()
    };
    assert!((of(&found) - of(&other)).abs() < 1e-9, "{found} {other}");
}

/// Samples in a table bear the names of the data and the label, so that other commands read them.
#[test]
fn samples_of_units_with_names_can_be_read_as_data() {
    let folder = Folder::new();
    let cell = |n: usize, name: usize| (n * n + 3 * n * name + name * name) % 7 % 2 * 2;
    let row = |n: usize| {
        let spins: Vec<_> = (0..5).map(|name| (cell(n, name) as i32 - 1).to_string()).collect();
        format!("{},{}\n", spins.join(","), ["2.4", "3"][n / 3 % 2])
    };
    let rows: String = (0..60).map(row).collect();
    folder.write("t.csv", format!("a,b,c,d,e,T\n{rows}").as_bytes());
    folder.succeed_with_notes(
        "train --data t.csv --spins --labels T --hidden 3 --epochs 2 --quiet --out run",
    );
    for (flags, n) in [("", 1), ("--label 2.4", 2), ("--label 3.0", 3)] {
        folder.succeed_with_notes(&format!("sample run {flags} --number 20 --out s{n}.csv"));
        let text = String::from_utf8(folder.read(&format!("s{n}.csv"))).unwrap();
        assert_eq!(text.lines().next(), Some("a,b,c,d,e,T"), "{text}");
        let found = folder.succeed_with_notes(&format!("evaluate run --data s{n}.csv --json"));
        let found: Value = serde_json::from_str(&found).unwrap();
        assert_eq!(found["n_examples"], 20);
    }
    let text = String::from_utf8(folder.read("s3.csv")).unwrap();
    assert!(text.lines().skip(1).all(|line| line.ends_with(",3")), "{text}");
    folder.misuse("sample run --label 3.5 --out x.csv", "label is 3.5, but must be one of 2.4, 3");
}
