//! Weights of examples: what they change, and what they do not.

use harmonium::dataset::{Binarization, Dataset, Examples};
use harmonium::evaluate::free_energy::mean_free_energy;
use harmonium::kernels::Isa;
use harmonium::state::State;
use harmonium::train::{Algorithm, ChainStart};
use harmonium::watch::Watch;
use harmonium::{BitMatrix, Rbm, TrainConfig, Trainer};
use ndarray::Array2;
use std::sync::Arc;

mod folder;

use folder::{Folder, SHORT};

const N: usize = 150;

/// Weights from nearly 0 to 3, none of them 0.
fn uneven(n: usize) -> f64 {
    (n * n % 13) as f64 / 4.0 + 1e-3
}

fn bits(weight: impl Fn(usize) -> f64) -> Arc<Examples> {
    let bits = BitMatrix::from_fn(N, 37, |n, i| (n * n + 3 * n * i + i * i) % 7 < 3);
    weighted(Dataset::from_bits("odd", bits), Binarization::Stochastic, weight)
}

fn reals(weight: impl Fn(usize) -> f64) -> Arc<Examples> {
    let value = |(n, i): (usize, usize)| ((n * 31 + i * i * 7) % 11) as f32 / 10.0;
    let rows = Array2::from_shape_fn((N, 37), value);
    weighted(Dataset::from_intensities("greys", rows).unwrap(), Binarization::None, weight)
}

fn weighted(
    dataset: Dataset,
    binarization: Binarization,
    weight: impl Fn(usize) -> f64,
) -> Arc<Examples> {
    let weights: Vec<_> = (0..dataset.n_examples()).map(weight).collect();
    Arc::new(Examples::new(dataset.weighted("w", &weights).unwrap(), binarization))
}

/// Batches have 70 examples, the last one 10.
fn config() -> TrainConfig {
    TrainConfig {
        hidden: Some(19),
        epochs: Some(3),
        batch_size: 70,
        chains: Some(17),
        algorithm: Algorithm::Pcd,
        seed: 11,
        ..TrainConfig::default()
    }
}

fn configs() -> [(&'static str, TrainConfig); 5] {
    let cd = TrainConfig { algorithm: Algorithm::Cd, chains: None, ..config() };
    [
        ("pcd", config()),
        ("plain", TrainConfig { centering: false, chains: Some(70), ..config() }),
        ("cd", cd),
        ("pt", TrainConfig { algorithm: Algorithm::Pt, temperatures: 3, ..config() }),
        (
            "sparse",
            TrainConfig {
                sparsity_cost: 0.1,
                sparsity_target: 0.2,
                chain_reset: 0.3,
                chain_start: ChainStart::Data,
                ..config()
            },
        ),
    ]
}

fn trained(config: &TrainConfig, examples: &Arc<Examples>, threads: usize, isa: Isa) -> State {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        let mut trainer = Trainer::with_isa(config.clone(), examples.clone(), None, isa).unwrap();
        while !trainer.is_done() {
            trainer.update().unwrap();
        }
        trainer.state()
    })
}

#[test]
fn equal_weights_change_no_bit_and_others_do() {
    for (name, config) in configs() {
        for of in [bits as fn(fn(usize) -> f64) -> _, reals] {
            let state = |weight: fn(usize) -> f64| trained(&config, &of(weight), 2, Isa::fastest());
            assert_eq!(state(|_| 0.3).difference(&state(|_| 7.0)), None, "{name}");
            assert!(state(|_| 1.0).difference(&state(uneven)).is_some(), "{name}");
        }
    }
}

#[test]
fn weighted_runs_have_the_same_bits_on_any_threads_and_instruction_set() {
    for (name, config) in configs() {
        for examples in [bits(uneven), reals(uneven)] {
            let expected = trained(&config, &examples, 1, Isa::BASELINE);
            for (threads, isa) in [1, 2, 8]
                .into_iter()
                .flat_map(|n| Isa::available().into_iter().map(move |isa| (n, isa)))
            {
                let found = trained(&config, &examples, threads, isa);
                assert_eq!(found.difference(&expected), None, "{name}, {threads}, {}", isa.name());
            }
        }
    }
}

#[test]
fn a_resumed_run_has_the_same_bits() {
    for (name, config) in configs() {
        for examples in [bits(uneven), reals(uneven)] {
            let mut whole = Trainer::new(config.clone(), examples.clone()).unwrap();
            let mut parts = whole.clone();
            while !whole.is_done() {
                whole.update().unwrap();
                parts.update().unwrap();
                let settings = parts.config().clone();
                parts = Trainer::restore(settings, examples.clone(), &parts.state(), Isa::BASELINE)
                    .unwrap();
            }
            assert_eq!(whole.state().difference(&parts.state()), None, "{name}");
        }
    }
}

