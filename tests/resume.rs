//! Runs that are stopped and resumed: the same bits, the same records, and a clear error if that is
//! impossible.

#![cfg(feature = "cli")]

mod folder;

use folder::Folder;
use harmonium::dataset::{Binarization, Dataset, Examples};
use harmonium::kernels::Isa;
use harmonium::{BitMatrix, TrainConfig, Trainer};
use serde_json::json;
use std::fs;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Settings with every kind of state that a run can have. An epoch has 8 updates.
const VARIANTS: [&str; 11] = [
    "",
    "--momentum 0.9 --weight-decay 0.001",
    "--optimizer adam --learning-rate 0.01 --chains 17",
    "--algorithm cd --gibbs-steps 2",
    "--algorithm pt --temperatures 4 --gibbs-steps 2",
    "--centering --averaging exponential:1",
    "--averaging tail:0.5 --momentum 0.5",
    "--centering --sparsity-cost 0.1 --optimizer adam --learning-rate 0.01",
    "--chain-reset 0.1 --gibbs-steps-last 4 --schedule cosine --warm-up 2",
    "--binarize threshold:0.4 --chain-start bias --updates 43",
    "--algorithm ptt --swap-rate 0.9 --gibbs-steps 2",
];

const LINE: &str = "train --data greys.idx --hidden 70 --epochs 6 --batch-size 26 --quiet";

/// The command line of a run of 6 epochs of 8 updates with these settings.
fn line(settings: &str) -> String {
    let line =
        if settings.contains("--updates") { LINE.replace(" --epochs 6", "") } else { LINE.into() };
    format!("{line} {settings}")
}

/// The run is stopped after 2 epochs, resumed for 2 epochs on another number of threads, and resumed to
/// the end on another instruction set.
#[test]
fn a_run_in_three_sessions_is_the_run_in_one() {
    let folder = Folder::new();
    for (at, settings) in VARIANTS.into_iter().enumerate() {
        // An evaluation takes longer than everything else.
        let evaluated = if at % 5 == 4 { " --evaluate-every 4 --evaluate ais" } else { "" };
        let line = line(settings) + evaluated;
        folder.succeed(&format!("{line} --out whole"));
        let (code, stdout, stderr) =
            folder.run(&format!("{line} --out parts --stop-after 2epochs --threads 1"));
        assert_eq!((code, &stdout[..]), (Some(0), "parts\n"), "{stderr}");
        let expected = "note: stopped after update 16; continue with: harmonium resume parts\n";
        assert_eq!(stderr, expected);
        assert_eq!(folder.metrics("parts").len(), 2);
        assert_eq!(folder.summary("parts")["state"], "stopped");
        let (code, _, stderr) = folder.run("resume parts --stop-after 2epochs --threads 3 --quiet");
        assert_eq!(code, Some(0), "{stderr}");
        assert!(stderr.contains("stopped after update 32"), "{stderr}");
        for (at_isa, isa) in [Isa::BASELINE, Isa::fastest()].into_iter().enumerate() {
            // The second session finds the run done.
            let mut command = folder.command("resume parts --threads 2 --quiet");
            let output = command.env("HARMONIUM_ISA", isa.name()).output().unwrap();
            let stderr = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(0), "{stderr}");
            let is_second = stderr == "note: the run is done; give it more epochs to continue\n";
            assert_eq!((stderr.is_empty(), is_second), (at_isa == 0, at_isa == 1), "{stderr}");
            assert_eq!(folder.state("parts"), folder.state("whole"), "{settings}");
            assert_eq!(folder.untimed_metrics("parts"), folder.untimed_metrics("whole"));
            assert_eq!(folder.summary("parts")["state"], "done");
        }
        for name in [
            "model.safetensors",
            "samples.png",
            "filters.png",
            "snapshots/epoch-000006.safetensors",
        ] {
            let [whole, parts] =
                ["whole", "parts"].map(|run| folder.read(&format!("{run}/{name}")));
            assert!(whole == parts, "{settings}: {name}");
        }
        fs::remove_dir_all(folder.path("whole")).unwrap();
        fs::remove_dir_all(folder.path("parts")).unwrap();
    }
}

