//! What is written has the format of its ending, at every door, and `-` is standard input or output.

#![cfg(feature = "cli")]

mod folder;

use folder::{Folder, SHORT};
use harmonium::Dataset;
use ndarray::{Array1, Array2};
use ndarray_npy::read_npy;
use std::fs::{self, File};
use std::process::Output;

/// The last line of a table, as text.
fn last_line(folder: &Folder, name: &str) -> String {
    String::from_utf8(folder.read(name)).unwrap().lines().last().unwrap().to_string()
}

/// Runs a command line with a file as its standard input: exit code, stdout, stderr.
fn run_on(folder: &Folder, input: &str, line: &str) -> (Option<i32>, Vec<u8>, String) {
    let mut command = folder.command(line);
    command.stdin(File::open(folder.path(input)).unwrap());
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.code(), stdout, String::from_utf8(stderr).unwrap())
}

#[test]
fn the_ending_of_a_result_is_its_format() {
    let folder = Folder::with_run();
    for ending in ["npy", "npz", "csv", "tsv", "CSV"] {
        let transform = format!("transform run greys.idx --out f.{ending}");
        assert_eq!(folder.succeed(&transform), format!("f.{ending}\n"));
    }
    let features: Array2<f32> = read_npy(folder.path("f.npy")).unwrap();
    for ending in ["npz", "csv", "tsv", "CSV"] {
        let read = Dataset::read(folder.path(&format!("f.{ending}"))).unwrap();
        assert_eq!((read.n_examples(), read.n_visible()), features.dim(), "{ending}");
        for ((n, j), &p) in features.indexed_iter() {
            assert_eq!(
                read.intensity(n, j),
                f64::from(p),
                "{ending}: every bit of a number is kept"
            );
        }
    }
    assert_eq!(last_line(&folder, "f.csv").replace(',', "\t"), last_line(&folder, "f.tsv"));

    folder.succeed("evaluate run --data greys.idx --log-probabilities p.npy");
    folder.succeed("evaluate run --data greys.idx --log-probabilities p.csv");
    let log_p: Array1<f64> = read_npy(folder.path("p.npy")).unwrap();
    let text = String::from_utf8(folder.read("p.csv")).unwrap();
    assert!(text.starts_with("example,log_p\n0,-"), "{text}");
    let of_line = |line: &str| line.split_once(',').unwrap().1.parse().unwrap();
    let read: Vec<f64> = text.lines().skip(1).map(of_line).collect();
    assert_eq!(read, log_p.to_vec());
    assert!(folder.read("f.csv").starts_with(b"h0,h1,"));

    let table = folder.succeed("metrics run");
    folder.succeed("metrics run --out m.tsv");
    folder.succeed("metrics run --out m.csv");
    assert_eq!(folder.succeed("metrics run --out -"), table);
    assert_eq!(folder.read("m.csv"), table.as_bytes());
    assert_eq!(folder.read("m.tsv"), table.replace(',', "\t").as_bytes());
}

#[test]
fn another_ending_is_refused_before_any_work() {
    let folder = Folder::new();
    let arrays = "must end in .npy, .npz, .csv or .tsv, or be - for standard output";
    let pictures = "must end in .npy, .npz, .csv, .tsv, .png, .fasta or .fasta.gz, or be - for standard output";
    let tables = "must end in .csv or .tsv, or be - for standard output";
    // There is no run: the command line alone is wrong.
    for (line, rule) in [
        ("transform run --out f.parquet", arrays),
        ("transform run --out f.png", arrays),
        ("transform run --out f", arrays),
        ("transform run --out csv", arrays),
        ("evaluate run --log-probabilities p.h5", arrays),
        ("evaluate run --log-probabilities p.png", arrays),
        ("sample run --out s.parquet", pictures),
        ("metrics run --out m.npy", tables),
        ("metrics run --out m.jsonl", tables),
        ("inspect run --filters f.npy", "must end in .png"),
        ("inspect run --filters -", "must end in .png"),
    ] {
        folder.refuse(line, 2, rule);
    }
}

