//! log Z while training is right at every epoch, changes no bit of the training, and is the same however the run is
//! computed.

use harmonium::dataset::{Binarization, Dataset, Examples};
use harmonium::evaluate::{Exact, TrajectoryAis, TrajectoryEstimate};
use harmonium::gibbs::FixedModel;
use harmonium::kernels::Isa;
use harmonium::monitor::OnlineLogZ;
use harmonium::train::Algorithm;
use harmonium::units::Units;
use harmonium::{BitMatrix, Rbm, TrainConfig, Trainer, Watch};

/// Enough chains that a standard error is a hundredth of a nat or so.
const CHAINS: usize = 4000;

/// Standard errors by which an estimate may differ.
const BOUND: f64 = 4.0;

/// Examples of 12 bits: runs of ones that begin anywhere.
fn runs() -> Examples {
    let bits = BitMatrix::from_fn(120, 12, |n, i| (i + n) % 12 < 3 + n % 4);
    Examples::new(Dataset::from_bits("runs", bits), Binarization::Stochastic)
}

/// Examples of 12 units in sites of different sizes.
fn sites() -> Examples {
    let units = Units::of_sites([3, 1, 4, 1, 3]).unwrap();
    let bits = BitMatrix::from_fn(120, 12, |n, i| {
        let kind = n % 6;
        let bit = usize::from(kind % 2 == 0 || n % 10 == 0);
        match i {
            3 | 8 => bit == 1,
            _ => [kind / 2, 4 + (kind + n / 60) % 4, 9 + (kind + bit) % 3].contains(&i),
        }
    });
    let dataset = Dataset::from_sites("sites", units, bits).unwrap();
    Examples::new(dataset, Binarization::Stochastic)
}

fn config(algorithm: Algorithm, centering: bool) -> TrainConfig {
    TrainConfig {
        hidden: Some(6),
        epochs: Some(10),
        batch_size: 12,
        learning_rate: 1.0,
        algorithm,
        centering,
        ..TrainConfig::default()
    }
}

/// Checks that an estimate of a model's log Z is right, and says something.
fn check(found: TrajectoryEstimate, rbm: &Rbm, what: &str) {
    let exact = Exact::new(rbm).unwrap().log_z();
    println!("{what}: {:.4} ± {:.4}, exact {exact:.4}", found.log_z, found.standard_error);
    assert!(found.standard_error < 0.25, "{what}: {found:?}");
    let error = (found.log_z - exact).abs();
    assert!(error < BOUND * found.standard_error, "{what}: {found:?}, exact {exact}");
}

/// E[w] = Z_t / Z_0, for chains that follow the parameters, in fixed point and as they are stored.
#[test]
fn the_mean_weight_is_the_ratio_of_normalisers_at_every_epoch() {
    for (examples, algorithm, centering, every) in [
        (runs(), Algorithm::Pcd, false, 1),
        (runs(), Algorithm::Pt, true, 7),
        (sites(), Algorithm::Pcd, true, 3),
    ] {
        let mut trainer = Trainer::new(config(algorithm, centering), examples).unwrap();
        let start = trainer.current();
        let fixed = trainer.parameters().fixed();
        let mut ais = TrajectoryAis::from_independent(&start, fixed, CHAINS, 5);
        while !trainer.is_done() {
            trainer.update().unwrap();
            let fixed = trainer.parameters().fixed();
            if trainer.updates().is_multiple_of(every) {
                ais.step(fixed);
            }
            if trainer.is_at_end_of_epoch() {
                for (what, rbm) in [("fixed point", fixed.rounded()), ("f32", trainer.current())] {
                    let model = FixedModel { rbm: &rbm, weights: fixed };
                    let found = ais.estimate(model, Watch::default()).unwrap();
                    check(found, &rbm, &format!("{algorithm}, epoch {}, {what}", trainer.epoch()));
                }
            }
        }
        let size = |rbm: &Rbm| rbm.weights().iter().map(|w| w * w).sum::<f32>();
        let [before, after] = [size(&start), size(&trainer.current())];
        assert!(after > 10.0 * before, "the model has hardly changed: {before} {after}");
    }
}

/// log Z of the model of a trainer: of its parameters, or of their average once it has begun.
fn estimate(log_z: &OnlineLogZ, trainer: &Trainer) -> TrajectoryEstimate {
    let (rbm, weights) = (trainer.model(), trainer.fixed_weights());
    log_z.estimate(FixedModel { rbm: &rbm, weights: &weights }, Watch::default()).unwrap()
}

/// The chains that follow a trainer go on from the running mean of its parameters to its model.
#[test]
fn log_z_of_the_model_is_right_at_every_epoch() {
    for (examples, algorithm, centering, every) in [
        (runs(), Algorithm::Pcd, false, Some(1)),
        (runs(), Algorithm::Cd, true, None),
        (sites(), Algorithm::Pt, true, Some(7)),
    ] {
        let mut trainer = Trainer::new(config(algorithm, centering), examples).unwrap();
        let mut log_z = OnlineLogZ::new(&trainer, CHAINS, every).unwrap();
        check(estimate(&log_z, &trainer), &trainer.model(), "the start");
        while !trainer.is_done() {
            trainer.update().unwrap();
            log_z.after_update(&trainer);
            if trainer.is_at_end_of_epoch() {
                let what = format!("{algorithm} every {every:?}, epoch {}", trainer.epoch());
                check(estimate(&log_z, &trainer), &trainer.model(), &what);
            }
        }
        assert!(trainer.average().is_some());
    }
}

