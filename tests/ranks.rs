//! Ranks train the model of one process, to the bit, whatever their number, and continue each other's runs.

use harmonium::dataset::{Binarization, Classes, Dataset, Examples, Labels};
use harmonium::kernels::Isa;
use harmonium::ranks::{Ranks, in_process};
use harmonium::state::State;
use harmonium::train::{Algorithm, Averaging, Missing, Objective, UpdateRule};
use harmonium::units::Units;
use harmonium::{BitMatrix, Rbm, Result, TrainConfig, Trainer};
use ndarray::{Array1, Array2};
use std::sync::Arc;
use std::thread;

const N: usize = 150;
/// Five panels of visible units, the last with 14.
const V: usize = 270;
/// Four panels of hidden units, the last with 8.
const H: usize = 200;

fn on(n: usize, i: usize) -> bool {
    (n * n + 3 * i * n + i * i) % 7 < 3
}

fn bits() -> BitMatrix {
    BitMatrix::from_fn(N, V, on)
}

fn examples(dataset: Dataset, binarization: Binarization) -> Arc<Examples> {
    Arc::new(Examples::new(dataset, binarization))
}

/// Sequences of 60 sites of 5 values: the sites straddle no panel.
fn sequences(lacks: fn(usize, usize) -> bool) -> Arc<Examples> {
    let value = |n: usize, site: usize| (n * n + site * n + 2 * site) % 5;
    let bits = BitMatrix::from_fn(N, 300, |n, i| value(n, i / 5) == i % 5);
    let dataset =
        Dataset::from_sites("sequences", Units::of_sites([5; 60]).unwrap(), bits).unwrap();
    let holes = BitMatrix::from_fn(N, 300, |n, i| lacks(n, i / 5));
    let dataset = dataset.with_missing(holes).unwrap();
    examples(dataset, Binarization::Stochastic)
}

fn plain() -> TrainConfig {
    TrainConfig {
        hidden: Some(H),
        epochs: Some(3),
        batch_size: 40,
        chains: Some(50),
        learning_rate: 0.05,
        seed: 7,
        ..TrainConfig::plain()
    }
}

/// What is trained: settings and data.
fn cases() -> Vec<(&'static str, TrainConfig, Arc<Examples>)> {
    let of_bits = examples(Dataset::from_bits("bits", bits()), Binarization::Stochastic);
    let greys = Array2::from_shape_fn((N, V), |(n, i)| ((n * 7 + i * n) % 256) as u8);
    let grey = |binarization| examples(Dataset::from_bytes("greys", greys.clone()), binarization);
    let weights: Vec<_> = (0..N).map(|n| 0.5 + (n % 5) as f64).collect();
    let weighted = Dataset::from_bits("weighted", bits()).weighted("w", &weights).unwrap();
    let classes = Classes::new("y", ["a", "b", "c"].map(String::from).to_vec()).unwrap();
    let label = |n: usize| (n % 4 != 3).then_some((n * n % 3) as u8);
    let labels = Labels::of_states(classes, (0..N).map(label).collect());
    let labelled = Dataset::from_bits("labelled", bits()).labelled(labels).unwrap();
    let labelled = examples(labelled, Binarization::Stochastic);
    let centred = TrainConfig { centering: true, ..plain() };
    vec![
        ("PCD, N and C differ", plain(), of_bits.clone()),
        (
            "PCD-3 with momentum, as many chains as examples",
            TrainConfig { gibbs_steps: 3, momentum: 0.5, chains: Some(40), ..plain() },
            of_bits.clone(),
        ),
        (
            "CD with Adam and a short last batch",
            TrainConfig {
                algorithm: Algorithm::Cd,
                chains: None,
                optimizer: UpdateRule::Adam,
                learning_rate: 0.01,
                ..plain()
            },
            of_bits.clone(),
        ),
        (
            "tempering",
            TrainConfig { algorithm: Algorithm::Pt, temperatures: 4, ..centred.clone() },
            of_bits.clone(),
        ),
        (
            "chain reset, fast steps that change the format",
            TrainConfig { chain_reset: 0.2, learning_rate: 3.0, ..plain() },
            of_bits.clone(),
        ),
        ("centred, grey levels", centred.clone(), grey(Binarization::Stochastic)),
        (
            "centred, sparse, averaged",
            TrainConfig {
                sparsity_target: 0.1,
                sparsity_cost: 0.1,
                averaging: Averaging::Exponential(0.5),
                ..centred.clone()
            },
            of_bits,
        ),
        ("reals", plain(), grey(Binarization::None)),
        (
            "reals, centred, CD",
            TrainConfig { algorithm: Algorithm::Cd, chains: None, ..centred.clone() },
            grey(Binarization::None),
        ),
        ("weights", centred.clone(), examples(weighted, Binarization::Stochastic)),
        ("sequences", centred.clone(), sequences(|_, _| false)),
        (
            "sequences that lack values",
            TrainConfig { missing: Some(Missing::Marginal), ..centred.clone() },
            sequences(|n, site| (n + site) % 9 == 0),
        ),
        (
            "labels, some unknown",
            TrainConfig { objective: Objective::Hybrid(0.1), ..centred.clone() },
            labelled.clone(),
        ),
        (
            "labels, discriminative, tail",
            TrainConfig {
                objective: Objective::Discriminative,
                algorithm: Algorithm::Auto,
                chains: None,
                averaging: Averaging::Tail(0.5),
                ..centred
            },
            labelled,
        ),
    ]
}