/// A trainer that is restored after each update, also within an epoch, equals an uninterrupted one.
#[test]
fn a_trainer_can_be_restored_after_every_update() {
    let bits = BitMatrix::from_fn(101, 37, |n, i| (n * n + 3 * n * i + i * i) % 7 < 3);
    let examples =
        Arc::new(Examples::new(Dataset::from_bits("odd", bits), Binarization::Stochastic));
    use harmonium::train::{Algorithm, Averaging, UpdateRule};
    let odd = || TrainConfig {
        hidden: Some(19),
        epochs: Some(3),
        batch_size: 13,
        ..TrainConfig::default()
    };
    for config in [
        odd(),
        TrainConfig { optimizer: UpdateRule::Adam, learning_rate: 0.01, ..odd() },
        TrainConfig { algorithm: Algorithm::Cd, averaging: Averaging::Tail(0.3), ..odd() },
        TrainConfig { algorithm: Algorithm::Pt, momentum: 0.5, ..odd() },
        TrainConfig { algorithm: Algorithm::Ptt, swap_rate: 0.9, ..odd() },
        TrainConfig { centering: true, sparsity_cost: 0.1, chain_reset: 0.1, ..odd() },
    ] {
        let mut going = Trainer::new(config.clone(), examples.clone()).unwrap();
        let mut restored = going.clone();
        while !going.is_done() {
            restored = Trainer::restore(
                config.clone(),
                examples.clone(),
                &restored.state(),
                Isa::fastest(),
            )
            .unwrap();
            going.update().unwrap();
            restored.update().unwrap();
            assert_eq!(restored.state().sha256(), going.state().sha256(), "{config:?}");
            assert_eq!(restored.flip_rate(), going.flip_rate());
        }
        assert_eq!(restored.model(), going.model());
    }
}

/// Each update makes about 10⁹ products of a state and a weight, so that it can be interrupted.
#[test]
fn an_interrupted_update_leaves_the_trainer_as_it_was() {
    use harmonium::train::{Algorithm, Averaging};
    use harmonium::{Error, Watch};
    use std::sync::atomic::{AtomicBool, Ordering};
    let bits = BitMatrix::from_fn(301, 300, |n, i| (n * n + 3 * n * i + i * i) % 7 < 3);
    let examples =
        Arc::new(Examples::new(Dataset::from_bits("odd", bits), Binarization::Stochastic));
    let long = |algorithm, gibbs_steps| TrainConfig {
        algorithm,
        gibbs_steps,
        hidden: Some(200),
        epochs: Some(3),
        batch_size: 100,
        averaging: Averaging::Exponential(1.0),
        ..TrainConfig::default()
    };
    for config in [
        long(Algorithm::Pcd, 150),
        long(Algorithm::Cd, 200),
        TrainConfig { temperatures: 4, ..long(Algorithm::Pt, 40) },
    ] {
        let mut going = Trainer::new(config.clone(), examples.clone()).unwrap();
        let mut again = going.clone();
        let mut n_interrupted = 0;
        // The last mini-batch of an epoch is smaller.
        for update in 0..5 {
            let before = (again.state().sha256(), again.flip_rate());
            for microseconds in [500, 2000, 8000] {
                let (stop, mut interrupted) = (AtomicBool::new(false), again.clone());
                let done = std::thread::scope(|scope| {
                    scope.spawn(|| {
                        std::thread::sleep(Duration::from_micros(microseconds));
                        stop.store(true, Ordering::Relaxed);
                    });
                    interrupted.update_watched(Watch::until(&stop))
                });
                // A fast computer may have done the update before.
                if done.is_err() {
                    assert!(matches!(done, Err(Error::Interrupted)));
                    let after = (interrupted.state().sha256(), interrupted.flip_rate());
                    assert_eq!(after, before, "{update}: {config:?}");
                    (again, n_interrupted) = (interrupted, n_interrupted + 1);
                }
            }
            going.update().unwrap();
            again.update().unwrap();
            assert_eq!(again.state().sha256(), going.state().sha256(), "{update}: {config:?}");
        }
        assert!(n_interrupted > 0, "{config:?}");
    }
}

