//! Ranks train the model of one process, to the bit, whatever their number, and continue each other's runs.

mod rank_cases;

use harmonium::kernels::Isa;
use harmonium::ranks::{Ranks, in_process};
use harmonium::state::State;
use harmonium::threads::in_pool;
use harmonium::{Result, Trainer};
use rank_cases::{begun, cases, train};
use std::thread;

/// The state after so many updates on so many ranks, each with two threads.
fn trained(size: usize, until: u64, start: impl Fn() -> Result<Trainer> + Sync) -> State {
    let states: Vec<_> = thread::scope(|scope| {
        let ranks = in_process::ranks(size).into_iter();
        let ranks: Vec<_> =
            ranks.map(|ranks| scope.spawn(|| train(ranks, until, &start))).collect();
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
            let cells = (0..90).map(|i| if super::rank_cases::on(n, i) { "1" } else { "0" });
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
            run: RunConfig { ladder: Some(0.97), online_log_z: Some(20), ..RunConfig::default() },
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

    /// Both models, and the rungs of the ladder.
    fn results(folder: &Path) -> Vec<(String, Vec<u8>)> {
        let rungs = fs::read_dir(folder.join("ladder")).unwrap();
        let rungs = rungs.map(|file| format!("ladder/{}", file.unwrap().file_name().display()));
        let mut names: Vec<_> = rungs.collect();
        assert!(names.len() >= 2, "{names:?}");
        names.extend(["model.safetensors", "model-last.safetensors"].map(String::from));
        names.sort();
        let read = |name: String| (name.clone(), fs::read(folder.join(name)).unwrap());
        names.into_iter().map(read).collect()
    }

    /// Two ranks end where the first cannot begin, as it says, and leave no folder.
    fn is_refused(settings: &Settings, change: impl Fn(&mut Session), expected: &str) {
        let folder = tempfile::tempdir().unwrap();
        let sessions = in_process::ranks(2).into_iter().map(|ranks| {
            let out = Some(folder.path().join("run"));
            let mut session = Session { threads: Some(1), ranks, out, ..Session::default() };
            change(&mut session);
            session
        });
        let sessions: Vec<_> = sessions.collect();
        thread::scope(|scope| {
            let follower = scope.spawn(|| run::follow(&sessions[1]));
            let error = run::train(settings.clone(), &sessions[0], &mut []).unwrap_err();
            let error = error.to_string();
            assert!(error.contains(expected), "{error}");
            follower.join().unwrap().unwrap();
        });
        assert!(!folder.path().join("run").exists());
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

    /// Where rank 0 cannot begin, it says why, and the others end without an error.
    #[test]
    fn the_others_go_home_if_rank_0_cannot_begin() {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = settings(folder.path());
        settings.data.data = Source::Path(folder.path().join("nothing.csv"));
        is_refused(&settings, |_| (), "nothing.csv");
    }

    /// Ranks measure their speed together, and make the model of as many updates on one rank.
    #[test]
    fn a_time_budget_is_for_the_ranks_together() {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = settings(folder.path());
        settings.train.epochs = None;
        let out = |name: &str| Some(folder.path().join(name));
        let within = |milliseconds: u64| {
            move |session: &mut Session| {
                session.time_budget = Some(std::time::Duration::from_millis(milliseconds));
                session.out = out("several");
            }
        };
        let done =
            on_ranks(2, within(1000), |session| run::train(settings.clone(), session, &mut []));
        assert_eq!(done.end, End::Done);
        settings.train.updates = Some(done.updates);
        let alone = Session { out: out("one"), ..Session::default() };
        let one = run::train(settings, &alone, &mut []).unwrap();
        assert_eq!(results(&done.folder), results(&one.folder));
    }

    /// Ranks that find the budget too small, or that diverge while they measure, go home.
    #[test]
    fn a_time_budget_that_is_not_enough_ends_all_ranks() {
        let folder = tempfile::tempdir().unwrap();
        for (rate, budget, expected) in [(0.05, 1, "time_budget is"), (1e6, 1000, "diverge")] {
            let mut settings = settings(folder.path());
            settings.train.epochs = None;
            settings.train.learning_rate = rate;
            let budget = Some(std::time::Duration::from_millis(budget));
            is_refused(&settings, |session| session.time_budget = budget, expected);
        }
    }

    /// What only one rank can do is refused before anything is written.
    #[test]
    fn what_ranks_cannot_do_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = settings(folder.path());
        settings.data.data = Source::Stdin;
        is_refused(&settings, |_| (), "data is -, but must be a file, which each rank");
    }
}

/// A sweep whose runs several ranks share, in a folder that all see.
#[cfg(feature = "cli")]
mod shared_runs {
    use harmonium::ranks::in_process;
    use harmonium::run::{DataConfig, End, Interrupt, Session, Settings};
    use harmonium::sweep::{self, News, SweepConfig, SweepOutcome};
    use harmonium::{Result, TrainConfig};
    use std::fs;
    use std::path::Path;
    use std::thread;

    fn settings() -> (Settings, SweepConfig) {
        let data = DataConfig {
            data: "bars-and-stripes:3".parse().unwrap(),
            validation: 4,
            ..DataConfig::default()
        };
        let train = TrainConfig { hidden: Some(4), epochs: Some(20), ..TrainConfig::default() };
        let vary = vec!["learning_rate=0.01,0.1,0.3".parse().unwrap()];
        let search = "halving:2".parse().unwrap();
        let config = SweepConfig { vary, seeds: 2, search, ..SweepConfig::default() };
        (Settings { data, train, ..Settings::default() }, config)
    }

    /// Works on a sweep on so many ranks. Once a run is scored, the last rank gets this signal.
    fn on_ranks(
        size: usize,
        signal: Option<i32>,
        work: impl Fn(&Session, &mut dyn FnMut(News)) -> Result<SweepOutcome> + Sync,
    ) -> SweepOutcome {
        let interrupt = Interrupt::default();
        let mut tell = |news: News| {
            if let (News::Scored { .. }, Some(signal)) = (news, signal) {
                interrupt.raise(signal);
            }
        };
        let sessions = in_process::ranks(size).into_iter().map(|ranks| {
            let is_last = ranks.rank() == size - 1;
            let interrupt = if is_last { interrupt.clone() } else { Interrupt::default() };
            Session { threads: Some(1), ranks, interrupt, ..Session::default() }
        });
        let mut sessions = sessions.collect::<Vec<_>>().into_iter();
        let first = sessions.next().unwrap();
        thread::scope(|scope| {
            let others: Vec<_> =
                sessions.map(|session| scope.spawn(move || sweep::follow(&session))).collect();
            let done = work(&first, &mut tell).unwrap();
            others.into_iter().for_each(|rank| rank.join().unwrap().unwrap());
            done
        })
    }

    fn begun(session: &Session, out: &Path, tell: &mut dyn FnMut(News)) -> Result<SweepOutcome> {
        let (settings, config) = settings();
        let session = Session { out: Some(out.to_path_buf()), ..session.clone() };
        sweep::sweep(&settings, &config, &session, tell)
    }

    /// The table, and the model and scores of each run.
    fn results(folder: &Path) -> Vec<Vec<u8>> {
        let of_run = |run: usize| {
            let run = folder.join("runs").join(sweep::run_name(run));
            ["model.safetensors", "scores.json"].map(|name| fs::read(run.join(name)).unwrap())
        };
        let table = fs::read(folder.join("table.csv")).unwrap();
        [table].into_iter().chain((0..6).flat_map(of_run)).collect()
    }

    #[test]
    fn a_sweep_of_several_ranks_is_that_of_one() {
        let folder = tempfile::tempdir().unwrap();
        let out = |name: &str| folder.path().join(name);
        begun(&Session::default(), &out("1"), &mut |_| ()).unwrap();
        for size in [2, 3] {
            let out = out(&size.to_string());
            let done = on_ranks(size, None, |session, tell| begun(session, &out, tell));
            assert_eq!(done.end, End::Done);
            assert!(results(&out) == results(&folder.path().join("1")), "{size} ranks");
        }
    }

    /// A signal of the last rank stops all, and another number of ranks goes on.
    #[test]
    fn a_signal_of_one_rank_stops_the_sweep_and_others_go_on_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let [one, several] = ["one", "several"].map(|name| folder.path().join(name));
        begun(&Session::default(), &one, &mut |_| ()).unwrap();
        let stopped = on_ranks(3, Some(15), |session, tell| begun(session, &several, tell));
        assert_eq!(stopped.end, End::Interrupted(15));
        assert!(
            fs::read(several.join("table.csv")).unwrap()
                != fs::read(one.join("table.csv")).unwrap()
        );
        let done = on_ranks(2, None, |session, tell| sweep::resume(&several, session, tell));
        assert_eq!(done.end, End::Done);
        assert!(results(&several) == results(&one));
    }

    /// Where rank 0 cannot begin, the others end without an error.
    #[test]
    fn the_others_go_home_if_rank_0_has_no_sweep() {
        let folder = tempfile::tempdir().unwrap();
        let mut ranks = in_process::ranks(2).into_iter();
        let mut session =
            || Session { threads: Some(1), ranks: ranks.next().unwrap(), ..Session::default() };
        let (first, second) = (session(), session());
        thread::scope(|scope| {
            let follower = scope.spawn(|| sweep::follow(&second));
            let error = sweep::resume(folder.path(), &first, &mut |_| ()).unwrap_err().to_string();
            assert!(error.contains("does not hold a sweep"), "{error}");
            follower.join().unwrap().unwrap();
        });
    }
}

/// Ranks that move their own chains find the evidence of one, also if there are more ranks than chains.
#[test]
fn an_evaluation_on_ranks_is_that_of_one() {
    use harmonium::evaluate::{AnnealingSchedule, EvaluationConfig, Evaluator, Method};
    use harmonium::gibbs::{FixedModel, FixedWeights};
    use harmonium::{BitMatrix, Rbm};
    use ndarray::{Array1, Array2};
    let value = |at: usize| ((at * 37 + 11) % 29) as f32 / 32.0 - 0.4;
    let weights = Array2::from_shape_fn((70, 30), |(i, j)| value(i * 5 + j));
    let rbm = Rbm::new(weights, Array1::from_shape_fn(70, value), Array1::zeros(30)).unwrap();
    let visible = BitMatrix::from_fn(40, 70, |n, i| (n * n + 3 * i * n + i * i) % 7 < 3);
    for (method, n_chains) in
        [(Method::Ais, 3), (Method::Ais, 50), (Method::Pt, 3), (Method::Pt, 50)]
    {
        let config = EvaluationConfig {
            method,
            n_chains,
            schedule: "adaptive:200".parse::<AnnealingSchedule>().unwrap(),
            burn_in: 20,
            raise: 10,
            ..EvaluationConfig::default()
        };
        let evaluate = |ranks: Ranks| {
            let weights = FixedWeights::of(&rbm, Isa::fastest()).among(ranks);
            let model = FixedModel { rbm: &rbm, weights: &weights };
            Evaluator::new(model).config(config.clone()).evaluate(&visible).unwrap()
        };
        let alone = evaluate(Ranks::default());
        for size in [2, 3, 5] {
            thread::scope(|scope| {
                let ranks = in_process::ranks(size).into_iter();
                let ranks: Vec<_> = ranks.map(|ranks| scope.spawn(|| evaluate(ranks))).collect();
                for rank in ranks {
                    assert_eq!(
                        rank.join().unwrap(),
                        alone,
                        "{method}, {size} ranks, {n_chains} chains"
                    );
                }
            });
        }
    }
}

/// Programs that all make the same calls need nobody who asks: each rank has the model in the end.
#[test]
fn ranks_that_run_the_same_program_have_the_same_model() {
    let (_, config, examples) = cases().swap_remove(6);
    let train = |ranks: Ranks| {
        let begun = Trainer::with_isa(config.clone(), examples.clone(), None, Isa::fastest());
        let mut trainer = begun?.spread_alike(ranks)?;
        trainer.replan(4)?;
        for _ in 0..trainer.updates_per_epoch() + 1 {
            trainer.update()?;
        }
        trainer.gather()?;
        Ok(trainer.state())
    };
    // A rank that waits for the others keeps its thread.
    let train = |ranks: Ranks| in_pool(Some(1), || train(ranks)).unwrap();
    let alone = train(Ranks::default());
    thread::scope(|scope| {
        let ranks = in_process::ranks(3).into_iter();
        let ranks: Vec<_> = ranks.map(|ranks| scope.spawn(|| train(ranks))).collect();
        for rank in ranks {
            assert_eq!(rank.join().unwrap().difference(&alone), None);
        }
    });
}
