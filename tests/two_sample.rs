//! Samples against data by nearest neighbours, and `harmonium evaluate --samples`.

#![cfg(feature = "cli")]

mod folder;

use folder::Folder;
use harmonium::evaluate::EvaluationReport;
use harmonium::evaluate::two_sample::AdversarialAccuracy;
use harmonium::kernels::Isa;
use harmonium::rng::{Purpose, Stream};
use harmonium::threads;
use harmonium::units::Units;
use harmonium::{BitMatrix, Watch};
use serde_json::Value;
use std::cmp::Ordering;

/// Rows of 12 bits in two clusters.
fn rows(from: usize, n: usize) -> ndarray::Array2<u8> {
    ndarray::Array2::from_shape_fn((n, 12), |(row, i)| {
        let row = row + from;
        let noise = ((row * 2_654_435_761) >> (i + 3)) & 7 == 0;
        u8::from((row.is_multiple_of(2) == (i < 6)) != noise)
    })
}

#[test]
fn samples_are_scored_against_held_out_and_training_examples() {
    let folder = Folder::new();
    folder.write_npy("train.npy", rows(0, 400).view());
    folder.write_npy("test.npy", rows(400, 150).view());
    folder.succeed(
        "train --data train.npy --test-data test.npy --hidden 8 --epochs 100 --batch-size 50 --out run \
         --no-report --quiet",
    );
    let json = |line: &str| folder.succeed(&format!("evaluate run --json {line}"));
    let line = "--samples 300 --gibbs-steps 200";
    let text = json(&format!("{line} --threads 1"));
    assert_eq!(json(&format!("{line} --threads 2")), text);
    assert_eq!(String::from_utf8(folder.read("run/evaluation.json")).unwrap() + "\n", text);
    let report: EvaluationReport = serde_json::from_str(&text).unwrap();
    let scores = report.scores.unwrap().two_sample.unwrap();
    let training = scores.accuracy_training.unwrap();
    // As many rows of each set are compared.
    assert_eq!((scores.accuracy.n_rows, training.n_rows), (150, 150));
    assert_eq!(scores.privacy_loss, Some(scores.accuracy.mean - training.mean));
    // Samples of independent units, where the chains start, lie between the clusters.
    let starts: Value = serde_json::from_str(&json("--samples 300 --gibbs-steps 0")).unwrap();
    let of_starts = starts["two_sample"]["accuracy"]["mean"].as_f64().unwrap();
    assert!(of_starts > scores.accuracy.mean + 0.1, "{of_starts} {scores:?}");
    let said = folder.succeed(&format!("evaluate run {line}"));
    assert!(said.contains("\nsamples           0.") && said.contains(", privacy loss "), "{said}");
    // The training examples are compared once.
    let own: Value = serde_json::from_str(&json(&format!("{line} --split train"))).unwrap();
    assert!(own["two_sample"].get("privacy_loss").is_none(), "{own}");
    assert!(!json("").contains("two_sample"));
}

#[test]
fn numbers_and_examples_that_do_not_fit_are_refused() {
    let folder = Folder::with_run();
    let rule = "but must be at least 2 and at most 100000";
    folder.misuse("evaluate run --samples 1", &format!("samples is 1, {rule}"));
    folder.refuse("evaluate run --gibbs-steps 5", 2, "--samples <N>");
    let weights: String = (0..200).map(|n| format!("{}\n", 1 + n % 2)).collect();
    folder.write("w.txt", weights.as_bytes());
    folder.misuse(
        "evaluate run --data greys.idx --weights w.txt --samples 9",
        "samples is 9, but must be left out for examples with weights",
    );
}

/// The definition, with distances in sites.
fn accuracy(data: &[Vec<usize>], samples: &[Vec<usize>]) -> f64 {
    let distance = |a: &[usize], b: &[usize]| a.iter().zip(b).filter(|(a, b)| a != b).count();
    let share = |own: &[Vec<usize>], others: &[Vec<usize>]| {
        let of_row = |(at, row): (usize, &Vec<usize>)| {
            let rest = own.iter().enumerate().filter(|(other, _)| *other != at);
            let to_own = rest.map(|(_, other)| distance(row, other)).min().unwrap();
            let to_others = others.iter().map(|other| distance(row, other)).min().unwrap();
            match to_others.cmp(&to_own) {
                Ordering::Greater => 1.0,
                Ordering::Equal if to_own > 0 => 0.5,
                _ => 0.0,
            }
        };
        own.iter().enumerate().map(of_row).sum::<f64>() / own.len() as f64
    };
    (share(data, samples) + share(samples, data)) / 2.0
}

#[test]
fn the_accuracy_is_that_of_its_definition_for_sites_of_any_kind() {
    for sites in [&[1; 9][..], &[1; 130], &[3; 8], &[1, 4, 2, 70, 1, 3]] {
        let units = Units::of_sites(sites.iter().copied()).unwrap();
        let mut stream = Stream::new(3, Purpose::Sample, 0);
        let mut value = |n_units: usize| stream.below(n_units.max(2) as u32) as usize;
        let mut set = |n: usize| -> Vec<Vec<usize>> {
            (0..n).map(|_| sites.iter().map(|&n_units| value(n_units)).collect()).collect()
        };
        let (data, samples) = (set(100), set(100));
        let bits = |rows: &[Vec<usize>]| {
            let mut bits = BitMatrix::zeros(rows.len(), units.n_units());
            for (n, row) in rows.iter().enumerate() {
                for (site, &value) in units.sites().zip(row) {
                    match site.len() {
                        1 => bits.set(n, site.start, value == 1),
                        _ => bits.set(n, site.start + value, true),
                    }
                }
            }
            bits
        };
        let of = |threads| {
            let of = || {
                let (isa, watch) = (Isa::fastest(), Watch::default());
                AdversarialAccuracy::of(&units, &bits(&data), &bits(&samples), isa, watch)
            };
            threads::in_pool(Some(threads), of).unwrap()
        };
        let found = of(1);
        assert!((found.mean - accuracy(&data, &samples)).abs() < 1e-12, "{sites:?} {found:?}");
        assert_eq!(of(3), found, "{sites:?}");
    }
}
