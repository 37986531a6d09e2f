//! The command line as a user sees it: the real program, real files, exit codes and messages.

#![cfg(feature = "cli")]

mod folder;

use folder::{Folder, SHORT, greys, idx};
use harmonium::Rbm;
use harmonium::model::ModelFile;
use harmonium::state::State;
use ndarray::{Array1, Array2};
use ndarray_npy::read_npy;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use std::fs;
use std::io::{PipeWriter, Write as _};

/// Intensities (60, 30); the first is `first`.
fn reals(first: f32) -> Array2<f32> {
    let mut reals = Array2::from_shape_fn((60, 30), |(n, i)| ((n + 3 * i) % 5) as f32 / 4.0);
    reals[[0, 0]] = first;
    reals
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

/// The writing end of a pipe whose reading end is closed.
fn closed_pipe() -> PipeWriter {
    std::io::pipe().unwrap().1
}

#[cfg(feature = "mnist")]
#[test]
fn a_run_on_mnist_leaves_model_metrics_and_pictures_and_nothing_else() {
    let folder = Folder::new();
    let line = "train --data mnist --limit 500 --epochs 2 --hidden 16 --batch-size 128 --out a/run --quiet";
    assert_eq!(folder.succeed(line), "a/run\n");
    let names = ".lock checkpoints config.toml curves.svg filters.png metrics.jsonl model-last.safetensors \
                 model.safetensors reconstructions.png report.html samples.png snapshots";
    assert_eq!(folder.names_in("a/run"), names.split(' ').collect::<Vec<_>>());
    assert_eq!(folder.names_in("a/run/checkpoints"), ["update-000000008.safetensors"]);
    let snapshots = [0, 1, 2].map(|epoch| format!("epoch-{epoch:06}.safetensors"));
    assert_eq!(folder.names_in("a/run/snapshots"), snapshots);
    // Filters are 5 x 4, the 128 chains 14 x 10, each 28 + 1 pixels apart, enlarged 5 and 2 times.
    assert_eq!(folder.picture("a/run/filters.png"), ((5 * 29 + 1) * 5, (4 * 29 + 1) * 5));
    assert_eq!(folder.picture("a/run/samples.png"), ((14 * 29 + 1) * 2, (10 * 29 + 1) * 2));

    let keys = "epoch updates seconds samples_per_second reconstruction_error pseudo_likelihood \
                pseudo_likelihood_test pseudo_likelihood_test_error reconstruction_error_test \
                pseudo_likelihood_independent chain_moment_gap log_likelihood_independent \
                free_energy_train free_energy_test free_energy_gap free_energy_gap_error free_energy_gap_independent mean_hidden_activity dead_hidden \
                saturated_hidden weight_norm update_norm flip_rate flip_rate_independent \
                log_likelihood log_z log_z_low log_z_high verdict";
    let mut keys: Vec<_> = keys.split(' ').collect();
    keys.sort();
    let mut records = folder.metrics("a/run");
    // The check of mixing is made at the end of so short a run.
    let is_checked = |record: &Map<String, Value>| record.contains_key("mixing");
    assert_eq!(records.iter().map(is_checked).collect::<Vec<_>>(), [false, true]);
    let mixing = records[1].remove("mixing").unwrap();
    assert!(mixing["warnings"].is_array() && mixing["n_examples"] == 500, "{mixing}");
    for record in &records {
        let mut found: Vec<_> = record.keys().collect();
        found.sort();
        assert_eq!(found, keys);
        // The settings ask for no log-likelihood.
        let is_silent = |key: &str| key.starts_with("log_") || key == "verdict";
        let is_right = |(key, value): (&String, &Value)| match is_silent(key) {
            true => value.is_null(),
            false => value.is_number(),
        };
        assert!(record.iter().all(is_right), "{record:?}");
    }
    let updates: Vec<_> = records.iter().map(|r| [&r["epoch"], &r["updates"]]).collect();
    assert_eq!(json!(updates), json!([[1, 4], [2, 8]]));
}

#[cfg(feature = "mnist")]
#[test]
fn equal_settings_give_equal_files_on_any_number_of_threads() {
    let folder = Folder::new();
    for (out, settings) in [("a", "7 --threads 1"), ("b", "7 --threads 3"), ("c", "8")] {
        let line = "train --limit 500 --epochs 1 --hidden 16 --quiet";
        folder.succeed(&format!("{line} --out {out} --seed {settings}"));
    }
    for name in ["model.safetensors", "filters.png", "samples.png"] {
        let [a, b, c] = ["a", "b", "c"].map(|run| folder.read(&format!("{run}/{name}")));
        assert!(a == b, "{name} depends on the number of threads");
        assert!(a != c, "{name} does not depend on the seed");
    }
    let untimed = |run| {
        let mut record = folder.metrics(run).remove(0);
        record.retain(|key, _| !key.contains("second"));
        record
    };
    assert_eq!(untimed("a"), untimed("b"));
    assert_eq!(folder.fingerprint("a"), folder.fingerprint("b"));
    assert_ne!(folder.fingerprint("a"), folder.fingerprint("c"));
}

#[test]
fn the_fingerprint_is_the_sha256_of_the_tensors() {
    let folder = Folder::with_run();
    let bytes = folder.read("run/model.safetensors");
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let shapes = [("weights", vec![30, 16]), ("visible_bias", vec![30]), ("hidden_bias", vec![16])];
    let mut hasher = Sha256::new();
    for (name, shape) in shapes {
        let tensor = tensors.tensor(name).unwrap();
        assert_eq!(tensor.shape(), shape, "{name}");
        hasher.update(tensor.data());
    }
    let sha256: String = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(folder.fingerprint("run"), sha256);
}

#[test]
fn the_folder_goes_to_stdout_and_a_line_per_epoch_to_stderr() {
    let folder = Folder::new();
    let (code, stdout, stderr) =
        folder.run("train --data greys.idx --hidden 16 --epochs 3 --batch-size 50");
    assert_eq!((code, stderr.lines().count()), (Some(0), 3), "{stderr}");
    for (line, start) in stderr.lines().zip(["epoch 1/3 ", "epoch 2/3 ", "epoch 3/3 "]) {
        assert!(line.starts_with(start), "{line}");
    }
    assert!(stdout.starts_with("runs/greys-30x16-"), "{stdout}");
    assert!(folder.path(stdout.trim_end()).join("model.safetensors").exists());
}

/// The output of `evaluate --json`.
fn evaluation(folder: &Folder, line: &str) -> Value {
    serde_json::from_str(&folder.succeed(&format!("evaluate {line} --json"))).unwrap()
}

#[test]
fn an_exact_evaluation_has_its_keys_and_adds_up() {
    let folder = Folder::with_run();
    let found = evaluation(&folder, "run --data greys.idx --log-probabilities p.npy");
    for key in "method log_likelihood standard_error log_z log_z_low log_z_high ess verdict \
                n_examples binarization data_sha256 pseudo_likelihood reconstruction_error"
        .split(' ')
    {
        assert!(found.get(key).is_some(), "{key}: {found}");
    }
    assert_eq!(found["method"], "exact");
    assert_eq!(found["verdict"], "exact");
    assert_eq!(found["binarization"], "stochastic");
    assert_eq!((found["n_examples"].as_u64(), &found["ess"]), (Some(200), &Value::Null));
    assert_eq!((&found["log_z_low"], &found["log_z_high"]), (&found["log_z"], &found["log_z"]));
    let log_p: Array1<f64> = read_npy(folder.path("p.npy")).unwrap();
    let mean = log_p.sum() / 200.0;
    assert!((mean - found["log_likelihood"].as_f64().unwrap()).abs() < 1e-9, "{mean} {found}");
    let text = folder.succeed("evaluate run --data greys.idx");
    assert!(text.contains("verdict           exact"), "{text}");
    // One example has no standard error.
    let text = folder.succeed("evaluate run --data greys.idx --limit 1");
    assert!(text.contains("(± ? over 1)") && !text.contains("NaN"), "{text}");
    // Requested results exist with every method.
    let text = folder.succeed("evaluate run --data greys.idx --raise 3");
    assert!(text.contains("RAISE") && text.contains("verdict           exact"), "{text}");
    let text = folder.succeed("evaluate run --data greys.idx");
    assert!(text.contains(found["data_sha256"].as_str().unwrap()), "{text}");
}

#[test]
fn the_bits_of_an_evaluation_depend_on_the_seed_alone() {
    let folder = Folder::with_run();
    let sha256 = |line: &str| evaluation(&folder, line)["data_sha256"].clone();
    let first = sha256("run --data greys.idx");
    assert_eq!(sha256("run --data greys.idx --method ais --schedule linear:50"), first);
    assert_ne!(sha256("run --data greys.idx --seed 1"), first);
    assert_ne!(sha256("run --data greys.idx --limit 100"), first);
    assert_ne!(sha256("run --data greys.idx --binarize threshold:0.5"), first);
    // For binary data, the SHA-256 does not depend on the seed.
    let bits = Array2::from_shape_fn((5, 30), |(n, i)| u8::from((n + i) % 3 == 0));
    folder.write_npy("bits.npy", bits.view());
    let expected: String =
        Sha256::digest(bits.as_slice().unwrap()).iter().map(|byte| format!("{byte:02x}")).collect();
    let found = evaluation(&folder, "run --data bits.npy --seed 4");
    assert_eq!(found["data_sha256"], expected);
    assert_eq!(found["binarization"], "none (binary data)");
}

#[test]
fn ais_reports_both_sides_and_does_not_depend_on_the_threads() {
    let folder = Folder::with_run();
    let exact = evaluation(&folder, "run --data greys.idx");
    let line =
        "run --data greys.idx --method ais --burn-in 200 --raise 10 --compare-data greys.idx";
    let one = evaluation(&folder, &format!("{line} --threads 1"));
    assert_eq!(evaluation(&folder, &format!("{line} --threads 3")), one);
    assert_eq!(one["verdict"], "believable", "{one}");
    let number = |key: &str| one[key].as_f64().unwrap();
    let log_z = exact["log_z"].as_f64().unwrap();
    assert!(number("log_z_low") <= log_z && log_z <= number("log_z_high"), "{one}");
    assert!(number("ess") > 50.0);
    for side in ["forward", "reverse"] {
        for key in ["log_z", "standard_error", "low", "high", "variance_of_log_w", "ess"] {
            assert!(one[side][key].is_number(), "{side} {key}: {one}");
        }
    }
    assert_eq!(one["raise"]["n_examples"], 10);
    assert_eq!(one["free_energy_gap"]["mean"], 0.0);
    // The reverse side starts at samples of the model, and the base is another.
    folder.succeed("sample run --number 40 --out chains.npy");
    let other =
        evaluation(&folder, "run --data greys.idx --method ais --start chains.npy --burn-in 0");
    assert_ne!(other["reverse"], one["reverse"]);
    let uniform = evaluation(&folder, "run --data greys.idx --method ais --base-data uniform");
    assert_ne!(uniform["forward"], one["forward"]);
}

#[test]
fn a_doubtful_estimate_names_the_settings_to_raise() {
    let folder = Folder::with_run();
    let line = "evaluate run --data greys.idx --method ais --schedule linear:2 --n-chains 20";
    let text = folder.succeed(line);
    assert!(text.contains("doubtful, do not rely on it"), "{text}");
    assert!(text.contains("raise n_chains (20) to 200 or more"), "{text}");
    assert!(text.contains("by the interval of log Z"), "{text}");
    assert!(text.contains("4 steps in a second round, as 2 steps did not suffice"), "{text}");
    assert!(text.contains("back from       the chains of the run; 1000 sweeps"), "{text}");
    assert!(text.contains("(95 % interval ") && !text.contains("99 %"), "{text}");
    let found: Value = serde_json::from_str(&folder.succeed(&format!("{line} --json"))).unwrap();
    assert_eq!(found["reasons"].as_array().unwrap().len(), 1, "{found}");
    assert!(found["caveat"].as_str().unwrap().contains("stays unseen"));
}

#[test]
fn impossible_evaluations_are_refused() {
    let folder = Folder::with_run();
    folder.write_npy("wide.npy", Array2::<u8>::eye(31).view());
    for (arguments, message) in [
        ("--data wide.npy", "wide.npy has 31 visible units an example, but the model has 30"),
        ("--data greys.idx --base-data wide.npy", "31 visible units"),
        ("--data greys.idx --start greys.idx", "holds values other than 0 and 1"),
    ] {
        folder.fail(&format!("evaluate run {arguments}"), message);
    }
    for (arguments, message) in [
        ("--method ais --n-chains 1", "n_chains is 1, but must be at least 2"),
        ("--method exact --n-chains 50", "50, but must be left out without --method ais"),
        ("--method exact --burn-in 50", "50, but must be left out without --method ais"),
        (
            "--method exact --schedule linear:7",
            "linear:7, but must be left out without --method ais",
        ),
        (
            "--method exact --start greys.idx",
            "greys.idx, but must be left out without --method ais",
        ),
        ("--method exact --base-data x.npy", "x.npy, but must be left out without --method ais"),
        ("--burn-in 10000000000", "burn_in is 10000000000, but must be at most 1000000000"),
        ("--limit 0", "limit is 0, but must be at least 1"),
        ("--seed 9223372036854775808", "seed is 9223372036854775808"),
    ] {
        folder.misuse(&format!("evaluate run --data greys.idx {arguments}"), message);
    }
    folder.refuse("evaluate run --compare-split test", 2, "--compare-data <");
    folder.refuse("evaluate run --chains chains.npy", 2, "--start");
    folder.refuse("evaluate run --method guess", 2, "`auto`, `exact`, `ais`, `pt` or `ptt`");
    folder.refuse("evaluate run --schedule linear", 2, "linear:N or sm2008");
    let line = "train --data greys.idx --hidden 40 --evaluate-every 1 --evaluate exact --out new";
    folder.misuse(line, "the smaller layer has 30 units, and at most 28 can be enumerated");
}

#[test]
fn the_log_likelihood_is_reported_during_training() {
    let folder = Folder::new();
    let train =
        "train --data greys.idx --hidden 6 --epochs 5 --batch-size 50 --validation 40 --quiet";
    folder.succeed(&format!("{train} --out plain"));
    folder.succeed(&format!("{train} --out exact --evaluate-every 2"));
    folder.succeed(&format!("{train} --out ais --evaluate-every 5 --evaluate ais"));
    assert_eq!(folder.read("exact/model.safetensors"), folder.read("plain/model.safetensors"));
    assert_eq!(folder.read("ais/model.safetensors"), folder.read("plain/model.safetensors"));
    let (exact, ais) = (folder.metrics("exact"), folder.metrics("ais"));
    let evaluated: Vec<bool> = exact.iter().map(|line| line["log_z"].is_number()).collect();
    assert_eq!(evaluated, [false, true, false, true, true]);
    let (exact, ais) = (&exact[4], &ais[4]);
    assert_eq!((&exact["verdict"], &ais["verdict"]), (&json!("exact"), &json!("believable")));
    let number = |line: &Map<String, Value>, key: &str| line[key].as_f64().unwrap();
    let log_z = number(exact, "log_z");
    assert!(number(ais, "log_z_low") <= log_z && log_z <= number(ais, "log_z_high"));
    let difference = number(exact, "log_likelihood") - number(ais, "log_likelihood");
    assert!((difference - (number(ais, "log_z") - log_z)).abs() < 1e-9);
}

#[test]
fn init_starts_from_the_parameters_and_the_size_of_a_model() {
    let folder = Folder::with_run();
    let train = "train --data greys.idx --epochs 1 --batch-size 50 --quiet";
    folder.succeed(&format!("{train} --init run --out still --learning-rate 1e-12"));
    assert_eq!(folder.fingerprint("still"), folder.fingerprint("run"));
    folder.succeed(&format!("{train} --init run --out on"));
    folder.succeed(&format!("{train} --init run/model.safetensors --hidden 16 --out on_again"));
    assert_eq!(folder.facts("on")["n_hidden"], 16);
    assert_ne!(folder.fingerprint("on"), folder.fingerprint("run"));
    assert_eq!(folder.fingerprint("on"), folder.fingerprint("on_again"));
    let train = format!("{train} --init run --out new");
    folder.misuse(&format!("{train} --hidden 17"), "hidden is 17, but must be 16, as in the model");
    folder.write_npy("wide.npy", Array2::<u8>::ones((60, 31)).view());
    let train = train.replace("greys.idx", "wide.npy");
    folder.fail(&train, "wide.npy has 31 visible units an example, but the model has 30");
}

#[test]
fn samples_are_bits_that_depend_only_on_the_seed_and_the_start() {
    let folder = Folder::with_run();
    let sample = |out: &str, settings: &str| {
        let line = format!("sample run --number 7 --gibbs-steps 20 --out {out} {settings}");
        assert_eq!(folder.succeed(&line), format!("{out}\n"));
        folder.read(out)
    };
    let a = sample("a.npy", "--seed 3 --threads 1");
    assert_eq!(sample("b.npy", "--seed 3 --threads 2"), a);
    assert_ne!(sample("c.npy", "--seed 4"), a);
    let bits: Array2<u8> = read_npy(folder.path("a.npy")).unwrap();
    assert_eq!(bits.dim(), (7, 30));
    assert!(bits.iter().all(|&bit| bit <= 1) && bits.iter().any(|&bit| bit != bits[[0, 0]]));
    // The 7 images are in a grid of 3 x 3, 5 + 1 pixels across and 6 + 1 down, enlarged at most 8 times.
    sample("a.png", "");
    assert_eq!(folder.picture("a.png"), ((4 * 6 + 1) * 8, (2 * 7 + 1) * 8));

    let bits = greys().mapv(|x| x / 128);
    folder.write("bits.idx", &idx(bits.clone()));
    let line = "sample run --start data --data bits.idx --number 200 --out d.npy --gibbs-steps";
    folder.succeed(&format!("{line} 0"));
    let bits = bits.into_shape_with_order((200, 30)).unwrap();
    assert_eq!(read_npy::<_, Array2<u8>>(folder.path("d.npy")).unwrap(), bits);
}

#[test]
fn features_are_probabilities_of_the_hidden_units() {
    let folder = Folder::new();
    let threshold = "--binarize threshold:0.3";
    folder.succeed(&format!("train --data greys.idx {SHORT} {threshold} --out run --quiet"));
    let transform = |out: &str, settings: &str| {
        let line = format!("transform run greys.idx --out {out} {settings}");
        assert_eq!(folder.succeed(&line), format!("{out}\n"));
        folder.read(out)
    };
    let a = transform("a.npy", "--threads 1");
    assert_eq!(transform("b.npy", "--threads 2"), a);
    assert_eq!(transform("c.npy", threshold), a, "not binarized as in training");
    assert_ne!(transform("d.npy", "--binarize stochastic"), a);
    // With real numbers, neither the seed nor the draws nor the threads make a difference.
    let real = transform("e.npy", "--binarize none --threads 1");
    assert_ne!(real, a);
    assert_eq!(transform("f.npy", "--binarize none --threads 2 --seed 3 --draws 2"), real);
    let features: Array2<f32> = read_npy(folder.path("a.npy")).unwrap();
    assert_eq!(features.dim(), (200, 16));
    assert!(features.iter().all(|p| (0.0..=1.0).contains(p) && p.fract() != 0.0));
}

#[test]
fn features_of_several_draws_are_their_mean() {
    let folder = Folder::with_run();
    let features = |draws: usize| -> Array2<f32> {
        folder.succeed(&format!("transform run greys.idx --draws {draws} --out f{draws}.npy"));
        read_npy(folder.path(&format!("f{draws}.npy"))).unwrap()
    };
    let (one, two, many) = (features(1), features(2), features(400));
    // The second draw, computed from the mean of both, has other bits.
    let second = 2.0 * &two - &one;
    let far = |a: &Array2<f32>, b: &Array2<f32>| (a - b).mapv(f32::abs).mean().unwrap();
    assert!(far(&second, &one) > 1e-4, "two draws of the same bits");
    // The mean of 400 draws is closer to another such mean than one draw is, by a factor of √400.
    assert!(far(&many, &features(200)) < 0.2 * far(&many, &one));
    let message = "draws is 0, but must be at least 1 and at most 10000";
    folder.misuse("transform run greys.idx --draws 0 --out new.npy", message);
}

#[test]
fn inspect_shows_the_origin_of_a_model() {
    let folder = Folder::with_run();
    let facts = folder.facts("run");
    assert_eq!((&facts["n_visible"], &facts["n_hidden"]), (&30.into(), &16.into()));
    assert_eq!(facts["image_shape"], json!([6, 5]));
    assert_eq!(facts["settings"]["batch_size"], 50);
    assert_eq!(facts["data"]["n_examples"], 200);
    let text = folder.succeed("inspect run/model.safetensors --filters filters.png");
    assert_eq!(text, folder.succeed("inspect run"));
    for line in ["n_hidden: 16", "settings.batch_size: 50", "settings.binarize: \"stochastic\""] {
        assert!(text.lines().any(|found| found == line), "{text}does not say: {line}");
    }
    assert_eq!(folder.read("filters.png"), folder.read("run/filters.png"));
}

#[test]
fn inspect_writes_the_parameters_in_the_form_that_is_asked() {
    let folder = Folder::with_run();
    folder.succeed("inspect run --parameters spins.npz --as spins");
    let rbm = Rbm::load(folder.path("run/model.safetensors")).unwrap();
    let expected = rbm.to_spins().unwrap().couplings;
    // The first file of the archive, which is not packed.
    let archive = folder.read("spins.npz");
    let start = archive.windows(6).position(|bytes| bytes == b"\x93NUMPY").unwrap();
    let npy = &archive[start..][..128 + 8 * expected.len()];
    let couplings: Array2<f64> = ndarray_npy::ReadNpyExt::read_npy(npy).unwrap();
    assert_eq!(couplings, expected);
    folder.fail("inspect run --parameters spins.npz", "exists already");
    folder.misuse(
        "inspect run --parameters spins.safetensors --as spins",
        "as is spins, but must be trained or zero-sum for a .safetensors file",
    );
    // A model of bits has no gauge.
    folder.succeed("inspect run --parameters same.safetensors --as zero-sum");
    assert_eq!(folder.read("same.safetensors"), folder.read("run/model.safetensors"));

    folder.write("letters.fasta", ">a\nHPHP\n>b\nPHPH\n>c\nHHPP\n".as_bytes());
    folder.succeed(
        "train --data letters.fasta --alphabet HP --hidden 3 --epochs 5 --batch-size 3 --out letters --quiet",
    );
    folder.succeed("inspect letters --parameters zero.safetensors --as zero-sum");
    let rbm = Rbm::load(folder.path("letters/model.safetensors")).unwrap();
    assert_eq!(Rbm::load(folder.path("zero.safetensors")).unwrap(), rbm.zero_sum_gauge());
    // Other commands read it by the columns of the data.
    folder.succeed("sample zero.safetensors --number 3 --out zero.fasta");
    folder.misuse(
        "inspect letters --parameters a.npz --as spins",
        "the number of units of a visible site is 2, but must be 1, which is a spin",
    );
}

/// The checkpoint holds it as well as the model file.
#[test]
fn a_model_file_holds_the_mean_of_its_training_data() {
    let folder = Folder::new();
    for (binarize, seen) in [
        ("stochastic", (|x| f64::from(x) / 255.0) as fn(u8) -> f64),
        ("none", |x| f64::from((f64::from(x) / 255.0) as f32)),
        ("threshold:0.5", |x| f64::from(u8::from(x > 127))),
    ] {
        let flags = "--validation 50 --averaging exponential:1 --keep best:pseudo_likelihood_test";
        let out = format!("run-{}", &binarize[..4]);
        folder.succeed(&format!(
            "train --data greys.idx {SHORT} --binarize {binarize} {flags} --out {out} --quiet"
        ));
        let images = greys().into_shape_with_order((200, 30)).unwrap();
        let training = images.slice(ndarray::s![..150, ..]);
        let expected = training.mapv(seen).sum_axis(ndarray::Axis(0)) / 150.0;
        let newest = folder.newest_checkpoint(&out);
        let [model, last] = ["model", "model-last"].map(|name| format!("{out}/{name}.safetensors"));
        for file in [model, last, newest] {
            let mean = ModelFile::read(&folder.path(&file)).unwrap().data_mean.unwrap();
            let apart = (mean.mapv(f64::from) - &expected).mapv(f64::abs);
            assert!(apart.iter().all(|&x| x < 1e-7), "{file}: {mean}, not {expected}");
        }
    }
}

#[test]
fn equal_examples_in_different_files_give_equal_parameters() {
    let folder = Folder::with_run();
    folder.write("greys.gz", &gzip(&folder.read("greys.idx")));
    folder.write_npy("rows.npy", greys().view());
    let columns = greys().reversed_axes().as_standard_layout().into_owned().reversed_axes();
    folder.write_npy("columns.npy", columns.view());
    let header = folder.read("columns.npy")[..128].to_vec();
    assert!(String::from_utf8_lossy(&header).contains("'fortran_order': True"));
    for name in ["greys.gz", "rows.npy", "columns.npy"] {
        let line =
            format!("train --data {name} --grey-levels 255 {SHORT} --out {name}.run --quiet");
        folder.succeed(&line);
        assert_eq!(folder.fingerprint(&format!("{name}.run")), folder.fingerprint("run"), "{name}");
        assert_eq!(folder.facts(&format!("{name}.run"))["image_shape"][0], 6, "{name}");
    }
    folder.succeed(&format!("train --data greys.idx {SHORT} --out bits --binarize threshold:0.5"));
    assert_ne!(folder.fingerprint("bits"), folder.fingerprint("run"));
    assert_eq!(folder.facts("bits")["settings"]["binarize"], "threshold:0.5");
}

#[test]
fn pictures_need_a_known_image_shape() {
    let folder = Folder::new();
    folder.write_npy("reals.npy", reals(0.0).view());
    folder.succeed(&format!("train --data reals.npy {SHORT} --out plain"));
    let pictures =
        |run: &str| folder.names_in(run).into_iter().filter(|name| name.ends_with(".png")).count();
    assert_eq!(pictures("plain"), 0);
    let unknown = "plain/model.safetensors: does not hold the shape of its images";
    folder.fail("inspect plain --filters a.png", unknown);
    folder.fail("sample plain --out a.png", &format!("{unknown}; give --image-shape"));
    let sample = "sample plain --out a.png --gibbs-steps 1 --image-shape";
    folder
        .misuse(&format!("{sample} 5x5"), "is 5x5, but must be a shape of the model's 30 visible");
    folder.succeed(&format!("{sample} 5x6"));
    folder.succeed(&format!("train --data reals.npy {SHORT} --out shaped --image-shape 5x6"));
    assert_eq!(pictures("shaped"), 3);
    assert_eq!(folder.facts("shaped")["image_shape"], json!([5, 6]));
}

#[test]
fn held_out_data_are_measured_and_not_trained_on() {
    let folder = Folder::with_run();
    assert!(folder.metrics("run")[0]["free_energy_test"].is_null());
    let train = format!("train --data greys.idx {SHORT} --limit 150");
    for (out, held_out) in [("limit", ""), ("same", "--test-data greys.idx")] {
        folder.succeed(&format!("{train} --out {out} {held_out}"));
    }
    folder.succeed(&format!("{train} --out less --validation 40"));
    assert_eq!(folder.facts("limit")["data"]["n_examples"], 150);
    assert_eq!(folder.facts("less")["data"]["n_examples"], 110);
    assert_eq!(folder.fingerprint("same"), folder.fingerprint("limit"));
    for run in ["same", "less"] {
        assert!(folder.metrics(run)[0]["free_energy_gap"].is_number(), "{run}");
    }
    // Training on the first 110 examples alone gives the same model.
    folder.write("first.idx", &idx(greys().slice_move(ndarray::s![..110, .., ..])));
    folder.succeed(&format!("train --data first.idx {SHORT} --out first"));
    assert_eq!(folder.fingerprint("less"), folder.fingerprint("first"));
}

#[test]
fn bad_data_are_refused_and_leave_no_files() {
    let folder = Folder::with_run();
    let (whole, packed) = (folder.read("greys.idx"), gzip(&folder.read("greys.idx")));
    folder.write("short.idx", &whole[..whole.len() - 1]);
    folder.write("magic.idx", &[&[1], &whole[1..]].concat());
    folder.write("half.gz", &packed[..packed.len() / 2]);
    folder.write("labels", &[&[0, 0, 8, 1, 0, 0, 0, 200], &[7; 200][..]].concat());
    folder.write_npy("line.npy", Array1::<f32>::ones(60).view());
    folder.write_npy("nan.npy", reals(f32::NAN).view());
    folder.write_npy("high.npy", reals(2.5).view());
    folder.write_npy("spins.npy", reals(0.0).mapv(|x| if x > 0.5 { 1_i8 } else { -1 }).view());
    folder.write_npy("wide.npy", Array2::<u8>::ones((60, 31)).view());
    for (data, message) in [
        ("missing.idx", "missing.idx: cannot read: No such file"),
        ("run", "run/checkpoints: is a folder, but a folder of data holds only PNG images"),
        ("short.idx", "short.idx: byte 16: expected 6000 bytes of data, for the shape [200, 6, 5]"),
        ("magic.idx", "magic.idx: byte 0: expected data in a format that can be read (IDX, .npy"),
        ("half.gz", ": expected whole gzip data, found incomplete deflate stream"),
        ("labels", "labels: holds labels or another vector, of shape [200], but examples have"),
        ("line.npy", "line.npy: holds labels or another vector, of shape [60], but examples have"),
        ("nan.npy", "nan.npy: example 0, unit 0 is NaN, but "),
        ("high.npy", "unit 0 is 2.5, but must be from 0 to 1; divide grey levels by their maximum"),
        ("spins.npy", "spins.npy: example 0, unit 0 is -1, but must be "),
    ] {
        folder.fail(&format!("train --data {data} {SHORT} --out new"), message);
        folder.fail(&format!("train --data greys.idx --test-data {data} --out new"), message);
        folder.fail(&format!("transform run {data} --out new.npy"), message);
        folder.fail(&format!("sample run --start data --data {data} --out new.npy"), message);
    }
    let wide = "wide.npy has 31 visible units an example, but the";
    folder.fail("transform run wide.npy --out new.npy", &format!("{wide} model has 30"));
    folder.fail("sample run --start data --data wide.npy", &format!("{wide} model has 30"));
    let train = "train --data greys.idx --test-data wide.npy --out new";
    folder.fail(train, &format!("{wide} training data has 30"));
}

#[test]
fn settings_out_of_range_are_refused_with_their_rule() {
    let folder = Folder::new();
    for (settings, message) in [
        ("--hidden 0", "hidden is 0, but must be at least 1"),
        ("--epochs 0", "epochs is 0, but must be at least 1"),
        ("--batch-size 40000", "batch_size is 40000, but must be at least 1 and at most 32767"),
        ("--chains 32768", "chains is 32768, but must be at least 1 and at most 32767"),
        ("--learning-rate 0", "learning_rate is 0, but must be above 0"),
        ("--learning-rate=-1", "learning_rate is -1, but must be above 0"),
        (
            "--learning-rate 1e7",
            "learning_rate is 10000000, but must be above 0 and at most 1000000",
        ),
        ("--algorithm cd --chains 7", "chains is 7, but must be left out with `cd`"),
        ("--optimizer adam --momentum 0.5", "momentum is 0.5, but must be 0 with `adam`"),
        ("--algorithm pt --swap-rate 1", "swap_rate is 1, but must be above 0 and below 1"),
        ("--temperatures 7", "temperatures is 7, but must be left out without --algorithm pt"),
        ("--evaluate ais", "evaluate is ais, but must be left out without --evaluate-every"),
        ("--patience 5", "patience is 5, but must be left out without --early-stop"),
        ("--adam-beta1 0.8", "adam_beta1 is 0.8, but must be left out without --optimizer adam"),
        ("--sparsity-target 0.2", "but must be left out without --sparsity-cost"),
        ("--preset bars-and-stripes --algorithm cd --swap-rate 0.3", "without --algorithm pt"),
        ("--preset mnist", "preset is mnist, but must be one of quick, mnist-500, "),
        ("--momentum 1", "momentum is 1, but must be at least 0 and below 1"),
        ("--gibbs-steps 0", "gibbs_steps is 0, but must be at least 1"),
        ("--threads 0", "threads is 0, but must be from 1 to 1024"),
        ("--seed 9223372036854775808", "75808, but must be at most 9223372036854775807"),
        ("--limit 0", "limit is 0, but must be at least 1"),
        ("--validation 200", "but must be at least 1 and below the number of examples, 200"),
        ("--image-shape 5x5", "image_shape is 5 x 5, but must be rows x columns of the 30 units"),
        ("--keep worst", "keep is worst, but must be `last` or `best:METRIC`"),
        ("--keep best:log_likelihood", "but must be another metric, or have evaluate_every above"),
        ("--early-stop free_energy_gap", "free_energy_gap, but must be another metric, or have"),
        (
            "--validation 50 --early-stop pseudo_likelihood",
            "early_stop is pseudo_likelihood, but must be pseudo_likelihood_test: ",
        ),
        (
            "--validation 50 --keep best:free_energy_gap",
            "the gap is smallest before anything is learned",
        ),
        ("--patience 0", "patience is 0, but must be at least 1"),
        ("--keep-checkpoints 0", "keep_checkpoints is 0, but must be at least 1"),
    ] {
        let line = format!("train --data greys.idx --out new {settings}");
        match message.starts_with("keep is") {
            // clap refuses what it cannot read, in more than one line.
            true => drop(folder.refuse(&line, 2, message)),
            false => folder.misuse(&line, message),
        }
    }
}

#[test]
fn divergence_is_reported_with_its_update_and_a_remedy() {
    let folder = Folder::new();
    let line = "train --data greys.idx --hidden 16 --out new --learning-rate 1e5";
    let (code, _, stderr) = folder.run(line);
    assert_eq!(code, Some(1));
    assert!(stderr.starts_with("error: diverged in epoch 1, at update 1: "), "{stderr}");
    assert!(stderr.contains("; try a smaller "), "{stderr}");
    assert!(!folder.path("new/model.safetensors").exists());
}

#[test]
fn bad_models_and_bad_outputs_are_refused() {
    let folder = Folder::with_run();
    let train = format!("train --data greys.idx {SHORT} --out");
    folder.fail(&format!("{train} run"), "run: already holds a run (config.toml); continue it");
    folder.fail(&format!("{train} greys.idx/new"), "greys.idx/new: cannot create files in");
    folder.fail("transform run greys.idx --out no/new.npy", "no/new.npy: cannot write");
    folder.fail("inspect run --filters no/new.png", "no/new.png: cannot write");
    folder.refuse(
        "sample run --out new.gif",
        2,
        "new.gif: must end in .npy, .npz, .csv, .tsv, .png, .fasta or .fasta.gz",
    );
    folder.misuse("sample run --number 0", "number is 0, but must be at least 1");
    fs::create_dir(folder.path("empty")).unwrap();
    for (model, message) in [
        ("greys.idx", "greys.idx: is not a whole safetensors file"),
        ("missing", "missing: cannot read: No such file"),
        ("empty", "empty/model.safetensors: cannot read: No such file"),
    ] {
        folder.fail(&format!("sample {model} --out new.npy"), message);
        folder.fail(&format!("transform {model} greys.idx --out new.npy"), message);
        folder.fail(&format!("inspect {model}"), message);
        folder.fail(&format!("{train} new --init {model}"), message);
    }
}

#[test]
fn every_command_refuses_a_damaged_model() {
    let folder = Folder::with_run();
    let whole = folder.read("run/model.safetensors");
    folder.write("cut.safetensors", &whole[..whole.len() - 4]);
    // The changed bit gives another valid number.
    let mut turned = whole.clone();
    *turned.last_mut().unwrap() ^= 1;
    folder.write("run/model.safetensors", &turned);
    let edited = whole.windows(9).position(|part| part == b"bernoulli").unwrap();
    let mut gaussian = whole.clone();
    gaussian[edited..edited + 9].copy_from_slice(b"gaussian ");
    folder.write("gaussian.safetensors", &gaussian);
    for (model, message) in [
        ("run", "run/model.safetensors: is damaged: its checksum does not match its contents"),
        (
            "cut.safetensors",
            "cut.safetensors: is damaged: its checksum does not match its contents",
        ),
        (
            "gaussian.safetensors",
            "`hidden_unit` is `gaussian `, a kind of unit, which this version",
        ),
    ] {
        for line in [
            format!("evaluate {model} --data greys.idx"),
            format!("sample {model} --out new.npy"),
            format!("transform {model} greys.idx --out new.npy"),
            format!("inspect {model}"),
            format!("train --data greys.idx {SHORT} --out new --init {model}"),
        ] {
            folder.fail(&line, message);
        }
    }
    // The advice of the message works.
    folder.succeed("resume run");
    assert!(folder.read("run/model.safetensors") == whole);
}

#[test]
fn a_model_of_the_first_versions_is_read_but_not_verified() {
    let folder = Folder::with_run();
    let ModelFile { rbm, .. } = ModelFile::read(&folder.path("run/model.safetensors")).unwrap();
    let mut arrays = State::default();
    rbm.save("", &mut arrays);
    let mut metadata = json!({
        "crate_version": "0.1.0", "data": {"n_examples": 200}, "format_version": 1,
        "image_shape": [6, 5], "n_hidden": 16, "n_visible": 30,
        "settings": {"binarize": "stochastic"}, "stream_version": 1
    });
    folder.write("old.safetensors", &arrays.to_safetensors("harmonium", metadata.to_string()));
    let facts = folder.facts("old.safetensors");
    assert_eq!(facts["verified"], false);
    assert_eq!(facts["parameters_sha256"], folder.fingerprint("run"));
    assert!(folder.succeed("inspect old.safetensors").contains("\nnot verified: the file has no"));
    folder.succeed("evaluate old.safetensors --data greys.idx");
    for model in ["run".to_string(), folder.newest_checkpoint("run")] {
        assert_eq!(folder.facts(&model)["verified"], true);
        assert!(!folder.succeed(&format!("inspect {model}")).contains("not verified"));
    }
    metadata["visible_unit"] = "gaussian".into();
    folder.write("new.safetensors", &arrays.to_safetensors("harmonium", metadata.to_string()));
    let message =
        "new.safetensors: metadata key `harmonium`: `visible_unit` is `gaussian`, a kind of";
    folder.fail("inspect new.safetensors", message);
}

#[test]
fn extreme_numbers_do_not_overflow() {
    let folder = Folder::with_run();
    let sample = "sample run --start data --data greys.idx --number 201";
    folder.misuse(sample, "number is 201, but must be at most the number of examples, 200");
    let huge = "4294967296x4294967296";
    folder.misuse(&format!("sample run --image-shape {huge}"), &format!("image_shape is {huge}"));
    let train = "train --data greys.idx --hidden 16 --batch-size 50 --out";
    folder.misuse(&format!("{train} new --epochs {}", u64::MAX), "epochs is 18446744073709551615");
    folder.misuse(&format!("{train} new --learning-rate 1e7"), "above 0 and at most 1000000");
    folder.succeed(&format!("{train} tiny --epochs 2 --learning-rate 1e-30"));
}

#[test]
fn a_negative_number_is_a_value_and_not_a_flag() {
    let folder = Folder::new();
    let line = "train --data greys.idx --out new --learning-rate -1";
    folder.misuse(line, "learning_rate is -1, but must be above 0");
}

#[test]
fn wrong_usage_has_exit_code_2_and_a_hint() {
    let folder = Folder::with_run();
    for (line, part) in [
        ("", "Usage: harmonium"),
        ("paint", "'paint'"),
        ("train --data none --colour", "'--colour'"),
        ("sample", "<MODEL>"),
        ("transform", "<MODEL>"),
        ("train --epochs", "--epochs"),
        ("train --epochs many", "'many'"),
        ("train --data none --hidden -3", "'-3'"),
        ("train --data none --schedule step", "`constant`, `linear`, `cosine` or `inverse:B`"),
        ("train --data none --averaging tail:2", "a share above 0 and at most 1"),
        ("train --data none --algorithm sgd", "`pcd`, `pt` or `ptt`"),
        ("train --data none --learning-rate nan", "must be a finite number"),
        ("train --data none --momentum inf", "must be a finite number"),
        ("train --data bars-and-stripes:0", "bars-and-stripes:SIDE with a side from 1 to 16"),
        ("train --data populations:-1", "populations:SEED with a seed from 0 to"),
        ("train --data none --binarize median", "stochastic, none or threshold:T"),
        ("train --data none --binarize threshold:1", "below 1"),
        ("train --data none --chain-start noise", "`data` or `bias`"),
        ("train --data none --image-shape 28", "ROWSxCOLUMNS"),
        ("transform run mnist --split all", "`train`, `test` or `validation`"),
        ("sample run --start noise", "random, data"),
    ] {
        folder.refuse(line, 2, part);
    }
}

#[test]
fn help_shows_the_defaults() {
    let folder = Folder::new();
    for (command, shown) in [
        (
            "train",
            "the number of visible units, but|20, or more to make 5,000|auto]|tail:0.1]|true]|96]|the batch size, but|1]|0.2]|cosine]|0]|stochastic]|data]|all cores]",
        ),
        (
            "sample",
            "100, with --clamp 20, or all examples if there are fewer]|1000]|random]|the run's test data; else its validation examples; else its training data]|test]|samples.png of images, .fasta of sequences|0]|all cores]",
        ),
        ("bench", "500]|128,512]|1]|2]|mnist]|stochastic]|1 and all cores]"),
        (
            "transform",
            "the run's test data; else|train]|as in training]|0]|features.npy]|all cores]",
        ),
    ] {
        let help = folder.succeed(&format!("{command} --help"));
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        for default in shown.split('|') {
            assert!(help.contains(&format!("[default: {default}")), "{help}\nlacks: {default}");
        }
    }
    assert!(folder.succeed("inspect --help").contains("--filters <FILE.png>"));
    assert!(folder.succeed("--help").contains("\n  inspect "));
    let version = concat!("harmonium ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(folder.succeed("--version"), version);
}

#[test]
fn a_closed_stdout_is_not_an_error() {
    let folder = Folder::with_run();
    let train = format!("train --data greys.idx {SHORT} --out new --quiet");
    let sample = "sample run --out new.npy --gibbs-steps 1";
    for line in ["inspect run", "inspect run --json", sample, &train, "--help"] {
        let output = folder.command(line).stdout(closed_pipe()).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), &stderr[..]), (Some(0), ""), "{line}");
    }
    assert!(folder.path("new.npy").exists() && folder.path("new/model.safetensors").exists());
}

