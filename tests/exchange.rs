//! Samples by chains that swap states along a ladder, of temperatures or of models that training passed through.

#![cfg(feature = "cli")]

mod folder;

use folder::Folder;
use harmonium::{BitMatrix, Rbm};
use ndarray::{Array2, Array3};
use ndarray_npy::{ReadNpyExt as _, read_npy};
use serde_json::Value;

/// Examples of two patterns of 40 bits, of which 3 in 10 are the first; one bit in 20 is flipped.
fn two_patterns() -> Array2<u8> {
    let mut word = 12345_u64;
    let mut below = |n: u64| {
        word = word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (word >> 33) % n
    };
    let mut rows = Array2::zeros((400, 40));
    for mut row in rows.rows_mut() {
        let is_first = below(10) < 3;
        for (i, bit) in row.iter_mut().enumerate() {
            *bit = u8::from(((i < 20) == is_first) != (below(20) == 0));
        }
    }
    rows
}

const TRAIN: &str =
    "train --data two.npy --hidden 4 --epochs 100 --batch-size 50 --algorithm pt --quiet";

fn with_ladder() -> Folder {
    let folder = Folder::new();
    folder.write_npy("two.npy", two_patterns().view());
    folder.succeed(&format!("{TRAIN} --ladder 0.3 --out run"));
    folder
}

/// What a command writes as JSON.
fn json(folder: &Folder, line: &str) -> Value {
    serde_json::from_str(&folder.succeed_with_notes(line)).unwrap()
}

/// p(v₀ = 1), by the sum over all h.
fn exact_rate(rbm: &Rbm) -> f64 {
    let turned = rbm.transposed();
    let (mut on, mut all) = (0.0, 0.0);
    for h in 0..1_u64 << rbm.n_hidden() {
        let mass = (-turned.free_energy(&[h])).exp();
        all += mass;
        on += mass / (1.0 + (-turned.hidden_inputs(&[h])[0]).exp());
    }
    on / all
}

/// Chains by themselves stay in the pattern in which they began; those of a ladder find the shares of both.
#[test]
fn samples_along_a_ladder_have_the_shares_of_the_modes() {
    let folder = with_ladder();
    let rbm = Rbm::load(folder.path("run")).unwrap();
    let exact = exact_rate(&rbm);
    let rate = |method: &str| {
        let sample = |settings: &str| {
            let line = format!("sample run --method {method} {settings} --out {method}.npy");
            let (code, _, said) = folder.run(&format!("{line} --overwrite"));
            assert_eq!(code, Some(0), "{said}");
            let samples: Array2<u8> = read_npy(folder.path(&format!("{method}.npy"))).unwrap();
            (samples, said)
        };
        let short = "--number 70 --gibbs-steps 20";
        let one = sample(&format!("{short} --threads 1")).0;
        assert_eq!(sample(&format!("{short} --threads 3")).0, one);
        // Along temperatures there is a bottleneck, along the models of training hardly any.
        let n_sweeps = if method == "pt" { 8000 } else { 2000 };
        let (samples, said) = sample(&format!("--number 500 --gibbs-steps {n_sweeps}"));
        (samples.column(0).iter().map(|&bit| f64::from(bit)).sum::<f64>() / 500.0, said)
    };
    // 4.9 standard errors are exceeded with probability below 1e-6.
    let bound = 4.9 * (exact * (1.0 - exact) / 500.0).sqrt();
    for method in ["pt", "ptt"] {
        let (found, said) = rate(method);
        assert!((found - exact).abs() < bound, "{method}: {found}, not {exact}");
        assert!(said.contains("round trips a state\n"), "{said}");
    }
    let (found, said) = rate("gibbs");
    assert!((found - exact).abs() > bound, "chains alone find {found} of {exact}");
    assert_eq!(said, "");
}

/// ln Z, by the sum over all h.
fn exact_log_z(rbm: &Rbm) -> f64 {
    let turned = rbm.transposed();
    (0..1_u64 << rbm.n_hidden()).map(|h| (-turned.free_energy(&[h])).exp()).sum::<f64>().ln()
}