#[test]
fn a_state_of_other_settings_is_refused() {
    let bits = BitMatrix::from_fn(40, 9, |n, i| (n + i) % 3 == 0);
    let examples =
        Arc::new(Examples::new(Dataset::from_bits("few", bits), Binarization::Stochastic));
    let config = TrainConfig {
        hidden: Some(5),
        batch_size: 10,
        chains: Some(10),
        epochs: Some(2),
        averaging: harmonium::train::Averaging::None,
        centering: false,
        ..TrainConfig::default()
    };
    let mut trainer = Trainer::new(config.clone(), examples.clone()).unwrap();
    (0..5).for_each(|_| trainer.update().unwrap());
    let state = trainer.state();
    for (config, message) in [
        (
            TrainConfig { hidden: Some(6), ..config.clone() },
            "`weights` of the saved state has the shape [9, 5]",
        ),
        (
            TrainConfig { momentum: 0.5, ..config.clone() },
            "`velocity.weights` of the saved state is missing",
        ),
        (
            TrainConfig { chains: Some(9), ..config.clone() },
            "`chains.streams` of the saved state has the shape",
        ),
        (
            TrainConfig { epochs: Some(1), ..config.clone() },
            "`updates` of the saved state is above the 4 updates",
        ),
    ] {
        let error = Trainer::restore(config, examples.clone(), &state, Isa::fastest())
            .unwrap_err()
            .to_string();
        assert!(error.contains(message), "{error}");
    }
    assert!(Trainer::restore(config, examples, &state, Isa::fastest()).is_ok());
}

#[test]
fn the_settings_of_a_run_train_it_again() {
    let folder = Folder::new();
    fs::create_dir(folder.path("elsewhere")).unwrap();
    for settings in [VARIANTS[5], "--validation 40 --invert --limit 150"] {
        folder.succeed(&format!("{} --out first", line(settings)));
        // The folder, the threads and an irrelevant flag differ.
        let mut command =
            folder.command("train --config ../first/config.toml --out again --threads 1 --quiet");
        let output = command.current_dir(folder.path("elsewhere")).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(folder.state("elsewhere/again"), folder.state("first"));
        let untimed = folder.untimed_metrics("elsewhere/again");
        assert_eq!(untimed, folder.untimed_metrics("first"));
        // A flag overrides the file.
        folder.succeed("train --config first --out other --seed 9 --quiet");
        assert_ne!(folder.state("other"), folder.state("first"));
        assert_eq!(folder.facts("other")["settings"]["hidden"], 70);
        for run in ["first", "other", "elsewhere/again"] {
            fs::remove_dir_all(folder.path(run)).unwrap();
        }
    }
}

#[test]
fn mistakes_in_a_settings_file_are_named() {
    let folder = Folder::new();
    folder.write(
        "own.toml",
        b"[data]\ndata = \"greys.idx\"\n[train]\nhidden = 7\nepochs = 1\nbatch_size = 50\n",
    );
    folder.succeed("train --config own.toml --out run --quiet");
    assert_eq!(folder.facts("run")["n_hidden"], 7);
    folder.write("bad.toml", b"[train]\nhiden = 7\n");
    folder.misuse(
        "train --config bad.toml --out new",
        "bad.toml: [train] hiden is not known; did you mean hidden?",
    );
    folder.fail("train --config none.toml --out new", "none.toml: cannot read: No such file");
    // The data file has changed, and so has the stream version.
    let text = String::from_utf8(folder.read("run/config.toml")).unwrap();
    folder.write("old.toml", text.replace("stream_version = 2", "stream_version = 0").as_bytes());
    let (code, _, stderr) = folder.run("train --config old.toml --out old --quiet");
    assert_eq!(code, Some(0));
    assert!(stderr.contains("note: old.toml has stream version 0, but this program has 2"));
    let mut greys = folder.read("greys.idx");
    greys[20] ^= 1;
    folder.write("greys.idx", &greys);
    folder.fail("train --config run --out new", "greys.idx: has the SHA-256 ");
    folder.succeed("train --config run --out new --data greys.idx --quiet");
}

