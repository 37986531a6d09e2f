//! The program among others: signals, many processes, folders that move, and files that are in the way or
//! lead elsewhere.

#![cfg(all(unix, feature = "cli"))]

mod folder;

use folder::{Folder, SHORT, greys};
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A run that does not end by itself.
const LONG: &str = "train --data greys.idx --hidden 70 --epochs 1000000 --batch-size 26 --quiet";

fn wait_for(what: &str, mut is_there: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_there() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what} does not come");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn send(signal: &str, child: &Child) {
    let status = Command::new("kill").args([signal, &child.id().to_string()]).status();
    assert!(status.unwrap().success());
}

/// Starts a command that trains in `run`, and waits until it does.
fn start(folder: &Folder, mut command: Command) -> Child {
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for("the first record", || {
        fs::metadata(folder.path("run/metrics.jsonl")).is_ok_and(|file| file.len() > 0)
    });
    child
}

/// Waits for the end of a process: its exit code and what is left of stderr.
fn end(mut child: Child) -> (Option<i32>, String) {
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    (child.wait().unwrap().code(), stderr)
}

#[test]
fn a_hangup_stops_a_run_as_sigterm_does() {
    let folder = Folder::new();
    let child = start(&folder, folder.command(&format!("{LONG} --out run")));
    // The system and the shell may both say that the terminal is closed.
    send("-HUP", &child);
    send("-HUP", &child);
    let (code, stderr) = end(child);
    assert_eq!(code, Some(129), "{stderr}");
    assert!(stderr.contains("note: interrupted after update "), "{stderr}");
    assert_eq!(folder.summary("run")["state"], "stopped");
    assert!(folder.path("run/model.safetensors").exists());
}

#[test]
fn a_run_under_nohup_outlives_its_terminal() {
    let folder = Folder::new();
    let run = folder.command(&format!("{LONG} --out run"));
    let mut command = Command::new("nohup");
    command.arg(run.get_program()).args(run.get_args()).current_dir(folder.path(""));
    command.stdin(Stdio::null());
    let mut child = start(&folder, command);
    send("-HUP", &child);
    let n_before = folder.metrics("run").len();
    wait_for("an epoch after the signal", || folder.metrics("run").len() > n_before + 1);
    assert_eq!(child.try_wait().unwrap(), None);
    send("-TERM", &child);
    assert_eq!(end(child).0, Some(143));
}