/// log Z along either ladder has the exact one in its interval, which is that of the stored parameters.
#[test]
fn log_z_along_a_ladder_is_exact_within_its_interval() {
    let folder = with_ladder();
    let exact = exact_log_z(&Rbm::load(folder.path("run")).unwrap());
    for (method, burn_in) in [("pt", 1500), ("ptt", 500)] {
        let line =
            format!("evaluate run --method {method} --n-chains 100 --burn-in {burn_in} --json");
        let found = json(&folder, &line);
        let ladder = &found["ladder"];
        let number = |key: &str| ladder[key].as_f64().unwrap();
        assert_eq!(found["verdict"], "believable", "{found}");
        assert_eq!((&found["method"], &found["estimate"]), (&method.into(), &"ladder".into()));
        let gap = number("log_z") - exact;
        // 4 standard errors are exceeded with probability 6e-5.
        assert!(gap.abs() < 4.0 * number("standard_error"), "{method}: {gap} {ladder}");
        let [low, high] = ["log_z_low", "log_z_high"].map(|key| found[key].as_f64().unwrap());
        assert!(low < exact && exact < high && high - low < 1.0, "{low} {exact} {high}");
        assert!(number("round_trips") > 1.0, "{ladder}");
    }
    // Too short a run says so.
    let line = "evaluate run --method pt --n-chains 10 --burn-in 4 --json";
    let short = json(&folder, line);
    assert_eq!(json(&folder, &format!("{line} --threads 1")), short);
    assert_eq!(short["verdict"], "doubtful", "{short}");
    let reason = short["reasons"][0].as_str().unwrap();
    assert!(reason.contains("round trips"), "{reason}");
    assert!(short["remedies"].to_string().contains("raise burn_in"), "{short}");
    let text = folder.succeed("evaluate run --method ptt --n-chains 50 --burn-in 100");
    assert!(text.contains("models of the training"), "{text}");
}

/// A ladder leads to the model of a checkpoint as well: later rungs are no part of it.
#[test]
fn rungs_beyond_the_model_are_left_out() {
    let folder = Folder::new();
    folder.write_npy("two.npy", two_patterns().view());
    folder.succeed(&format!("{TRAIN} --ladder 0.3 --keep-series --out run"));
    let n_rungs = |model: &str| {
        let found = json(
            &folder,
            &format!(
                "evaluate {model} --data two.npy --method ptt --n-chains 9 --burn-in 9 --json"
            ),
        );
        found["ladder"]["swap_rates"].as_array().unwrap().len()
    };
    let (first, all) = (n_rungs("run/checkpoints/update-000000064.safetensors"), n_rungs("run"));
    let last = folder.files("run/ladder").len();
    assert!(first < all && all == last, "{first} {all} {last}");
}

#[test]
fn the_ladder_is_the_same_after_a_stop() {
    let folder = with_ladder();
    let ladder = folder.files("run/ladder");
    assert!(ladder.len() >= 3 && ladder.contains_key("update-000000000.safetensors"), "{ladder:?}");
    let parts = format!("{TRAIN} --ladder 0.3 --out parts");
    // One session ends before the first rung after the base, one in the middle of an epoch.
    folder.succeed_with_notes(&format!("{parts} --stop-after 3updates --threads 1"));
    folder.succeed_with_notes("resume parts --stop-after 94updates --threads 3 --quiet");
    // A rung that the run has yet to reach again, as after a kill.
    folder.write("parts/ladder/update-000000799.safetensors", b"");
    folder.succeed_with_notes("resume parts --quiet");
    assert!(folder.files("parts/ladder") == ladder, "other rungs");
    assert_eq!(folder.fingerprint("parts"), folder.fingerprint("run"));
    // The ladder changes nothing else.
    folder.succeed(&format!("{TRAIN} --out plain"));
    assert_eq!(folder.fingerprint("plain"), folder.fingerprint("run"));
}