#[test]
fn a_setting_that_would_change_a_run_is_refused() {
    let folder = Folder::new();
    folder.run(&format!("{LINE} --out run --stop-after 10updates"));
    for (flags, message) in [
        ("--batch-size 64", "batch_size is 64, but must be 26, as in this run; start"),
        ("--seed 3", "seed is 3, but must be 0, as in this run; start"),
        ("--epochs 1", "epochs is 1, but must be at least 2, the number of epochs done or begun"),
        ("--threads 0", "threads is 0, but must be from 1 to 1024"),
    ] {
        folder.misuse(&format!("resume run {flags}"), message);
    }
    let text = String::from_utf8(folder.read("run/config.toml")).unwrap();
    for (from, to, message) in [
        ("batch_size = 26", "batch_size = 27", "batch_size is 27, but the run was trained with 26"),
        ("seed = 0", "seed = 1", "seed is 1, but the run was trained with 0"),
        ("limit is not set", "\nlimit = 100", "limit is 100, but the run was trained with null"),
    ] {
        folder.write("run/config.toml", text.replace(from, to).as_bytes());
        folder.fail("resume run", message);
    }
    let wrong = text.replace("hidden = 70", "hidden = \"a\"");
    folder.write("run/config.toml", wrong.as_bytes());
    let message = "run/config.toml: [train] hidden is \"a\", but must be a whole";
    folder.misuse("resume run", message);
    folder.write("run/config.toml", text.as_bytes());
    let greys = folder.read("greys.idx");
    folder.write("greys.idx", &greys[..greys.len() - 1]);
    folder.fail("resume run", "greys.idx: byte");
    let mut other = greys.clone();
    other[30] ^= 1;
    folder.write("greys.idx", &other);
    folder.fail("resume run", "greys.idx: has the SHA-256 ");
    folder.write("moved.idx", &greys);
    let (code, _, stderr) = folder.run("resume run --data moved.idx --stop-after 1updates");
    assert_eq!(code, Some(0), "{stderr}");
    folder.write("greys.idx", &greys);
    folder.fail("resume nowhere", "nowhere: is not a folder; `harmonium runs` lists");
    folder.fail("resume .", ".: does not hold a run; `harmonium runs` lists");
    // The checkpoint also has the settings; settings that do not change the model may change.
    fs::remove_file(folder.path("run/config.toml")).unwrap();
    folder.succeed("resume run --quiet");
    assert!(folder.path("run/config.toml").exists());
    folder.succeed(&format!("{LINE} --out whole"));
    assert_eq!(folder.state("run"), folder.state("whole"));
}

/// The plan changes twice, once within an epoch; the run's settings then train the same model again.
#[test]
fn another_number_of_epochs_is_recorded_and_trains_again() {
    let folder = Folder::new();
    for settings in ["", "--averaging tail:0.5 --schedule cosine"] {
        let line = line(settings);
        folder.run(&format!("{line} --out run --stop-after 19updates"));
        let (code, _, stderr) = folder.run("resume run --epochs 4 --quiet");
        assert_eq!(code, Some(0), "{stderr}");
        let note = "note: from update 19 on, the run is planned for 32 updates instead of 48: it \
                    will not end as a new run of 4 epochs would";
        assert!(stderr.contains(note), "{stderr}");
        assert_eq!(folder.metrics("run").len(), 4);
        assert_eq!(folder.summary("run")["state"], "done");
        folder.run("resume run --epochs 7 --quiet --stop-after 9updates");
        folder.run("resume run --quiet");
        assert_eq!(folder.metrics("run").len(), 7);
        let plans = json!([{"update": 19, "epochs": 4}, {"update": 32, "epochs": 7}]);
        assert_eq!(folder.summary("run")["settings"]["replanned"], plans);

        folder.succeed("train --config run --out again --quiet");
        assert_eq!(folder.state("again"), folder.state("run"), "{settings}");
        assert_eq!(folder.untimed_metrics("again"), folder.untimed_metrics("run"));
        folder.succeed(&format!("{} --out fresh", line.replace("--epochs 6", "--epochs 7")));
        assert_ne!(folder.state("fresh"), folder.state("run"));
        for run in ["run", "again", "fresh"] {
            fs::remove_dir_all(folder.path(run)).unwrap();
        }
    }
}

/// Starts a run that lasts until it is stopped.
fn long_run(folder: &Folder, flags: &str) -> Child {
    let line = LINE.replace("--epochs 6", "--epochs 1000000");
    let mut command = folder.command(&format!("{line} --out run {flags}"));
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for(|| folder.path("run/metrics.jsonl").exists() && !folder.metrics("run").is_empty());
    child
}

fn wait_for(is_there: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_there() {
        assert!(start.elapsed() < Duration::from_secs(60), "it does not come");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn send(signal: &str, child: &Child) {
    let status =
        std::process::Command::new("kill").args([signal, &child.id().to_string()]).status();
    assert!(status.unwrap().success());
}

#[cfg(unix)]
#[test]
fn a_signal_leaves_a_checkpoint_and_the_command_to_resume() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let folder = Folder::new();
        let child = long_run(&folder, "");
        assert_eq!(folder.summary("run")["state"], "running");
        let (refused, _, stderr) = folder.run("resume run");
        assert_eq!(refused, Some(1));
        assert!(stderr.contains("run: another process works on this run"), "{stderr}");
        send(signal, &child);
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout), (Some(code), Vec::new()), "{stderr}");
        // On a busy computer, a note that it is stopping comes first.
        assert!(stderr.contains("note: interrupted after update "), "{stderr}");
        assert!(stderr.ends_with("; continue with: harmonium resume run\n"), "{stderr}");
        let summary = folder.summary("run");
        let updates = summary["place"]["updates"].as_u64().unwrap();
        assert!(stderr.contains(&format!("update {updates};")), "{stderr}");
        assert_eq!(summary["state"], "stopped");
        // The run resumes from this update.
        let (code, _, stderr) = folder.run("resume run --stop-after 3updates --quiet");
        assert_eq!(code, Some(0), "{stderr}");
        assert_eq!(folder.summary("run")["place"]["updates"], updates + 3);
    }
}