#[test]
fn a_closed_stderr_does_not_end_training() {
    let folder = Folder::new();
    let line = format!("train --data greys.idx {SHORT} --out run");
    let status = folder.command(&line).stderr(closed_pipe()).status().unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(folder.path("run/model.safetensors").exists());
    let status = folder.command("inspect missing").stderr(closed_pipe()).status().unwrap();
    assert_eq!(status.code(), Some(1));
}

#[test]
fn bench_times_every_size_and_stage() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_harmonium"))
        .args(["bench", "--json", "--hidden", "16,70", "--batch-size", "32", "--threads", "1,2"])
        .args(["--warm-up", "3", "--seconds", "0"])
        .output()
        .unwrap();
    assert!(output.status.success());
    let lines = String::from_utf8(output.stdout).unwrap();
    let timings: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let sizes =
        timings.iter().map(|timing| (timing["hidden"].as_u64(), timing["threads"].as_u64()));
    let expected = [(16, 1), (16, 2), (70, 1), (70, 2)].map(|(h, t)| (Some(h), Some(t)));
    assert!(sizes.eq(expected), "{lines}");
    for timing in &timings {
        let number = |key: &str| timing[key].as_f64().unwrap();
        let [least, median, most] = [0, 1, 2].map(|at| timing["update_ms"][at].as_f64().unwrap());
        assert!(0.0 < least && least <= median && median <= most);
        assert!((number("samples_per_second") * median / 32_000.0 - 1.0).abs() < 1e-6);
        let shares = timing["stage_shares"].as_array().unwrap();
        let sum: f64 = shares.iter().map(|share| share.as_f64().unwrap()).sum();
        assert!(shares.len() == 4 && (sum - 1.0).abs() < 1e-9);
    }
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_harmonium"))
        .args(["bench", "--seconds", "nan"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("seconds is NaN, but must be at least 0 and finite"), "{message}");
}

