//! A run's process is killed again and again, at random times and while it writes checkpoints. The run
//! ends in the bits of the undisturbed run, and every file is whole.
//!
//! The test makes 12 kills, or the number in the environment variable `HARMONIUM_KILLS`.

#![cfg(all(unix, feature = "cli", feature = "mnist"))]

mod folder;

use folder::Folder;
use harmonium::checkpoint::Checkpoint;
use harmonium::model::ModelFile;
use harmonium::rng::{Purpose, Stream};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// The longest time from the start of a process to its end.
const LONGEST: Duration = Duration::from_millis(500);

#[test]
fn no_kill_changes_a_bit_or_breaks_a_file() {
    let n_kills = std::env::var("HARMONIUM_KILLS").map_or(12, |n| n.parse().unwrap());
    let folder = Folder::new();
    let line = format!(
        "train --limit 3000 --hidden 200 --batch-size 100 --epochs {} --optimizer adam \
         --learning-rate 0.001 --averaging exponential:2 --centering --quiet",
        2 * n_kills + 4
    );
    folder.succeed(&format!("{line} --out whole"));

    let (mut n_in_writes, mut n_restarts) = (0, 0);
    for kill in 0..n_kills {
        let mut child = start(&folder, &format!("{line} --out run --checkpoint-every 3updates"));
        let word = Stream::new(1, Purpose::Sample, kill as u64).step()[0];
        let wait = LONGEST.mul_f64(f64::from(word) / f64::from(u32::MAX));
        let start = Instant::now();
        // Every second kill comes while a checkpoint is written, if one is.
        while start.elapsed() < wait || (kill % 2 == 1 && start.elapsed() < 10 * LONGEST) {
            if kill % 2 == 1 && start.elapsed() >= wait / 4 && is_writing(&folder) {
                break;
            }
            std::thread::sleep(Duration::from_micros(100));
        }
        assert_eq!(child.try_wait().unwrap(), None, "the run ended before kill {kill}");
        child.kill().unwrap();
        child.wait().unwrap();
        n_in_writes += usize::from(is_writing(&folder));
        n_restarts += usize::from(!has_checkpoint(&folder));
        check_files(&folder);
    }
    let mut child = start(&folder, &format!("{line} --out run"));
    assert!(child.wait().unwrap().success());
    check_files(&folder);
    eprintln!(
        "{n_kills} kills, {n_in_writes} of them within a write, {n_restarts} before the first"
    );
    assert!(3 * n_in_writes >= n_kills, "{n_in_writes} of {n_kills} kills within a write");
    assert_eq!(folder.state("run"), folder.state("whole"));
    assert_eq!(folder.untimed_metrics("run"), folder.untimed_metrics("whole"));
    for name in ["model.safetensors", "model-last.safetensors", "samples.png"] {
        let [whole, run] = ["whole", "run"].map(|run| folder.read(&format!("{run}/{name}")));
        assert!(whole == run, "{name}");
    }
    let snapshots = [folder.names_in("whole/snapshots"), folder.names_in("run/snapshots")];
    assert_eq!(snapshots[0], snapshots[1]);
}

/// Resumes the run, or begins it if it was killed before its settings were written.
fn start(folder: &Folder, line: &str) -> Child {
    let has_settings = folder.path("run/config.toml").exists();
    let line = if has_settings { "resume run --quiet" } else { line };
    folder.command(line).stdout(Stdio::null()).spawn().unwrap()
}

fn names(folder: &Folder, part: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder.path(part)).into_iter().flatten();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Whether a checkpoint is partly written, under a temporary name.
fn is_writing(folder: &Folder) -> bool {
    names(folder, "run/checkpoints").iter().any(|name| name.ends_with(".tmp"))
}

fn has_checkpoint(folder: &Folder) -> bool {
    names(folder, "run/checkpoints").iter().any(|name| name.starts_with("update-"))
}

/// Every file is whole; only the last line of the metrics may be incomplete.
fn check_files(folder: &Folder) {
    for name in names(folder, "run/checkpoints").iter().filter(|name| !name.starts_with('.')) {
        Checkpoint::read(&folder.path("run/checkpoints").join(name)).unwrap();
    }
    for name in names(folder, "run").iter().filter(|name| !name.starts_with('.')) {
        let path = folder.path("run").join(name);
        match name.rsplit_once('.').map(|(_, extension)| extension) {
            Some("safetensors") => drop(ModelFile::read(&path).unwrap()),
            Some("png") => assert!(folder.picture(&format!("run/{name}")).0 > 0),
            Some("html") => assert!(folder.read(&format!("run/{name}")).ends_with(b"</html>")),
            Some("svg") => assert!(folder.read(&format!("run/{name}")).ends_with(b"</svg>\n")),
            Some("toml") => assert!(!folder.succeed("runs run --json").is_empty()),
            Some("jsonl") => {
                let text = String::from_utf8(folder.read(&format!("run/{name}"))).unwrap();
                let whole = text.rfind('\n').map_or("", |end| &text[..end]);
                for line in whole.lines() {
                    serde_json::from_str::<serde_json::Value>(line).unwrap();
                }
            }
            _ => assert!(path.is_dir(), "{name}"),
        }
    }
}