#[test]
fn samples_are_data_in_every_format_that_they_are_written_in() {
    let folder = Folder::with_run();
    let sample = "sample run --number 60 --gibbs-steps 5 --out";
    let train = |data: &str| {
        folder.succeed(&format!("train --data {data} {SHORT} --out of-{data} --quiet"));
        folder.fingerprint(&format!("of-{data}"))
    };
    let [expected, others @ ..] = ["s.npy", "s.npz", "s.csv", "s.tsv"].map(|name| {
        folder.succeed(&format!("{sample} {name}"));
        train(name)
    });
    for other in others {
        assert_eq!(other, expected);
    }
    folder.succeed("evaluate run --data greys.idx --method ais --start s.csv --burn-in 0");
    assert!(folder.facts("of-s.csv")["image_shape"].is_null());
}

#[test]
fn a_dash_is_standard_output() {
    let folder = Folder::with_run();
    for line in [
        "sample run --number 9 --gibbs-steps 5 --out",
        "transform run greys.idx --out",
        "evaluate run --data greys.idx --log-probabilities",
    ] {
        let written = folder.succeed(&format!("{line} a.npy --overwrite"));
        // The results of an evaluation go to standard error; there is no path to print.
        let said = if line.starts_with("evaluate") { written } else { String::new() };
        for name in ["-", "/dev/stdout"] {
            let Output { status, stdout, stderr } =
                folder.command(&format!("{line} {name}")).output().unwrap();
            assert!(status.success() && stdout == folder.read("a.npy"), "{line} {name}");
            assert_eq!(String::from_utf8(stderr).unwrap(), said, "{line} {name}");
        }
        assert!(!folder.path("-").exists());
    }
}

#[test]
fn a_dash_is_standard_input_which_a_run_cannot_read_again() {
    let folder = Folder::with_run();
    let settings = SHORT.replace("--epochs 1", "--epochs 2 --quiet");
    let train = format!("train {settings} --stop-after 1epochs --data - --out piped");
    let (code, _, stderr) = run_on(&folder, "greys.idx", &train);
    assert_eq!(code, Some(0), "{stderr}");
    let config = String::from_utf8(folder.read("piped/config.toml")).unwrap();
    assert!(config.contains("data = \"-\"\n") && config.contains("\nsha256 = \""), "{config}");

    let gone = "standard input: held the data when the run began, and cannot be read again; give the path \
                of that file with --data";
    folder.fail("resume piped", gone);
    folder.fail("resume piped --data -", gone);
    folder.refuse("evaluate piped", 1, gone);
    folder.fail("train --config piped --out new", gone);
    // The file is known by its contents.
    folder.succeed("resume piped --data greys.idx --quiet");
    folder.succeed(&format!("train {settings} --data greys.idx --out whole"));
    assert_eq!(folder.fingerprint("piped"), folder.fingerprint("whole"));

    // Other commands read it, too.
    let (code, stdout, _) = run_on(&folder, "greys.idx", "transform run - --out -");
    folder.succeed("transform run greys.idx --out f.npy");
    assert!(code == Some(0) && stdout == folder.read("f.npy"));
    fs::write(folder.path("nothing"), "").unwrap();
    let (code, _, stderr) = run_on(&folder, "nothing", "evaluate run --data -");
    assert!(
        code == Some(1) && stderr.contains("standard input: ") && stderr.contains("an empty file")
    );
}

#[test]
fn ratings_come_from_standard_input() {
    let folder = Folder::new();
    folder.write("log.csv", b"user,item,rating\nann,Up,4\nann,Up,5\nbob,Heat,2\n");
    let (code, _, said) = run_on(&folder, "log.csv", "pivot - --out wide.csv");
    assert!(
        code == Some(1) && said.contains("stdin: line 2 and line 3 both have a value"),
        "{said}"
    );
    let (code, _, said) = run_on(&folder, "log.csv", "pivot - --keep-last --out wide.csv");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("1 value is left out, as a later one"), "{said}");
    assert_eq!(folder.read("wide.csv"), b"user,Heat,Up\nann,,5\nbob,2,\n");
}