/// The start is then drawn from the model itself.
#[test]
fn a_run_that_starts_from_a_small_model_has_its_exact_log_z() {
    let mut before = Trainer::new(config(Algorithm::Pcd, true), runs()).unwrap();
    before.run(&mut []).unwrap();
    let mut trainer =
        Trainer::from_model(config(Algorithm::Pcd, true), runs(), &before.model()).unwrap();
    let mut log_z = OnlineLogZ::from_model(&trainer, CHAINS, None, Watch::default()).unwrap();
    check(estimate(&log_z, &trainer), &trainer.model(), "the start");
    while !trainer.is_done() {
        trainer.update().unwrap();
        log_z.after_update(&trainer);
        if trainer.is_at_end_of_epoch() {
            check(estimate(&log_z, &trainer), &trainer.model(), "from a model");
        }
    }
    let large = Rbm::initial(29, &ndarray::Array1::from_elem(30, 0.5), 50, 0).unwrap();
    let bits = BitMatrix::from_fn(50, 30, |n, i| (n + i) % 3 == 0);
    let examples = Examples::new(Dataset::from_bits("wide", bits), Binarization::Stochastic);
    let config = TrainConfig { hidden: None, ..config(Algorithm::Pcd, true) };
    let trainer = Trainer::from_model(config, examples, &large).unwrap();
    let error =
        OnlineLogZ::from_model(&trainer, 100, None, Watch::default()).unwrap_err().to_string();
    let rule = "online_log_z is 100, but must be left out with init: log Z must be known exactly where the chains \
                start, and of this model 29 units would have to be enumerated, where at most 28 can be";
    assert_eq!(error, rule);
}

/// Chains that go on from a saved state after any update, on another number of threads and another instruction set.
#[test]
fn the_chains_go_on_to_the_same_bits() {
    let run = |isa: Isa, threads: usize, restarts: bool| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let config = TrainConfig { learning_rate: 10.0, ..config(Algorithm::Pcd, true) };
            let mut trainer = Trainer::with_isa(config, sites().into(), None, isa).unwrap();
            let mut log_z = OnlineLogZ::new(&trainer, 50, Some(3)).unwrap();
            while !trainer.is_done() {
                trainer.update().unwrap();
                log_z.after_update(&trainer);
                if restarts {
                    log_z = OnlineLogZ::restore(&trainer, 50, Some(3), &log_z.state()).unwrap();
                }
            }
            log_z.state()
        })
    };
    let expected = run(Isa::BASELINE, 1, false);
    for isa in Isa::available() {
        assert_eq!(run(isa, 1, true), expected, "{}", isa.name());
        assert_eq!(run(isa, 3, false), expected, "{}", isa.name());
    }
}

#[cfg(feature = "cli")]
mod folder;

#[cfg(feature = "cli")]
mod runs_in_folders {
    use super::folder::Folder;
    use harmonium::kernels::Isa;
    use serde_json::{Map, Value};

    /// 160 training examples of 30 pixels and 40 held out; an epoch has 8 updates.
    const LINE: &str = "train --data greys.idx --validation 40 --hidden 16 --batch-size 20 --epochs 5 \
                        --learning-rate 0.05 --quiet";

    fn figure(record: &Map<String, Value>, key: &str) -> f64 {
        record[key].as_f64().unwrap_or_else(|| panic!("{key} of {record:?}"))
    }

    #[test]
    fn records_have_the_log_likelihood_of_held_out_examples() {
        let folder = Folder::new();
        let exact = format!("{LINE} --evaluate-every 1 --evaluate exact --online-log-z 800");
        folder.succeed(&format!("{exact} --out run"));
        folder.succeed(&format!("{exact} --init run --out second"));
        for record in folder.metrics("run").iter().chain(&folder.metrics("second")) {
            let [online, expected, error, ess] =
                ["log_likelihood_online", "log_likelihood", "log_z_error", "log_z_ess"]
                    .map(|key| figure(record, key));
            assert!(
                (online - expected).abs() < 4.0 * error,
                "{online} ± {error}, exact {expected}"
            );
            assert!(error < 0.5 && ess > 100.0 && ess <= 800.01, "{record:?}");
            let log_z = figure(record, "log_z_online");
            assert!((online + figure(record, "free_energy_test") + log_z).abs() < 1e-9);
            assert!((log_z - figure(record, "log_z")).abs() < 4.0 * error);
        }
        // Without held-out examples there is log Z alone.
        let all = LINE.replace("--validation 40", "");
        folder.succeed(&format!("{all} --online-log-z 50 --out all"));
        let record = &folder.metrics("all")[4];
        assert!(
            record.contains_key("log_z_online") && !record.contains_key("log_likelihood_online")
        );
        let page = String::from_utf8(folder.read("second/report.html")).unwrap();
        for id in ["log_likelihood_online", "log_z_online", "log_z_ess"] {
            assert!(page.contains(&format!("id=\"{id}\"")) || page.contains(id), "{id}");
        }
    }