/// The start and the offsets are those of the weighted mean.
#[test]
fn a_run_starts_at_the_weighted_mean() {
    let weight = |n: usize| [1.0, 0.0, 3.0][n % 3];
    let weighted = bits(weight);
    let all = bits(|_| 1.0);
    let mut mean = ndarray::Array1::<f64>::zeros(37);
    let whole = all.fixed_bits(0, 0..N);
    for n in 0..N {
        (0..37).filter(|&i| whole.get(n, i)).for_each(|i| mean[i] += weight(n) / 200.0);
    }
    assert_eq!(weighted.n_examples(), 100);
    assert!((weighted.n_effective() - 80.0).abs() < 1e-9);
    assert!((weighted.mean() - &mean).iter().all(|x| x.abs() < 1e-12));
    let rbm = Rbm::initial(19, &weighted.mean(), 80, 11).unwrap();
    let trainer = Trainer::new(config(), weighted).unwrap();
    assert_eq!(trainer.current().sha256(), rbm.sha256());
}

/// Examples that are there twice count once, in standard errors, too (Morcos et al., 2011).
#[test]
fn copies_of_all_examples_do_not_sharpen_a_reweighted_score() {
    // The first units count the examples.
    let one = |n: usize, i: usize| if i < 6 { n >> i & 1 == 1 } else { (n * i + i * i) % 7 < 3 };
    let examples = |n_copies: usize| {
        let bits = BitMatrix::from_fn(40 * n_copies, 37, |n, i| one(n % 40, i));
        Examples::new(Dataset::from_bits("bits", bits), Binarization::Stochastic)
    };
    let twice = {
        let bits = BitMatrix::from_fn(80, 37, |n, i| one(n % 40, i));
        let data = Dataset::from_bits("bits", bits).reweighted(1.0).unwrap();
        Examples::new(data, Binarization::Stochastic)
    };
    assert_eq!((twice.n_effective(), twice.n_examples()), (40.0, 80));
    let rbm = Rbm::initial(5, &examples(1).mean(), 40, 3).unwrap();
    let score = |examples: &Examples| {
        let rows = examples.weighted_bits(0, 0..examples.n_examples());
        mean_free_energy(&rbm, &rows, Isa::fastest(), Watch::default()).unwrap()
    };
    let (once, twice) = (score(&examples(1)), score(&twice));
    assert!((once.mean - twice.mean).abs() < 1e-9, "{once:?}, {twice:?}");
    assert!((once.standard_error - twice.standard_error).abs() < 1e-9, "{once:?}, {twice:?}");
}

/// Two patterns of which one weighs three times as much are learned with its odds.
#[test]
fn a_model_learns_the_weighted_distribution() {
    let rows = BitMatrix::from_fn(40, 4, |n, _| n % 2 == 1);
    for algorithm in [Algorithm::Pcd, Algorithm::Pt] {
        let data = Dataset::from_bits("two", rows.clone());
        let examples = weighted(data, Binarization::None, |n| if n % 2 == 1 { 3.0 } else { 1.0 });
        let config = TrainConfig {
            hidden: Some(4),
            batch_size: 10,
            epochs: Some(500),
            chains: Some(200),
            algorithm,
            gibbs_steps: 5,
            ..TrainConfig::default()
        };
        let mut trainer = Trainer::new(config, examples).unwrap();
        trainer.run(&mut []).unwrap();
        let exact = harmonium::evaluate::Exact::new(&trainer.model()).unwrap();
        let p = [0b0000, 0b1111].map(|v: u64| exact.log_probability(&[v]).exp());
        // Mini-batches, chains and the smoothed start leave some hundredths.
        assert!((p[0] - 0.25).abs() < 0.05 && (p[1] - 0.75).abs() < 0.05, "{algorithm}: {p:?}");
    }
}

/// Weights of the 200 images of a folder, of which every tenth is 0.
fn with_weights() -> Folder {
    let folder = Folder::new();
    let weights: Vec<_> = (0..200).map(|n| format!("{}\n", n % 10)).collect();
    folder.write("w.csv", format!("weight\n{}", weights.concat()).as_bytes());
    folder
}

