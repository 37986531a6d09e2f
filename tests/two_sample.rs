//! `harmonium evaluate --samples`: samples against data by nearest neighbours.

#![cfg(feature = "cli")]

mod folder;

use folder::Folder;
use harmonium::evaluate::EvaluationReport;
use serde_json::Value;

/// Rows of 12 bits in two clusters.
fn rows(from: usize, n: usize) -> ndarray::Array2<u8> {
    ndarray::Array2::from_shape_fn((n, 12), |(row, i)| {
        let row = row + from;
        let noise = (row * 2_654_435_761 >> (i + 3)) & 7 == 0;
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
