//! The meaning of integers is the same wherever a run or its model reads them.

#![cfg(feature = "cli")]

mod folder;

use folder::{Folder, SHORT, greys};
use harmonium::dataset::{Dataset, Encoding};
use ndarray::Array2;
use ndarray_npy::read_npy;
use serde_json::json;

const WAYS_OUT: &str = "but must be 0 or 1, or a grey level from 0 to 255 with the largest above 127; turn \
                        others into bits by a threshold, such as x > 0 in NumPy, or if these are grey \
                        levels up to N, declare them by";

/// Repeatable integers (500, 20) from 0 to `most`.
fn integers(most: usize) -> Array2<u8> {
    Array2::from_shape_fn((500, 20), |(n, i)| {
        let word = ((n * 20 + i + 1) as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        ((word ^ word >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 40) as u8 % (most as u8 + 1)
    })
}

fn rows() -> Array2<u8> {
    greys().into_shape_with_order((200, 30)).unwrap()
}

fn train(folder: &Folder, data: &str, out: &str) {
    folder.succeed(&format!("train --data {data} {SHORT} --out {out} --quiet"));
}

#[test]
fn bits_with_a_stray_2_are_grey_levels_only_if_declared() {
    let folder = Folder::new();
    let mut stray = integers(1);
    stray[[41, 7]] = 2;
    folder.write_npy("stray.npy", stray.view());
    let message = format!("stray.npy: example 41, unit 7 is 2, {WAYS_OUT}");
    folder.fail(&format!("train --data stray.npy {SHORT} --out new"), &message);
    train(&folder, "stray.npy --grey-levels 2", "levels");
    folder.write_npy("halves.npy", stray.mapv(|x| f32::from(x) / 2.0).view());
    train(&folder, "halves.npy", "halves");
    assert_eq!(folder.fingerprint("levels"), folder.fingerprint("halves"));
    assert_eq!(folder.facts("levels")["data"]["grey_levels"], 2);
    assert_eq!(folder.facts("halves")["data"]["grey_levels"], json!(null));
    // With a 1 instead of the 2 they are bits, also under a declared scale.
    folder.write_npy("bits.npy", integers(1).view());
    train(&folder, "bits.npy", "bits");
    train(&folder, "bits.npy --grey-levels 2", "as-levels");
    assert_eq!(folder.fingerprint("bits"), folder.fingerprint("as-levels"));
}

#[test]
fn genotypes_are_refused_by_every_command() {
    let folder = Folder::new();
    folder.write_npy("bits.npy", integers(1).view());
    train(&folder, "bits.npy", "run");
    let genotypes = integers(2).mapv(i64::from);
    let Some(((n, i), _)) = genotypes.indexed_iter().find(|(_, x)| **x == 2) else {
        panic!("no 2")
    };
    folder.write_npy("genotypes.npy", genotypes.view());
    let message = format!("genotypes.npy: example {n}, unit {i} is 2, {WAYS_OUT}");
    // The remedy is a flag of the command, or of `harmonium train` if it has none.
    for (line, flag) in [
        (&format!("train --data genotypes.npy {SHORT} --out new")[..], "--grey-levels N"),
        (&format!("train --data bits.npy --test-data genotypes.npy {SHORT}"), "--grey-levels N"),
        ("evaluate run --data genotypes.npy", "`harmonium train --grey-levels N`"),
        ("evaluate run --data bits.npy --base-data genotypes.npy", "`harmonium train --grey"),
        ("transform run genotypes.npy --out new.npy", "`harmonium train --grey-levels N`"),
        ("sample run --start data --data genotypes.npy --out new.npy", "`harmonium train --grey"),
    ] {
        folder.fail(line, &format!("{message} {flag}"));
    }
    train(&folder, "genotypes.npy --grey-levels 2", "levels");
}

#[test]
fn inferred_grey_levels_are_noted_once_and_recorded() {
    let folder = Folder::with_run();
    folder.write_npy("rows.npy", rows().view());
    let (code, _, stderr) = folder.run(&format!("train --data rows.npy {SHORT} --out a --quiet"));
    let note = "rows.npy: integers are taken as grey levels of 255, because the largest is above 127; \
                the setting grey_levels overrides this";
    assert_eq!((code, stderr), (Some(0), format!("note: {note}\n")));
    assert_eq!(folder.fingerprint("a"), folder.fingerprint("run"));
    for run in ["a", "run"] {
        // The bytes of an IDX file are always grey levels.
        let config = String::from_utf8(folder.read(&format!("{run}/config.toml"))).unwrap();
        assert!(config.contains("\ngrey_levels = 255\n"), "{config}");
        assert_eq!(folder.facts(run)["data"]["grey_levels"], 255);
        assert_eq!(folder.facts(run)["data"]["spins"], false);
    }
    // A recorded scale counts as declared: no further note, and the same bits.
    folder.succeed("train --config a --out again --quiet");
    assert_eq!(folder.read("again/model.safetensors"), folder.read("a/model.safetensors"));
    folder.succeed("train --config a --out parts --epochs 2 --stop-after 1epochs");
    folder.succeed("resume parts --quiet");
    folder.succeed("train --config a --out whole --epochs 2 --quiet");
    assert_eq!(folder.read("parts/model.safetensors"), folder.read("whole/model.safetensors"));
    // The recorded scale does not apply to another file.
    folder.write_npy("dark.npy", rows().mapv(|x| x / 4).view());
    folder.fail("train --config a --data dark.npy --out new", WAYS_OUT);
    // Test data are read as the training data, whatever their own largest value.
    folder.succeed(&format!("train --data rows.npy --test-data dark.npy {SHORT} --out with-test"));
}

#[test]
fn a_settings_file_without_a_scale_trains_the_same() {
    let folder = Folder::with_run();
    let config = String::from_utf8(folder.read("run/config.toml")).unwrap();
    let is_new = |line: &str| line.starts_with("grey_levels") || line.starts_with("spins");
    let old: Vec<_> = config.lines().filter(|line| !is_new(line)).collect();
    assert_eq!(old.len() + 2, config.lines().count(), "{config}");
    folder.write("old.toml", old.join("\n").as_bytes());
    folder.succeed("train --config old.toml --out again --quiet");
    assert_eq!(folder.read("again/model.safetensors"), folder.read("run/model.safetensors"));
}

#[test]
fn the_scale_of_a_model_decides_and_not_the_largest_of_a_chunk() {
    let folder = Folder::new();
    let few = rows().mapv(|x| x / 85);
    assert_eq!(few.iter().max(), Some(&3));
    folder.write_npy("few.npy", few.mapv(i32::from).view());
    train(&folder, "greys.idx", "of-255");
    train(&folder, "few.npy --grey-levels 3", "of-3");
    for (run, n) in [("of-255", 255.0), ("of-3", 3.0)] {
        folder.write_npy("reals.npy", few.mapv(|x| f32::from(x) / n).view());
        for rest in ["--binarize none", "--binarize threshold:0.005", "--binarize threshold:0.4"] {
            let features = |data: &str| {
                folder.succeed(&format!("transform {run} {data} --out f.npy --overwrite {rest}"));
                folder.read("f.npy")
            };
            assert_eq!(features("few.npy"), features("reals.npy"), "{run} {rest}");
        }
    }
    let message = "rows.npy: example 0, unit 1 is 51, but must be a grey level from 0 to 3, as \
                   declared by grey_levels";
    let mut rows = rows();
    rows[[0, 0]] = 0;
    rows[[0, 1]] = 51;
    folder.write_npy("rows.npy", rows.view());
    folder.fail("transform of-3 rows.npy --out new.npy", message);
}

#[test]
fn declared_spins_are_bits_and_samples_are_spins() {
    let folder = Folder::new();
    let bits = integers(1);
    let spins = bits.mapv(|x| 2 * x as i8 - 1);
    folder.write_npy("bits.npy", bits.view());
    folder.write_npy("spins.npy", spins.view());
    folder.write_npy("floats.npy", spins.mapv(f64::from).view());
    let refused = "is -1, but must be 0 or 1; if these are spins, declare them by";
    train(&folder, "bits.npy", "of-bits");
    for data in ["spins.npy", "floats.npy"] {
        folder
            .fail(&format!("train --data {data} {SHORT} --out new"), &format!("{refused} --spins"));
        let out = format!("of-{data}");
        train(&folder, &format!("{data} --spins"), &out);
        assert_eq!(folder.fingerprint(&out), folder.fingerprint("of-bits"), "{data}");
        assert_eq!(folder.facts(&out)["data"]["spins"], true);
        folder.succeed(&format!("train --config {out} --out again-{data} --quiet"));
    }
    let run = "of-spins.npy";
    let sample = |run: &str| {
        folder
            .succeed(&format!("sample {run} --number 40 --gibbs-steps 9 --out s.npy --overwrite"));
        folder.path("s.npy")
    };
    let of_bits: Array2<u8> = read_npy(sample("of-bits")).unwrap();
    let of_spins: Array2<i8> = read_npy(sample(run)).unwrap();
    assert_eq!(of_spins, of_bits.mapv(|x| 2 * x as i8 - 1));
    // The model reads its own samples, and bits as well.
    let score = |run: &str, data: &str| {
        let line = format!("evaluate {run} --data {data} --method ais --start {data} --json");
        let line = format!("{line} --burn-in 20 --schedule linear:50");
        folder.succeed(&line).replace(data, "data")
    };
    let file_free = |text: String| {
        let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
        // These depend on the file's name and on its run.
        for key in ["file_sha256", "data_role", "data_warning", "training_gap"] {
            value.as_object_mut().unwrap().remove(key);
        }
        value
    };
    let expected = file_free(score("of-bits", "bits.npy"));
    for data in ["spins.npy", "floats.npy", "bits.npy"] {
        assert_eq!(file_free(score(run, data)), expected, "{data}");
    }
    folder.fail("evaluate of-bits --data spins.npy", refused);
    let mut other = spins.clone();
    other[[3, 4]] = 0;
    folder.write_npy("other.npy", other.view());
    let message =
        "other.npy: example 3, unit 4 is 0, but must be -1 or 1, as declared by spins, unless";
    folder.fail(&format!("train --data other.npy --spins {SHORT} --out new"), message);
    folder.fail(&format!("evaluate {run} --data other.npy"), message);
    // Completed spins keep their given values.
    folder.write_npy("mask.npy", Array2::from_shape_fn((1, 20), |(_, i)| (i % 2) as u8).view());
    let line = format!(
        "sample {run} --data spins.npy --clamp mask.npy --number 30 --out s.npy --overwrite"
    );
    folder.succeed(&line);
    let completed: Array2<i8> = read_npy(folder.path("s.npy")).unwrap();
    for ((n, i), &spin) in completed.indexed_iter() {
        assert!(spin.abs() == 1 && (i % 2 == 0 || spin == spins[[n, i]]));
    }
}

#[test]
fn declarations_are_checked() {
    let folder = Folder::new();
    let train = format!("train --data greys.idx {SHORT} --out new");
    let rule = "but must be at least 1 and at most 65535";
    folder.misuse(&format!("{train} --grey-levels 0"), &format!("grey_levels is 0, {rule}"));
    folder
        .misuse(&format!("{train} --grey-levels 65536"), &format!("grey_levels is 65536, {rule}"));
    let both = "spins is true, but must be left out with grey_levels";
    folder.misuse(&format!("{train} --grey-levels 255 --spins"), both);
    let levels = "greys.idx: example 0, unit 5 is 119, but must be a grey level from 0 to 100";
    folder.fail(&format!("{train} --grey-levels 100"), levels);
    folder.succeed(&format!("train --data greys.idx {SHORT} --out run --quiet"));
    let fixed = "grey_levels is 7, but must be 255, as in this run; start a new run with";
    folder.misuse("resume run --grey-levels 7", fixed);
}

#[test]
fn the_library_reads_as_the_command_line_does() {
    let folder = Folder::new();
    folder.write_npy("genotypes.npy", integers(2).view());
    let path = folder.path("genotypes.npy");
    assert!(Dataset::read(&path).is_err());
    let levels = Dataset::read_as(&path, Encoding::GreyLevels(2)).unwrap();
    assert_eq!((levels.encoding().grey_levels(), levels.inferred()), (Some(2), None));
    let genotypes = integers(2);
    assert!((0..500).all(|n| levels.intensity(n, 3) == f64::from(genotypes[[n, 3]]) / 2.0));
    folder.write_npy("rows.npy", rows().view());
    let found = Dataset::read(folder.path("rows.npy")).unwrap();
    assert_eq!(found.encoding(), Encoding::GreyLevels(255));
    assert!(found.inferred().is_some());
}