    /// Runs that are stopped within an epoch go on to the same records, on any threads and instruction set.
    #[test]
    fn training_is_the_same_with_and_without_and_after_stops() {
        let folder = Folder::new();
        let online = format!("{LINE} --online-log-z 100");
        folder.succeed(&format!("{LINE} --out without"));
        folder.succeed(&format!("{online} --out whole"));
        assert_eq!(folder.state("whole"), folder.state("without"));
        assert_eq!(folder.fingerprint("whole"), folder.fingerprint("without"));
        folder.succeed_with_notes(&format!(
            "{online} --out parts --stop-after 11updates --threads 1"
        ));
        folder.succeed_with_notes("resume parts --stop-after 10updates --threads 3 --quiet");
        let mut command = folder.command("resume parts --quiet");
        let status = command.env("HARMONIUM_ISA", Isa::BASELINE.name()).status().unwrap();
        assert!(status.success());
        assert_eq!(folder.untimed_metrics("parts"), folder.untimed_metrics("whole"));
        assert_eq!(folder.read("parts/model.safetensors"), folder.read("whole/model.safetensors"));
        // A run cannot begin in the middle.
        let config = String::from_utf8(folder.read("without/config.toml")).unwrap();
        let given = config.replace("# online_log_z is not set", "online_log_z = 100");
        folder.write("without/config.toml", given.as_bytes());
        folder.fail(
            "resume without --epochs 9",
            "online_log_z is 100, but the run was trained with null",
        );
    }

    #[test]
    fn a_run_can_be_judged_by_it() {
        let folder = Folder::new();
        let online = format!("{LINE} --online-log-z 100");
        folder.succeed(&format!("{online} --keep best:log_likelihood_online --out best"));
        let early = "--early-stop log_likelihood_online --patience 1 --epochs 200";
        let line = online.replace("--epochs 5", early);
        let (code, _, stderr) = folder.run(&format!("{line} --out early"));
        assert!(code == Some(0) && stderr.contains("stopped early"), "{stderr}");
        for run in ["best", "early"] {
            let values: Vec<_> = folder.metrics(run);
            assert!(values.iter().all(|record| figure(record, "log_likelihood_online") < 0.0));
        }
        assert_eq!(folder.succeed("runs . --best log_likelihood_online").lines().count(), 1);
    }

    #[test]
    fn what_has_no_one_log_z_is_refused() {
        let folder = Folder::new();
        folder.succeed("train --data greys.idx --hidden 40 --epochs 1 --out wide --quiet");
        for (settings, message) in [
            (
                "--online-log-z 100 --missing absent",
                "online_log_z is 100, but must be left out with missing = absent: each example then has a model of \
                 its own, with a Z of its own",
            ),
            (
                "--online-log-z 100 --init wide",
                "online_log_z is 100, but must be left out with init: log Z must be known exactly where the chains \
                 start, and of this model 30 units would have to be enumerated, where at most 28 can be",
            ),
            ("--online-log-z 1", "online_log_z is 1, but must be at least 2"),
            (
                "--online-log-z-every 5",
                "online_log_z_every is 5, but must be left out without --online-log-z",
            ),
            (
                "--keep best:log_likelihood_online",
                "keep is log_likelihood_online, but must be another metric, or have online_log_z",
            ),
            (
                "--online-log-z 9 --early-stop log_likelihood_online",
                "early_stop is log_likelihood_online, but must be another metric, or have held-out data",
            ),
        ] {
            folder.misuse(&format!("train --data greys.idx {settings} --out run --quiet"), message);
        }
    }

    /// At a rate that throws the parameters about, the weights of a single step are too unequal.
    #[test]
    fn a_collapse_is_said_once_and_its_figures_are_left_out() {
        let folder = Folder::new();
        let line = LINE.replace("--learning-rate 0.05", "--learning-rate 10");
        let (code, _, stderr) = folder.run(&format!("{line} --online-log-z 100 --out run"));
        assert_eq!(code, Some(0), "{stderr}");
        let said = "log_z_online and log_likelihood_online are not known in epoch";
        assert_eq!(stderr.matches(said).count(), 1, "{stderr}");
        assert!(stderr.contains("of its 100 chains effective; bound 10"), "{stderr}");
        let is_left_out = |record: &Map<String, Value>| {
            record.contains_key("log_z_ess") && !record.contains_key("log_z_online")
        };
        assert!(folder.metrics("run").iter().any(is_left_out));
        // A healthy run says nothing.
        folder.succeed(&format!("{LINE} --online-log-z 100 --out healthy"));
    }
}