#[test]
fn presets_are_listed_and_flags_override_them() {
    let folder = Folder::new();
    let list = folder.succeed("presets");
    let names = ["quick", "mnist-500", "mnist-16-exact", "bars-and-stripes", "features"];
    assert!(names.iter().all(|name| list.contains(name)), "{list}");
    let json = folder.succeed("presets --json");
    assert_eq!(json.lines().count(), list.lines().filter(|line| !line.starts_with(' ')).count());
    for line in json.lines() {
        let preset: Value = serde_json::from_str(line).unwrap();
        for key in ["name", "purpose", "time", "result", "data"] {
            let is_told = |text: &str| !text.is_empty() && !text.contains("todo");
            assert!(preset[key].as_str().is_some_and(is_told), "{line}");
        }
    }

    let train = "train --preset bars-and-stripes --epochs 3 --quiet --out";
    folder.succeed(&format!("{train} run"));
    let facts = folder.facts("run");
    assert_eq!((&facts["settings"]["epochs"], &facts["n_visible"]), (&json!(3), &json!(16)));
    assert_eq!(facts["settings"]["algorithm"], "pt");
    folder.succeed(&format!("{train} other --data greys.idx --algorithm pcd --hidden 5"));
    let facts = folder.facts("other");
    assert_eq!((&facts["n_visible"], &facts["n_hidden"]), (&json!(30), &json!(5)));
}