/// The first signal comes during a long evaluation; the second does not wait for its end.
#[cfg(unix)]
#[test]
fn a_second_signal_ends_the_run_at_once_and_breaks_nothing() {
    use std::os::unix::process::ExitStatusExt as _;
    let folder = Folder::new();
    let flags = "--checkpoint-every 1updates --evaluate-every 3 --evaluate ais";
    let mut child = long_run(&folder, flags);
    wait_for(|| folder.metrics("run").len() >= 2);
    let start = Instant::now();
    let status = loop {
        send("-INT", &child);
        std::thread::sleep(Duration::from_millis(20));
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        assert!(start.elapsed() < Duration::from_secs(5), "two signals do not end it");
    };
    assert_eq!((status.code(), status.signal()), (Some(130), None));
    let (code, _, stderr) = folder.run("resume run --stop-after 1updates --quiet");
    assert_eq!(code, Some(0), "{stderr}");
}

/// Ctrl-C comes while an epoch is measured. It takes effect within a second, and the resumed run measures
/// the epoch as an uninterrupted one does.
#[cfg(unix)]
#[test]
fn an_interrupted_evaluation_is_made_on_resume() {
    let folder = Folder::new();
    let line = format!("{LINE} --evaluate-every 2 --evaluate ais").replace("epochs 6", "epochs 4");
    folder.succeed(&format!("{line} --out whole"));
    let mut n_unscored = 0;
    // The first evaluation comes after 2 epochs, the second at the end of the run.
    for n_records in [1, 3] {
        let mut command = folder.command(&format!("{line} --out run"));
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let has = |n| folder.path("run/metrics.jsonl").exists() && folder.metrics("run").len() >= n;
        wait_for(|| has(n_records));
        // Training of the next epoch takes some milliseconds, and its evaluation more than a second.
        std::thread::sleep(Duration::from_millis(300));
        let start = Instant::now();
        send("-INT", &child);
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
        assert_eq!(output.status.code(), Some(130), "{stderr}");
        let updates = folder.summary("run")["place"]["updates"].as_u64().unwrap();
        n_unscored += usize::from(updates / 8 > folder.metrics("run").len() as u64);
        assert_eq!(folder.summary("run")["state"], "stopped");
        folder.succeed("resume run --quiet");
        assert_eq!(folder.untimed_metrics("run"), folder.untimed_metrics("whole"));
        assert_eq!(folder.state("run"), folder.state("whole"));
        assert_eq!(folder.fingerprint("run"), folder.fingerprint("whole"));
        fs::remove_dir_all(folder.path("run")).unwrap();
    }
    assert!(n_unscored > 0, "no evaluation was interrupted");
}

/// An update of a million sweeps takes minutes.
#[cfg(unix)]
#[test]
fn a_long_update_is_interrupted_within_a_second() {
    let folder = Folder::new();
    for algorithm in ["pcd", "cd", "pt --temperatures 3"] {
        let line = format!("{LINE} --gibbs-steps 1000000 --algorithm {algorithm} --out run");
        let child = folder.command(&line).stderr(Stdio::piped()).spawn().unwrap();
        wait_for(|| folder.path("run/metrics.jsonl").exists());
        std::thread::sleep(Duration::from_millis(100));
        let start = Instant::now();
        send("-TERM", &child);
        let output = child.wait_with_output().unwrap();
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(143), "{stderr}");
        assert!(stderr.contains("note: interrupted after update 0;"), "{stderr}");
        assert_eq!(folder.summary("run")["place"]["updates"], 0);
        fs::remove_dir_all(folder.path("run")).unwrap();
    }
}