#[test]
fn a_run_takes_its_weights_along() {
    let folder = with_weights();
    let line = format!("train --data greys.idx --weights w.csv --validation 20 {SHORT} --out run");
    let (code, _, said) = folder.run(&line);
    assert_eq!(code, Some(0), "{said}");
    let n_effective = |weights: &mut dyn Iterator<Item = f64>| {
        let [sum, squares] = weights.fold([0.0, 0.0], |[a, b], w| [a + w, b + w * w]);
        sum * sum / squares
    };
    // Of 180 examples that count, the last 20 are for validation.
    let n_of_training =
        n_effective(&mut (0..200).map(|n| f64::from(n % 10)).filter(|w| *w > 0.0).take(160));
    let note = format!(
        "160 training examples with weights are worth {n_of_training:.1} of equal weight (N_eff)"
    );
    assert!(said.contains(&note), "{said}");
    let inspected = folder.facts("run");
    assert_eq!(inspected["data"]["n_examples"], 160);
    assert!((inspected["data"]["n_effective"].as_f64().unwrap() - n_of_training).abs() < 1e-9);
    // The commands on the run see the same weights.
    let [of_training, of_others] = [("train", 160), ("validation", 20)].map(|(split, n)| {
        let found = folder.succeed_with_notes(&format!("evaluate run --split {split} --json"));
        let found: serde_json::Value = serde_json::from_str(&found).unwrap();
        assert_eq!(found["n_examples"], n);
        assert!(found["n_effective"].as_f64().unwrap() < n as f64);
        found
    });
    // Beside other examples the training data are shown with their weights.
    let likelihood = |found: &serde_json::Value| found["log_likelihood"].as_f64().unwrap();
    let gap = of_others["training_gap"]["mean"].as_f64().unwrap();
    assert!((likelihood(&of_training) - likelihood(&of_others) - gap).abs() < 1e-6, "{of_others}");
    // Other examples count alike, which is said unless the user says what they weigh.
    let alike = "greys.idx: all rows count alike; those of training had weights";
    for (flags, is_said) in [("", true), ("--weights none", false), ("--weights w.csv", false)] {
        let (code, _, said) = folder.run(&format!("evaluate run --data greys.idx {flags}"));
        assert_eq!((code, said.contains(alike)), (Some(0), is_said), "{flags} {said}");
    }
    folder.succeed("report run");
    let page = String::from_utf8(folder.read("run/report.html")).unwrap();
    assert!(page.contains(&format!("have weights and are worth {n_of_training:.1}")));
    // The same from its settings file.
    folder.succeed("train --config run/config.toml --out again --quiet");
    assert_eq!(folder.read("run/model.safetensors"), folder.read("again/model.safetensors"));
    folder.write("w.csv", "1\n".repeat(200).as_bytes());
    folder.fail("train --config run/config.toml --out third", "w.csv: has the SHA-256 ");
}

#[test]
fn an_interrupted_weighted_run_ends_in_the_same_bits() {
    let folder = with_weights();
    let line =
        "train --data greys.idx --weights w.csv --hidden 16 --epochs 3 --batch-size 50 --quiet";
    folder.succeed(&format!("{line} --out whole"));
    folder.succeed_with_notes(&format!("{line} --out parts --stop-after 5updates"));
    folder.succeed("resume parts --quiet");
    assert_eq!(folder.read("whole/model.safetensors"), folder.read("parts/model.safetensors"));
}

#[test]
fn equal_weights_are_none() {
    let folder = Folder::with_run();
    folder.write("equal.csv", "0.5\n".repeat(200).as_bytes());
    folder.succeed(&format!(
        "train --data greys.idx --weights equal.csv {SHORT} --out equal --quiet"
    ));
    assert_eq!(folder.read("run/model.safetensors"), folder.read("equal/model.safetensors"));
}

#[test]
fn a_run_weighs_its_examples_against_redundancy() {
    let folder = Folder::new();
    let rows = ["0000000000", "0000000001", "1111100000", "1111111111"];
    folder.write("rows.txt", rows.join("\n").as_bytes());
    folder.write("w.csv", b"0.5\n0.5\n1\n1\n");
    let line = "train --data rows.txt --hidden 4 --epochs 5 --quiet";
    folder.succeed_with_notes(&format!("{line} --weights w.csv --out weights"));
    folder.succeed_with_notes(&format!("{line} --reweight 0.9 --out reweight"));
    folder.succeed_with_notes(&format!("{line} --out none"));
    assert_eq!(folder.fingerprint("weights"), folder.fingerprint("reweight"));
    assert_ne!(folder.fingerprint("weights"), folder.fingerprint("none"));
    let both = format!("{line} --weights w.csv --reweight 0.9 --out both");
    folder.refuse(&both, 2, "'--weights <PATH|COLUMN>' cannot be used with '--reweight <SHARE>'");
    let greys = "train --data greys.idx --reweight 0.9 --hidden 4 --out greys";
    folder.fail(greys, "greys.idx: has values other than 0 and 1");
}