#[test]
fn records_of_chains_are_an_array_with_one_dimension_more() {
    let folder = Folder::with_run();
    folder.succeed("sample run --number 7 --gibbs-steps 20 --out last.npy");
    folder.succeed("sample run --number 7 --gibbs-steps 23 --every 5 --out all.npy");
    let last: Array2<u8> = read_npy(folder.path("last.npy")).unwrap();
    let all: Array3<u8> = read_npy(folder.path("all.npy")).unwrap();
    assert_eq!(all.dim(), (4, 7, 30));
    assert_eq!(all.index_axis(ndarray::Axis(0), 3), last);

    folder.succeed("sample run --number 7 --gibbs-steps 20 --every 10 --out all.npz");
    let archive = folder.read("all.npz");
    // Both arrays are stored as they are, the samples first, each after a header of the length that it gives.
    let starts: Vec<usize> =
        (0..archive.len()).filter(|&at| archive[at..].starts_with(b"\x93NUMPY")).collect();
    let array = |at: usize, n_bytes: usize| {
        let header = 10 + usize::from(u16::from_le_bytes([archive[at + 8], archive[at + 9]]));
        &archive[at..at + header + n_bytes]
    };
    let samples = Array3::<u8>::read_npy(array(starts[0], 2 * 7 * 30)).unwrap();
    let energies = Array2::<f64>::read_npy(array(starts[1], 2 * 7 * 8)).unwrap();
    assert_eq!((samples.dim(), energies.dim()), ((2, 7, 30), (2, 7)));
    let rbm = Rbm::load(folder.path("run")).unwrap();
    for ((record, n), found) in energies.indexed_iter() {
        let bits = BitMatrix::from_fn(1, 30, |_, i| samples[[record, n, i]] == 1);
        assert!((found - rbm.free_energy(bits.row(0))).abs() < 1e-9, "{found}");
    }
}

#[test]
fn chains_start_where_they_are_told() {
    let folder = Folder::with_run();
    let sample = |start: &str, out: &str| {
        folder.succeed(&format!("sample run --gibbs-steps 0 --start {start} --out {out}"));
        read_npy::<_, Array2<u8>>(folder.path(out)).unwrap()
    };
    let chains = sample("chains", "chains.npy");
    assert_eq!(chains.dim(), (128, 30));
    let checkpoint = folder.newest_checkpoint("run");
    assert_eq!(sample(&checkpoint, "checkpoint.npy"), chains);
    assert_eq!(sample("chains.npy", "file.npy"), chains);
}

#[test]
fn misuse_is_named() {
    let folder = Folder::with_run();
    let sample = "sample run --out a.npy";
    let starts = "random, data, chains, a checkpoint or a file";
    folder.refuse(&format!("{sample} --start nowhere"), 2, starts);
    folder.misuse(&format!("{sample} --every 0"), "every is 0, but must be at least 1");
    folder.misuse(&format!("{sample} --every 2000"), "at most the number of sweeps, 1000");
    folder.fail("sample run --out a.csv --every 10", "must end in .npy or .npz with --every");
    let rule = "start is data, but must be left out without --method gibbs";
    folder.misuse(&format!("{sample} --method pt --start data"), rule);
    folder.refuse(&format!("{sample} --method gibs"), 2, "did you mean");
    folder
        .fail(&format!("{sample} --method ptt"), "is no run with a ladder: train it with --ladder");
    let evaluate = "evaluate run --method";
    folder.refuse(&format!("{evaluate} ptt"), 1, "is no run with a ladder: train it with --ladder");
    let rule = "schedule is linear:9, but must be left out without --method ais";
    folder.misuse(&format!("{evaluate} pt --schedule linear:9"), rule);
    let train = "train --data greys.idx --hidden 16 --epochs 1 --quiet --out b --ladder";
    folder.misuse(&format!("{train} 1"), "ladder is 1, but must be");
    folder.misuse(&format!("{train} 0.25 --init run"), "left out with init");
    let rule = "evaluate is ptt, but must be auto, exact, ais or pt";
    folder.misuse(&format!("{train} 0.25 --evaluate-every 1 --evaluate ptt"), rule);
}
