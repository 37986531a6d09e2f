//! Work that needs more memory than there is ends in a message, not in an abort. The limit of the tests is
//! one of the process (`ulimit -v`), so that they do not depend on the computer.

#![cfg(all(feature = "cli", target_os = "linux"))]

mod folder;

use folder::Folder;
use std::io::Write as _;
use std::process::{Command, Output};

/// Runs a command line that may use this much memory: (exit code, stderr).
fn run_within(megabytes: u64, folder: &Folder, line: &str) -> (Option<i32>, String) {
    let line = format!("{} {line} --threads 1", env!("CARGO_BIN_EXE_harmonium"));
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("ulimit -v {}; exec {line}", megabytes * 1_000_000 / 1024));
    // Each further arena of the allocator would take 64 MB of addresses.
    shell.env("MALLOC_ARENA_MAX", "1");
    let Output { status, stderr, .. } = shell.current_dir(folder.path("")).output().unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

#[test]
fn every_command_says_how_much_memory_it_needs_and_what_to_lower() {
    let folder = Folder::with_run();
    let train = "train --data greys.idx --out new --epochs 1 --batch-size 50 --quiet";
    folder.succeed(&format!("{train} --hidden 40000").replace("new", "wide"));
    let cases = [
        (
            600,
            format!("{train} --hidden 100000 --chains 32767"),
            "training 30 x 100000 units with 32767 chains needs",
            "; lower --chains or --hidden",
        ),
        (150, format!("{train} --hidden 100000 --chains 1"), "training", "; lower --hidden"),
        (
            600,
            format!("{train} --algorithm pt --temperatures 1000 --chains 2000 --hidden 16"),
            "training 30 x 16 units with 2000 chains needs",
            "; lower --temperatures or --chains",
        ),
        (
            250,
            "resume wide --epochs 2".into(),
            "training 30 x 40000 units with 128 chains",
            "; lower `harmonium train --hidden`",
        ),
        (
            600,
            "evaluate run --data greys.idx --method ais --n-chains 1000000".into(),
            "an evaluation of a model of 30 x 16 units",
            "; lower --n-chains",
        ),
        (
            600,
            "sample wide --number 9000 --out s.npy".into(),
            "work on 9000 chains of 30 x 40000 units",
            "; lower --number",
        ),
        (90, "transform wide --out f.npy".into(), "200 rows of 40000 features needs 96.0 MB", ""),
        (
            600,
            "bench --data greys.idx --hidden 100000 --batch-size 20000".into(),
            "training 30 x 100000 units with 20000 chains",
            "; lower --batch-size or --hidden",
        ),
    ];
    for (megabytes, line, what, lower) in cases {
        let before = folder.files("");
        let (code, stderr) = run_within(megabytes, &folder, &line);
        assert_eq!(code, Some(1), "{line}\n{stderr}");
        let rule =
            format!(" of memory, but this process may use {megabytes}.0 MB (ulimit -v){lower}\n");
        assert!(stderr.contains(what) && stderr.ends_with(&rule), "{line}\n{stderr}");
        assert!(folder.files("") == before, "{line}: files are now {:?}", folder.names_in(""));
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

#[test]
fn a_small_file_that_unpacks_to_more_than_memory_is_refused() {
    let folder = Folder::new();
    let large = vec![0; 400 << 20];
    // The true header of an IDX file, and one that says less than there is.
    for (name, n) in [("true", 400 << 10), ("false", 1_u32)] {
        let header = [&[0, 0, 8, 2][..], &n.to_be_bytes(), &1024_u32.to_be_bytes()].concat();
        folder.write(name, &gzip(&[&header[..], &large].concat()));
        let line = format!("train --data {name} --out new");
        let (code, stderr) = run_within(300, &folder, &line);
        assert_eq!(code, Some(1), "{line}\n{stderr}");
        assert!(stderr.contains(&format!("unpacking {name} needs ")), "{line}\n{stderr}");
    }
    let (code, stderr) = run_within(300, &folder, "train --data /dev/zero --out new");
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("reading /dev/zero needs "), "{stderr}");
    // A header that the bytes cannot hold is damage, not a lack of memory.
    let header = [&[0, 0, 8, 2][..], &[0xFF; 8]].concat();
    folder.write("cut", &gzip(&header));
    folder.refuse("train --data cut --out new", 1, "bytes of data, for the shape");
}

/// What is close to the limit may pass the sum, but not the system: it grants no more than what is left
/// after the program, its libraries and its data.
#[test]
fn memory_that_is_nearly_enough_is_refused_too() {
    let folder = Folder::new();
    let line = "train --data greys.idx --out new --epochs 1 --hidden 50000 --quiet";
    let within = |megabytes| {
        let (code, stderr) = run_within(megabytes, &folder, line);
        assert!(matches!(code, Some(0 | 1)), "within {megabytes} MB: {code:?} {stderr}");
        std::fs::remove_dir_all(folder.path("new")).ok();
        code == Some(0)
    };
    let are_enough: Vec<_> = (280..640).step_by(40).map(within).collect();
    let are_both = are_enough.contains(&false) && are_enough.contains(&true);
    assert!(are_enough.is_sorted() && are_both, "{are_enough:?}");
}