#[test]
fn each_bad_file_of_weights_is_refused() {
    let folder = Folder::new();
    for (text, message) in [
        (
            "1\n".repeat(199),
            "w.csv: holds 199 weights, but must hold one for each of the 200 examples of greys.idx",
        ),
        ("0\n".repeat(200), "w.csv: all weights are zero, but at least one must be above 0"),
        (
            "1\n".repeat(199) + "-1\n",
            "w.csv: the weight of example 199 is -1, but must be a finite number of at least 0",
        ),
        ("1\n".repeat(199) + "inf\n", "w.csv: the weight of example 199 is inf, but must be"),
        ("1\n".repeat(199) + "x\n", "w.csv: line 200, column 1 is \"x\", but must be a number"),
        (
            "1,2\n".repeat(100),
            "w.csv: has the shape [100, 2], but must be one number for each example",
        ),
    ] {
        folder.write("w.csv", text.as_bytes());
        let line = format!("train --data greys.idx --weights w.csv {SHORT} --out run");
        folder.fail(&line, message);
    }
    let line = format!("train --data greys.idx --weights none.npy {SHORT} --out run");
    folder.fail(&line, "none.npy: cannot read");
}

#[test]
fn a_column_of_the_table_may_hold_the_weights() {
    let folder = Folder::new();
    let (mut table, mut weights) = ("colour,w,old\n".to_string(), String::new());
    for n in 0..50 {
        let w = f64::from(n % 4) / 2.0;
        table += &format!("{},{w},{}\n", ["red", "blue", "green"][n as usize % 3], n / 7 % 2);
        weights += &format!("{w}\n");
    }
    folder.write("people.csv", table.as_bytes());
    folder.write("w.csv", weights.as_bytes());
    let line = "train --data people.csv --categories auto --hidden 4 --epochs 3";
    let (code, _, said) = folder.run(&format!("{line} --weights w --out column"));
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("people.csv: the column \"w\" holds the weights"), "{said}");
    folder.succeed_with_notes(&format!("{line} --weights w.csv --ignore w --out file --quiet"));
    assert_eq!(folder.fingerprint("column"), folder.fingerprint("file"));
    // A file of this name comes first, but not after the run has begun.
    folder.write("w", "1\n".repeat(50).as_bytes());
    folder.succeed_with_notes("train --config column/config.toml --out again --quiet");
    assert_eq!(folder.fingerprint("column"), folder.fingerprint("again"));
    folder.succeed_with_notes(&format!("{line} --weights w --ignore w --out equal --quiet"));
    assert_ne!(folder.fingerprint("column"), folder.fingerprint("equal"));

    let found =
        folder.succeed_with_notes("evaluate column --data people.csv --weights column:w --json");
    let found: serde_json::Value = serde_json::from_str(&found).unwrap();
    assert_eq!(found["n_examples"], 37);
    let own = folder.succeed_with_notes("evaluate column --split train --json");
    let own: serde_json::Value = serde_json::from_str(&own).unwrap();
    assert_eq!(found["log_likelihood"], own["log_likelihood"]);
    let file =
        folder.succeed_with_notes("evaluate column --data people.csv --weights w.csv --json");
    let file: serde_json::Value = serde_json::from_str(&file).unwrap();
    assert_eq!(found["log_likelihood"], file["log_likelihood"]);

    // Given data are weighed as those of training, unless the user says that they count alike.
    let scored = |flags: &str| {
        let line = format!("evaluate column --data people.csv {flags} --json");
        let (code, found, said) = folder.run(&line);
        assert_eq!(code, Some(0), "{said}");
        (serde_json::from_str::<serde_json::Value>(&found).unwrap(), said)
    };
    let (usual, said) = scored("");
    assert_eq!(usual["log_likelihood"], own["log_likelihood"]);
    assert!(said.contains("the column \"w\" holds the weights"), "{said}");
    let (alike, said) = scored("--weights none");
    assert_eq!(alike["n_examples"], 50);
    assert!(!said.contains("weights"), "{said}");
    assert_ne!(alike["log_likelihood"], own["log_likelihood"]);

    folder.fail(
        &format!("{line} --weights column:v --out x"),
        "people.csv: has the columns colour, w, old, but must have a column \"v\" of weights",
    );
    folder.fail(
        &format!("{line} --weights colour --out x"),
        "people.csv: line 2, column 1 (\"colour\") is \"red\", but must be a finite number of at least 0: it is a \
         weight; a row of weight 0 is left out",
    );
}