#[test]
fn sigusr1_asks_for_a_checkpoint_and_training_goes_on() {
    let folder = Folder::new();
    let line = format!("{LONG} --checkpoint-every 24h --out run");
    let mut child = start(&folder, folder.command(&line));
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    for n in 1..=2 {
        assert_eq!(folder.files("run/checkpoints").len(), n - 1);
        send("-USR1", &child);
        let mut note = String::new();
        stderr.read_line(&mut note).unwrap();
        let update = note.strip_prefix("note: wrote a checkpoint after update ");
        let update: u64 = update.expect(&note).trim_end().parse().unwrap();
        // It was written before the note.
        let name = format!("update-{update:09}.safetensors");
        assert!(folder.path("run/checkpoints").join(&name).exists(), "{name}");
    }
    let n_before = folder.metrics("run").len();
    wait_for("an epoch after the signal", || folder.metrics("run").len() > n_before + 1);
    send("-INT", &child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

/// Eight processes begin a run in the same folder at the same time.
#[test]
fn only_one_of_many_processes_begins_a_run() {
    for _ in 0..5 {
        let folder = Folder::new();
        let spawn = |_| {
            let mut command =
                folder.command(&format!("train --data greys.idx {SHORT} --quiet --out run"));
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let children: Vec<Child> = (0..8).map(spawn).collect();
        let ends: Vec<_> = children.into_iter().map(end).collect();
        for (code, stderr) in &ends {
            let is_known = stderr.contains("run: another process works on this run")
                || stderr.contains("run: already holds a run (");
            assert!(
                (*code == Some(0) && stderr.is_empty()) || (*code == Some(1) && is_known),
                "{stderr}"
            );
        }
        assert_eq!(ends.iter().filter(|(code, _)| *code == Some(0)).count(), 1, "{ends:?}");
    }
}

#[test]
fn a_run_whose_folder_is_replaced_stops_and_leaves_the_other_alone() {
    let folder = Folder::new();
    folder.succeed(&format!("train --data greys.idx {SHORT} --quiet --out other"));
    let mut child =
        start(&folder, folder.command(&format!("{LONG} --checkpoint-every 1updates --out run")));
    fs::rename(folder.path("run"), folder.path("moved")).unwrap();
    fs::rename(folder.path("other"), folder.path("run")).unwrap();
    let before = folder.files("run");
    wait_for("the end of the run", || child.try_wait().unwrap().is_some());
    let (code, stderr) = end(child);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(
        stderr.contains("error: run: was moved, removed or replaced while this process worked"),
        "{stderr}"
    );
    assert!(stderr.contains("`harmonium resume` in its new place"), "{stderr}");
    let mut after = folder.files("run");
    after.retain(|name, contents| before.get(name) != Some(contents));
    assert!(after.is_empty(), "the other run has changed: {:?}", after.keys());
    folder.succeed_with_notes("resume moved --stop-after 3updates --quiet");
}

/// A file system may allow any bytes in names; that of macOS does not.
#[cfg(target_os = "linux")]
#[test]
fn every_command_works_in_a_folder_whose_name_is_not_utf_8() {
    let folder = Folder::with_run();
    let place = folder.path("").join(OsStr::from_bytes(b"\xff\xfe"));
    fs::create_dir(&place).unwrap();
    for name in ["greys.idx", "run/model.safetensors"] {
        fs::copy(folder.path(name), place.join(Path::new(name).file_name().unwrap())).unwrap();
    }
    let train = format!("train --data greys.idx {SHORT} --quiet");
    for line in [
        &format!("{train} --init model.safetensors --out a"),
        &format!("{train} --tensorboard --out runs/b"),
        "resume a --epochs 2",
        "runs",
        "runs runs --json",
        "runs runs --best pseudo_likelihood",
        "evaluate a",
        "evaluate a/model.safetensors --data greys.idx --json",
        "sample a --out a.png",
        "sample a --out a.npy --start data",
        "transform a --out b.npy",
        "report a",
        "report a runs/b --out two.html",
        "metrics a --out a.csv",
        "inspect a --filters b.png",
    ] {
        let output = folder.command(line).current_dir(&place).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{line}\n{stderr}");
    }
    // From another folder, and with outputs in it.
    let path = |name: &str| place.join(name).into_os_string();
    let run = |words: &[&OsStr], code: i32| {
        let output = folder.command("").args(words).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{words:?}\n{stderr}");
        assert!(!stderr.contains("panicked"), "{stderr}");
        output.stdout
    };
    let word = OsStr::new;
    let train: Vec<_> =
        "train --data greys.idx --hidden 5 --epochs 1 --quiet --out".split(' ').map(word).collect();
    let out = path("c");
    let printed = run(&[&train[..], &[&out]].concat(), 0);
    assert_eq!(printed, [out.as_bytes(), b"\n"].concat());
    run(&[word("resume"), &path("c"), word("--epochs"), word("2")], 0);
    run(&[word("runs"), &path("")], 0);
    run(&[word("evaluate"), &path("c")], 0);
    run(&[word("sample"), &path("c"), word("--out"), &path("c.npy")], 0);
    run(&[word("report"), &path("c"), &path("a"), word("--out"), &path("c.html")], 0);
    // Settings are text, so such a path cannot be one.
    run(&[&train[..], &[word("d"), word("--init"), &path("c")]].concat(), 2);
    run(&[&train[..], &[word("d"), word("--test-data"), &path("greys.idx")]].concat(), 2);
}

#[test]
fn the_command_in_the_settings_can_be_pasted_into_a_shell() {
    let folder = Folder::new();
    let name = "it's a $HOME of `data`; &c.npy";
    folder.write_npy(name, greys().mapv(|x| x / 128).view());
    let output = folder
        .command("train --hidden 5 --epochs 1 --quiet --out a --data")
        .arg(name)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let command = folder.summary("a")["command"].as_str().unwrap().to_string();
    fs::rename(folder.path("a"), folder.path("first")).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_harmonium")).parent().unwrap();
    let paths = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("sh");
    shell.args(["-c", &command]).env("PATH", paths).current_dir(folder.path(""));
    assert!(shell.output().unwrap().status.success(), "{command}");
    assert_eq!(folder.state("a"), folder.state("first"), "{command}");
}

#[test]
fn no_output_replaces_a_file_unless_it_is_asked_to() {
    let folder = Folder::with_run();
    let line = "transform run greys.idx";
    folder.succeed(&format!("{line} --limit 7"));
    let features: ndarray::Array2<f32> =
        ndarray_npy::read_npy(folder.path("features.npy")).unwrap();
    assert_eq!(features.dim(), (7, 16));
    folder.misuse(&format!("{line} --limit 0 --out new.npy"), "limit is 0, but must be at least 1");
    folder.write("mine.html", b"mine");
    for (line, out) in [
        ("sample run --gibbs-steps 1 --out mine.png", "mine.png"),
        ("sample run --gibbs-steps 1 --out mine.npy", "mine.npy"),
        ("transform run greys.idx --out mine.npy", "mine.npy"),
        ("metrics run --out mine.csv", "mine.csv"),
        ("report run run --out mine.html", "mine.html"),
        ("inspect run --filters mine.png", "mine.png"),
        ("evaluate run --log-probabilities mine.npy", "mine.npy"),
    ] {
        // A file that holds nothing, such as a new temporary file, has nothing to lose.
        folder.write(out, b"");
        folder.succeed(line);
        folder.write(out, b"mine");
        let rule =
            format!("{out}: exists already; give another path, or replace it with --overwrite");
        folder.fail(line, &rule);
        fs::hard_link(folder.path(out), folder.path("other name")).unwrap();
        let (code, _, stderr) = folder.run(&format!("{line} --overwrite"));
        assert_eq!(code, Some(0), "{line}\n{stderr}");
        assert!(
            stderr.contains(&format!("note: {out}: has several names (hard links)")),
            "{stderr}"
        );
        assert_ne!(folder.read(out), b"mine");
        assert_eq!(folder.read("other name"), b"mine");
        fs::remove_file(folder.path("other name")).unwrap();
        // Links and devices stay what they are.
        fs::remove_file(folder.path(out)).unwrap();
        symlink("real", folder.path(out)).unwrap();
        folder.succeed(line);
        assert!(folder.path(out).is_symlink() && !folder.read("real").is_empty());
        fs::remove_file(folder.path(out)).unwrap();
        fs::remove_file(folder.path("real")).unwrap();
    }
    let before = fs::metadata("/dev/null").unwrap().ino();
    folder.succeed("metrics run --out /dev/null");
    assert_eq!(fs::metadata("/dev/null").unwrap().ino(), before);
    assert!(folder.succeed("metrics run --out /dev/stdout").starts_with("epoch,"));
    // The report of a run in its own folder is renewed.
    folder.succeed("report run");
    folder.succeed("report run");
}

/// A folder in its place keeps the file from being written, also for root, whom modes do not stop.
#[test]
fn a_run_that_cannot_be_written_to_can_be_evaluated() {
    let folder = Folder::with_run();
    fs::create_dir(folder.path("run/evaluation.json")).unwrap();
    let before = folder.files("run");
    let (code, stdout, stderr) = folder.run("evaluate run --json");
    assert_eq!(code, Some(0), "{stderr}");
    assert!(serde_json::from_str::<serde_json::Value>(&stdout).unwrap()["log_z"].is_number());
    let message =
        "note: the result is not kept in the folder of the run: run/evaluation.json: cannot write";
    assert!(stderr.contains(message), "{stderr}");
    assert!(folder.files("run") == before);
}