/// Ctrl-C comes while the speed is measured, before the run has a folder.
#[cfg(unix)]
#[test]
fn a_measurement_of_the_speed_is_interrupted() {
    let folder = Folder::new();
    let line = LINE.replace("--epochs 6", "--time-budget 10m");
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let mut command = folder.command(&format!("{line} --out run"));
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(700));
        let start = Instant::now();
        send(signal, &child);
        let output = child.wait_with_output().unwrap();
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{stderr}");
        assert!(
            stderr.contains("interrupted before the first update; nothing is written"),
            "{stderr}"
        );
        assert!(!folder.path("run").exists());
    }
}

type Damage<'a> = &'a dyn Fn(&mut Vec<u8>);

#[test]
fn a_damaged_checkpoint_is_reported_and_the_previous_one_is_used() {
    let folder = Folder::new();
    folder.succeed(&format!("{LINE} --out whole"));
    let start = || {
        let _ = fs::remove_dir_all(folder.path("run"));
        let flags = "--checkpoint-every 10updates --keep-checkpoints 3 --stop-after 25updates";
        folder.run(&format!("{LINE} --out run {flags}"));
        let names = [10, 20, 25].map(|n| format!("update-{n:09}.safetensors"));
        assert_eq!(folder.names_in("run/checkpoints"), names);
    };
    let damage = |updates: u64, change: Damage| {
        let name = format!("run/checkpoints/update-{updates:09}.safetensors");
        let mut bytes = folder.read(&name);
        change(&mut bytes);
        folder.write(&name, &bytes);
    };
    // The damage is in the header's length, its text, the tensors or the end; or the file is cut short,
    // empty or too long.
    let changes: [Damage; 9] = [
        &|bytes| bytes[0] ^= 1,
        &|bytes| bytes[7] ^= 0x40,
        &|bytes| bytes[8] ^= 2,
        &|bytes| bytes[100] ^= 1,
        &|bytes| {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0x80;
        },
        &|bytes| *bytes.last_mut().unwrap() ^= 1,
        &|bytes| bytes.truncate(bytes.len() / 3),
        &|bytes| bytes.clear(),
        &|bytes| bytes.push(0),
    ];
    for change in changes {
        start();
        damage(25, change);
        let (code, _, stderr) = folder.run("resume run --quiet");
        assert_eq!(code, Some(0), "{stderr}");
        assert!(
            stderr.contains("note: run/checkpoints/update-000000025.safetensors: is "),
            "{stderr}"
        );
        assert!(
            stderr.contains("damaged") && stderr.contains("resuming from update 20"),
            "{stderr}"
        );
        assert_eq!(folder.state("run"), folder.state("whole"));
        assert_eq!(folder.untimed_metrics("run"), folder.untimed_metrics("whole"));
        let aside = "damaged-update-000000025.safetensors".to_string();
        assert!(folder.names_in("run/checkpoints").contains(&aside), "nothing is lost");
    }
    // Without a whole checkpoint the run starts from its settings, but not if a model exists.
    start();
    [10, 20, 25].into_iter().for_each(|updates| damage(updates, &|bytes| bytes[300] ^= 1));
    let (code, _, stderr) = folder.run("resume run --quiet");
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stderr.contains("no whole checkpoint was found: the run starts again"), "{stderr}");
    assert_eq!(folder.state("run"), folder.state("whole"));
    fs::rename(folder.path("run/checkpoints"), folder.path("kept")).unwrap();
    let (code, _, stderr) = folder.run("resume run");
    assert_eq!(code, Some(1));
    assert!(stderr.contains("run: has a model but no checkpoint to resume from"), "{stderr}");
    fs::remove_dir_all(folder.path("run/checkpoints")).unwrap();
    fs::rename(folder.path("kept"), folder.path("run/checkpoints")).unwrap();
    // A damaged checkpoint cannot be used as a model either.
    damage(48, &|bytes| *bytes.last_mut().unwrap() ^= 1);
    let newest = folder.newest_checkpoint("run");
    let message = "is damaged: its checksum does not match its contents";
    folder.fail(&format!("inspect {newest}"), message);
}