/// The mean over test data is the one that training, `evaluate` on the run and `evaluate --data` all give.
#[test]
fn the_column_of_weights_weighs_test_data() {
    let folder = Folder::new();
    let table = |rows: std::ops::Range<usize>| {
        let row =
            |n: usize| format!("{},{},{},{}\n", n % 2, n / 3 % 2, n % 5, ["x", "y"][n / 7 % 2]);
        format!("a,b,w,kind\n{}", rows.map(row).collect::<String>())
    };
    folder.write("train.csv", table(0..60).as_bytes());
    folder.write("test.csv", table(60..100).as_bytes());
    let line = "train --data train.csv --test-data test.csv --weights w --labels kind --hidden 4 --epochs 2";
    let (code, _, said) = folder.run(&format!("{line} --out run"));
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("test.csv: the column \"w\" holds the weights"), "{said}");
    let metrics = String::from_utf8(folder.read("run/metrics.jsonl")).unwrap();
    let last: serde_json::Value = serde_json::from_str(metrics.lines().last().unwrap()).unwrap();
    let scored = |flags: &str| -> serde_json::Value {
        let found = folder.succeed_with_notes(&format!("evaluate run {flags} --json"));
        serde_json::from_str(&found).unwrap()
    };
    let (own, given, alike) =
        (scored(""), scored("--data test.csv"), scored("--data test.csv --weights none"));
    assert_eq!((&own["n_examples"], &alike["n_examples"]), (&32.into(), &40.into()));
    assert_eq!(own["log_likelihood"], given["log_likelihood"]);
    let of = |found: &serde_json::Value| found["pseudo_likelihood"]["mean"].as_f64().unwrap();
    let in_training = last["pseudo_likelihood_test"].as_f64().unwrap();
    assert!((of(&own) - in_training).abs() < 1e-9, "{own} {last}");
    assert!((of(&alike) - in_training).abs() > 1e-6, "{alike}");
    // Weights of a file are those of the training data alone.
    folder.write("w.csv", "1\n2\n3\n".repeat(20).as_bytes());
    let line = line.replace("--weights w ", "--weights w.csv --ignore w ");
    let (code, _, said) = folder.run(&format!("{line} --out of_file"));
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("test.csv: all rows count alike; those of training have weights"),
        "{said}"
    );
    // Rows of weight 0 are predicted, too; so the mean over the rows counts them alike, and says so.
    let (code, _, said) = folder.run("predict run test.csv");
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("the column \"w\", which held the weights in training, is passed over"),
        "{said}"
    );
    let rows = String::from_utf8(folder.read("predictions.csv")).unwrap();
    assert_eq!(rows.lines().filter(|line| line.len() > 3).count(), 41, "{rows}");
}

#[test]
fn a_file_of_weights_may_move() {
    let folder = with_weights();
    let line =
        "train --data greys.idx --weights w.csv --hidden 16 --epochs 3 --batch-size 50 --quiet";
    folder.succeed(&format!("{line} --out whole"));
    folder.succeed_with_notes(&format!("{line} --out parts --stop-after 5updates"));
    std::fs::rename(folder.path("w.csv"), folder.path("v.csv")).unwrap();
    folder.fail("resume parts", "give the path of that file with --weights");
    folder.write("w.csv", "1\n".repeat(200).as_bytes());
    folder.fail("resume parts", "w.csv: has the SHA-256 ");
    folder.succeed("resume parts --weights v.csv --quiet");
    assert_eq!(folder.fingerprint("whole"), folder.fingerprint("parts"));
    // The flag --weights of `evaluate` is for other data.
    std::fs::rename(folder.path("v.csv"), folder.path("u.csv")).unwrap();
    let remedy = "v.csv: cannot read: there is no such file";
    folder.fail("evaluate parts --split train", remedy);
    folder.fail("evaluate parts --split train", "with `harmonium resume RUN --weights PATH`");
    folder.succeed_with_notes("resume parts --weights u.csv --quiet");
    folder.succeed_with_notes("evaluate parts --split train");
    let rule = "weights is v.csv, but must be left out: the weights of this run are not a file";
    let run = Folder::with_run();
    run.misuse("resume run --weights v.csv", rule);
}