#[test]
fn tempered_runs_report_their_swap_rates() {
    let folder = Folder::new();
    let train = "train --data bars-and-stripes:3 --batch-size 16 --epochs 30 --quiet";
    folder.succeed(&format!("{train} --algorithm pt --temperatures 4 --out pt"));
    let record = &folder.metrics("pt")[29];
    for key in ["swap_rates", "inverse_temperatures"] {
        let values = record[key].as_array().unwrap();
        let is_share = |value: &Value| value.as_f64().is_some_and(|x| (0.0..=1.0).contains(&x));
        assert!(values.len() == 3 && values.iter().all(is_share), "{record:?}");
    }
    // Models with few visible units are tempered by default.
    folder.succeed(&format!("{train} --temperatures 4 --out auto"));
    assert_eq!(folder.fingerprint("auto"), folder.fingerprint("pt"));
    folder.succeed(&format!("{train} --algorithm pcd --out pcd"));
    assert!(!folder.metrics("pcd")[29].contains_key("swap_rates"));
}

#[test]
fn an_averaged_run_writes_both_models() {
    let folder = Folder::new();
    let train = format!("train --data greys.idx {SHORT} --quiet");
    folder.succeed(&format!("{train} --out plain --averaging none"));
    folder.succeed(&format!("{train} --out averaged --averaging tail:1"));
    assert!(!folder.names_in("plain").contains(&"model-last.safetensors".to_string()));
    let last = folder.fingerprint("averaged/model-last.safetensors");
    assert_eq!(last, folder.fingerprint("plain"));
    assert_ne!(last, folder.fingerprint("averaged"));
}

#[test]
fn a_model_of_inverted_data_inverts_data_in_every_command() {
    let folder = Folder::new();
    let train = format!("train {SHORT} --quiet --binarize threshold:0.5 --validation 20");
    folder.write("negative.idx", &idx(greys().mapv_into(|x| 255 - x)));
    folder.succeed(&format!("{train} --data greys.idx --invert --out inverted"));
    folder.succeed(&format!("{train} --data negative.idx --out negative"));
    assert_eq!(folder.fingerprint("inverted"), folder.fingerprint("negative"));
    for split in ["test", "validation"] {
        let score = |run: &str, data: &str| {
            evaluation(&folder, &format!("{run} --data {data} --split {split}"))
        };
        let (one, other) = (score("inverted", "greys.idx"), score("negative", "negative.idx"));
        assert_eq!(one["log_likelihood"], other["log_likelihood"]);
        assert_eq!(one["n_examples"], if split == "test" { 200 } else { 20 });
    }
    folder.succeed(&format!("train --data greys.idx {SHORT} --quiet --out all"));
    let message = "split is validation, but must be train or test: the model was trained without";
    folder.misuse("evaluate all --data greys.idx --split validation", message);
}