/// The newest checkpoint is damaged, a broken link, or a folder.
#[cfg(unix)]
#[test]
fn if_the_newest_checkpoint_cannot_be_read_the_previous_one_is_used() {
    let folder = Folder::new();
    folder.succeed(&format!("{LINE} --out whole"));
    let [older, newest] = [20, 25].map(|n| format!("run/checkpoints/update-{n:09}.safetensors"));
    type Loss<'a> = (&'a dyn Fn(), &'a str);
    let path = folder.path(&newest);
    let losses: [Loss; 4] = [
        (
            &|| {
                let mut bytes = fs::read(&path).unwrap();
                *bytes.last_mut().unwrap() ^= 1;
                fs::write(&path, bytes).unwrap();
            },
            "is damaged: its checksum does not match its contents",
        ),
        (&|| fs::write(&path, "").unwrap(), "is damaged or incomplete: it has no checksum"),
        (
            &|| {
                fs::remove_file(&path).unwrap();
                std::os::unix::fs::symlink("nothing", &path).unwrap();
            },
            "cannot read: No such file",
        ),
        (
            &|| {
                fs::remove_file(&path).unwrap();
                fs::create_dir(&path).unwrap();
            },
            "cannot read: Is a directory",
        ),
    ];
    for (lose, message) in losses {
        let _ = fs::remove_dir_all(folder.path("run"));
        let flags = "--checkpoint-every 10updates --keep-checkpoints 3 --stop-after 25updates";
        folder.run(&format!("{LINE} --out run {flags}"));
        let expected = folder.fingerprint(&older);
        assert_ne!(expected, folder.fingerprint("run"));
        lose();
        let names = || {
            let entries = fs::read_dir(folder.path("run/checkpoints")).unwrap();
            let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
            names.sort();
            names
        };
        let before = names();
        for line in [
            "inspect run --json",
            "evaluate run --data greys.idx --schedule linear:10 --burn-in 1 --json",
            "sample run --out samples.npy --gibbs-steps 1 --overwrite",
            "transform run greys.idx --out features.npy --overwrite",
        ] {
            let (code, stdout, stderr) = folder.run(line);
            assert_eq!(code, Some(0), "{line}\n{stderr}");
            assert!(stderr.contains(&format!("note: {newest}: {message}")), "{line}\n{stderr}");
            let told = format!("note: the model is taken from {older}\n");
            assert!(stderr.contains(&told), "{line}\n{stderr}");
            if line.ends_with("--json") {
                let facts: serde_json::Value = serde_json::from_str(&stdout).unwrap();
                assert_eq!(facts["parameters_sha256"], expected, "{line}");
            }
        }
        folder.succeed("report run");
        assert_eq!(folder.summary("run")["state"], "stopped");
        assert_eq!(names(), before, "reading changes nothing");
        let (code, _, stderr) = folder.run("resume run --quiet");
        assert_eq!(code, Some(0), "{stderr}");
        assert!(stderr.contains(message) && stderr.contains("it is set aside"), "{stderr}");
        assert!(stderr.contains("resuming from update 20"), "{stderr}");
        let aside = folder.path("run/checkpoints/damaged-update-000000025.safetensors");
        fs::remove_file(&aside).or_else(|_| fs::remove_dir(&aside)).unwrap();
        assert_eq!(folder.state("run"), folder.state("whole"));
        assert_eq!(folder.fingerprint("run"), folder.fingerprint("whole"));
    }
}