/// The trainer of a case before its first update.
fn begun(name: &str, config: &TrainConfig, examples: &Arc<Examples>) -> Result<Trainer> {
    // Up to 12, weights have 11 binary places.
    let nearly_wide = name.contains("format").then(|| {
        let weights = Array2::from_shape_fn((V, H), |at| if at.0 == at.1 { 12.05 } else { 0.0 });
        Rbm::new(weights, Array1::zeros(V), Array1::zeros(H)).unwrap()
    });
    Trainer::with_isa(config.clone(), examples.clone(), nearly_wide.as_ref(), Isa::fastest())
}

/// Leads the others until update `until`.
fn lead(mut trainer: Trainer, until: u64) -> Result<State> {
    while trainer.updates() < until {
        if trainer.updates() + 1 == until {
            trainer.ranks().wish(1);
        }
        trainer.update()?;
    }
    trainer.gather()?;
    trainer.dismiss()?;
    Ok(trainer.state())
}

/// The state after so many updates on so many ranks, each with two threads.
fn trained(size: usize, until: u64, start: impl Fn() -> Result<Trainer> + Sync) -> State {
    let on_rank = |ranks: Ranks| -> Result<Option<State>> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        pool.install(|| {
            let trainer = start()?.spread(ranks);
            if trainer.ranks().rank() > 0 {
                trainer.follow(&|| 0).map(|()| None)
            } else {
                lead(trainer, until).map(Some)
            }
        })
    };
    let states: Vec<_> = thread::scope(|scope| {
        let ranks = in_process::ranks(size).into_iter();
        let ranks: Vec<_> = ranks.map(|ranks| scope.spawn(|| on_rank(ranks))).collect();
        ranks.into_iter().map(|rank| rank.join().unwrap().unwrap()).collect()
    });
    states.into_iter().flatten().next().expect("the state of rank 0")
}

/// Every case, on up to five ranks: one more than there are panels of hidden units.
#[test]
fn all_numbers_of_ranks_give_the_same_bits() {
    for (name, config, examples) in cases() {
        let start = || begun(name, &config, &examples);
        let first = start().unwrap();
        let total = first.total_updates();
        let alone = trained(1, total, start);
        let [before, after] = [first.state(), alone.clone()]
            .map(|state| state.get::<f64>("format", &[2]).unwrap().to_vec());
        assert_eq!(before != after, name.contains("format"), "{name}: {before:?}, {after:?}");
        for size in 2..=5 {
            let together = trained(size, total, start);
            assert_eq!(together.difference(&alone), None, "{name}: {size} ranks");
        }
    }
}

/// A run begins on two ranks, is stopped in the middle of an epoch, and goes on on one, three and five.
#[test]
fn ranks_continue_the_runs_of_others() {
    for (name, config, examples) in cases() {
        let start = || begun(name, &config, &examples);
        let first = start().unwrap();
        let (total, settings) = (first.total_updates(), first.config().clone());
        let alone = trained(1, total, start);
        let stopped = trained(2, total / 2, start);
        for size in [1, 3, 5] {
            let resume =
                || Trainer::restore(settings.clone(), examples.clone(), &stopped, Isa::fastest());
            let together = trained(size, total, resume);
            assert_eq!(together.difference(&alone), None, "{name}: from 2 to {size} ranks");
        }
    }
}

/// A run in a folder: rank 0 has the folder, the others follow.
#[cfg(feature = "cli")]
mod run {
    use harmonium::dataset::Source;
    use harmonium::ranks::{Ranks, in_process};
    use harmonium::run::{self, Changes, DataConfig, End, Outcome, RunConfig, Session, Settings};
    use harmonium::{Result, TrainConfig};
    use std::fs;
    use std::path::Path;
    use std::thread;