/// A file-size limit acts as a full disk does: a write fails part of the way.
#[cfg(unix)]
#[test]
fn a_full_disk_is_a_clear_error_and_leaves_whole_files() {
    let folder = Folder::new();
    // There are enough chains to make a checkpoint, of about 130 kB, the largest file.
    let line = format!("{LINE} --chains 400 --no-report");
    folder.succeed(&format!("{line} --out whole"));
    let run_within = |kilobytes: usize, line: &str| {
        let program = env!("CARGO_BIN_EXE_harmonium");
        let script = format!("trap '' XFSZ; ulimit -f {kilobytes}; exec {program} {line}");
        let mut command = std::process::Command::new("bash");
        let output = command.args(["-c", &script]).current_dir(folder.path("")).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let mut stopped_by = Vec::new();
    for kilobytes in [1, 2, 20, 60, 90, 120] {
        let _ = fs::remove_dir_all(folder.path("run"));
        let line = format!("{line} --out run --checkpoint-every 1updates");
        let (code, stderr) = run_within(kilobytes, &line);
        if code == Some(0) {
            continue;
        }
        assert_eq!(code, Some(1), "{stderr}");
        assert!(
            stderr.starts_with("error: run/") && stderr.contains(": cannot write: "),
            "{stderr}"
        );
        stopped_by.push(stderr.split(':').nth(1).unwrap().trim().to_string());
        let files = folder.files("run");
        assert!(files.keys().all(|name| !name.ends_with(".tmp")), "{:?}", files.keys());
        if folder.path("run/config.toml").exists() {
            let (code, _, stderr) = folder.run("resume run --quiet");
            assert_eq!(code, Some(0), "{kilobytes}: {stderr}");
            assert_eq!(folder.state("run"), folder.state("whole"), "{kilobytes}");
            assert_eq!(folder.untimed_metrics("run"), folder.untimed_metrics("whole"));
        }
    }
    let met = |name: &str| stopped_by.iter().any(|path| path.contains(name));
    assert!(met("config.toml") && met("checkpoints/"), "{stopped_by:?}");

    // In the middle of a run that has checkpoints, the metrics exceed the limit first.
    fs::remove_dir_all(folder.path("run")).unwrap();
    let long = line.replace("--epochs 6", "--epochs 300");
    folder.run(&format!("{long} --out run --stop-after 20updates --checkpoint-every 7updates"));
    let (code, stderr) = run_within(150, "resume run --quiet --no-report");
    assert_eq!(code, Some(1), "{stderr}");
    let was_metrics = stderr.starts_with("error: run/metrics.jsonl: cannot write: ");
    assert!(was_metrics || stderr.starts_with("error: run/checkpoints/update-"), "{stderr}");
    let (code, _, stderr) = folder.run("resume run --quiet");
    assert_eq!(code, Some(0), "{stderr}");
    folder.succeed(&format!("{long} --out long"));
    assert_eq!(folder.state("run"), folder.state("long"));
    assert_eq!(folder.untimed_metrics("run"), folder.untimed_metrics("long"));
}

#[test]
fn a_folder_that_vanishes_is_a_clear_error() {
    let folder = Folder::new();
    let child = long_run(&folder, "--checkpoint-every 1updates");
    fs::rename(folder.path("run"), folder.path("moved")).unwrap();
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr.starts_with("error: run: was moved, removed or replaced while"), "{stderr}");
    assert_eq!(folder.run("resume moved --stop-after 1updates --quiet").0, Some(0));
}

/// The process that made a finished run longer is killed before its first checkpoint, so the plan is only
/// in the settings.
#[test]
fn a_plan_outlives_a_kill() {
    let folder = Folder::new();
    for run in ["run", "other"] {
        folder.succeed(&format!("{LINE} --out {run}"));
    }
    folder.run("resume other --epochs 8 --quiet --stop-after 1updates");
    folder.write("run/config.toml", &folder.read("other/config.toml"));
    assert_eq!(folder.summary("run")["state"], "stopped");
    for run in ["run", "other"] {
        folder.succeed(&format!("resume {run} --quiet"));
        assert_eq!(folder.metrics(run).len(), 8);
    }
    assert_eq!(folder.state("run"), folder.state("other"));
    // The model's provenance includes the plan.
    let plans = json!([{"update": 48, "epochs": 8}]);
    assert_eq!(folder.facts("run")["settings"]["replanned"], plans);
    // Another plan at the same update replaces it, and so does a number of epochs.
    folder.write("run/config.toml", &folder.read("other/config.toml"));
    folder.succeed("train --config run --epochs 3 --out short --quiet");
    assert_eq!(folder.metrics("short").len(), 3);
    folder.misuse(
        "train --config run --batch-size 1 --limit 2 --out new",
        "but must be for at least the epochs that are done by then",
    );
}

#[test]
fn a_run_that_was_stopped_early_can_be_made_longer_and_trained_again() {
    let folder = Folder::new();
    let data = "--validation 60 --learning-rate 2 --momentum 0.9 --schedule linear --averaging none \
                --chains 26 --early-stop pseudo_likelihood_test --patience 2";
    folder.run(&format!("{LINE} {data} --out run"));
    let n = folder.metrics("run").len();
    assert!(n < 6, "it was not stopped");
    folder.run("resume run --epochs 12 --quiet");
    let longer = folder.metrics("run").len();
    assert!(longer >= n + 2, "patience starts again: {n}, then {longer}");
    folder.run("train --config run --out again --quiet");
    assert_eq!(folder.state("again"), folder.state("run"));
    assert_eq!(folder.untimed_metrics("again"), folder.untimed_metrics("run"));
    // `keep` cannot change, as the parameters of the best epoch may be gone.
    let text = String::from_utf8(folder.read("run/config.toml")).unwrap();
    folder.write(
        "run/config.toml",
        text.replace("\"last\"", "\"best:pseudo_likelihood_test\"").as_bytes(),
    );
    folder.fail(
        "resume run",
        "keep is \"best:pseudo_likelihood_test\", but the run was trained with \"last\"",
    );
}