    fn settings(folder: &Path) -> Settings {
        let rows = (0..130).map(|n| {
            let cells = (0..90).map(|i| if super::on(n, i) { "1" } else { "0" });
            cells.collect::<Vec<_>>().join(",") + "\n"
        });
        let path = folder.join("data.csv");
        fs::write(&path, rows.collect::<String>()).unwrap();
        Settings {
            data: DataConfig { data: Source::Path(path), validation: 20, ..DataConfig::default() },
            train: TrainConfig {
                hidden: Some(100),
                epochs: Some(5),
                batch_size: 20,
                momentum: 0.5,
                learning_rate: 0.05,
                ..TrainConfig::default()
            },
            run: RunConfig::default(),
        }
    }

    /// Works on a run on so many ranks. `wish` may change the session of a rank.
    fn on_ranks(
        size: usize,
        change: impl Fn(&mut Session) + Sync,
        work: impl Fn(&Session) -> Result<Outcome> + Sync,
    ) -> Outcome {
        let on_rank = |ranks: Ranks| {
            let mut session = Session { threads: Some(1), ranks, ..Session::default() };
            change(&mut session);
            match session.ranks.rank() {
                0 => work(&session).map(Some),
                _ => run::follow(&session).map(|()| None),
            }
        };
        let outcomes: Vec<_> = thread::scope(|scope| {
            let ranks = in_process::ranks(size).into_iter();
            let ranks: Vec<_> = ranks.map(|ranks| scope.spawn(|| on_rank(ranks))).collect();
            ranks.into_iter().map(|rank| rank.join().unwrap().unwrap()).collect()
        });
        outcomes.into_iter().flatten().next().expect("rank 0 has an outcome")
    }

    fn results(folder: &Path) -> [Vec<u8>; 2] {
        ["model.safetensors", "model-last.safetensors"]
            .map(|name| fs::read(folder.join(name)).unwrap())
    }

    /// A run of three ranks is stopped by a signal of the last, goes on on two with more epochs, and ends as a run of
    /// one rank that was stopped at the same update. Records measure the same, too.
    #[test]
    fn a_run_of_several_ranks_is_that_of_one() {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(folder.path());
        let out = |name: &str| Some(folder.path().join(name));
        let stopped = on_ranks(
            3,
            |session| {
                session.out = out("several");
                if session.ranks.rank() == 2 {
                    session.interrupt.raise(15);
                }
            },
            |session| run::train(settings.clone(), session, &mut []),
        );
        assert_eq!((stopped.end, stopped.updates), (End::Interrupted(15), 1));
        let alone = Session {
            out: out("one"),
            stop_after: Some("1updates".parse().unwrap()),
            ..Session::default()
        };
        let one = run::train(settings.clone(), &alone, &mut []).unwrap();
        assert_eq!((one.end, one.updates), (End::Stopped, 1));

        let changes = Changes { epochs: Some(6), ..Changes::default() };
        let done =
            on_ranks(2, |_| (), |session| run::resume(&stopped.folder, &changes, session, &mut []));
        assert_eq!((done.end, done.updates), (End::Done, 36));
        run::resume(&one.folder, &changes, &Session::default(), &mut []).unwrap();
        assert_eq!(results(&done.folder), results(&one.folder));
        let records = |folder: &Path| {
            let lines = fs::read_to_string(folder.join("metrics.jsonl")).unwrap();
            let record = |line: &str| {
                let mut record: serde_json::Value = serde_json::from_str(line).unwrap();
                let fields = record.as_object_mut().unwrap();
                fields.retain(|key, _| key != "seconds" && key != "samples_per_second");
                record
            };
            lines.lines().map(record).collect::<Vec<_>>()
        };
        assert_eq!(records(&done.folder).len(), 6);
        assert_eq!(records(&done.folder), records(&one.folder));
    }

    /// What only one rank can do is refused before anything is written.
    #[test]
    fn what_ranks_cannot_do_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = settings(folder.path());
        settings.run.ladder = Some(0.25);
        let ranks = in_process::ranks(2).remove(0);
        let session = Session { ranks, out: Some(folder.path().join("run")), ..Session::default() };
        let error = run::train(settings, &session, &mut []).unwrap_err().to_string();
        assert!(
            error.contains("ladder is 0.25, but must be left out with several ranks"),
            "{error}"
        );
        assert!(!folder.path().join("run").exists());
    }
}
