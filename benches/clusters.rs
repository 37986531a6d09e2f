//! Does training give clusters their shares? Trains on simulated populations (`harmonium::dataset::Populations`) of
//! several seeds with the preset `clusters`, and prints the shares of the five populations in samples of each model,
//! and its log-likelihood less that of the law that made the data, on the same test rows.
//!
//! `cargo bench --bench clusters` takes ten seeds with 16 hidden units, where samples are drawn exactly and log Z is
//! exact, and ten with 100, where 4,000 samples are by parallel trajectory tempering. `-- 16 3` takes three seeds with
//! 16 units, `-- 16 10 epochs=20 averaging=tail:0.1` other settings than the preset's; `-- --test` trains for a moment,
//! as a test. `benches/README.md` has the tables.

use harmonium::dataset::{Binarization, Encoding, Examples, Populations, Source, Split};
use harmonium::evaluate::Exact;
use harmonium::gibbs::{FixedWeights, ReplicaExchange, Rung};
use harmonium::kernels::Isa;
use harmonium::model::ModelFile;
use harmonium::preset::Preset;
use harmonium::rng::{Purpose, Stream};
use harmonium::run::{MODEL, RunConfig, Session, Settings, rungs, train};
use harmonium::{BitMatrix, TrainConfig, Watch};
use std::path::Path;
use std::time::Instant;

/// Samples of a model.
const SAMPLES: usize = 4000;

/// Sweeps of the chains of a ladder.
const SWEEPS: usize = 1000;

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).filter(|name| name != "--bench").collect();
    let is_test = arguments.iter().any(|argument| argument == "--test");
    let numbers: Vec<usize> = arguments.iter().filter_map(|text| text.parse().ok()).collect();
    let (sizes, n_seeds) = match numbers[..] {
        _ if is_test => (vec![4, 20], 1),
        [] => (vec![16, 100], 10),
        [hidden] => (vec![hidden], 10),
        [hidden, n_seeds, ..] => (vec![hidden], n_seeds as u64),
    };
    let config = preset_with(&arguments);
    println!("{} threads", rayon::current_num_threads());
    println!(
        "| hidden units | seed | shares | largest error | log-likelihood less the truth's | seconds |"
    );
    println!("| --- | --- | --- | --- | --- | --- |");
    for hidden in sizes {
        let n_right =
            (1..=n_seeds).filter(|&seed| row(config.clone(), hidden, seed, is_test)).count();
        println!(
            "\n{hidden} hidden units: {n_right} of {n_seeds} have all shares within 0.05, and none below half\n"
        );
    }
}

/// The settings of the preset, but for those that are given as `name=value`.
fn preset_with(arguments: &[String]) -> TrainConfig {
    let config = Preset::find("clusters").unwrap().config;
    let mut fields = serde_json::to_value(config).unwrap();
    for (name, text) in arguments.iter().filter_map(|argument| argument.split_once('=')) {
        let field = fields.get_mut(name).unwrap_or_else(|| panic!("no setting {name}"));
        *field = serde_json::from_str(text).unwrap_or_else(|_| text.into());
    }
    serde_json::from_value(fields).unwrap()
}

/// Trains and judges the model of a seed, prints its row, and returns whether its shares are right.
fn row(config: TrainConfig, hidden: usize, seed: u64, is_test: bool) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = Settings {
        run: RunConfig { ladder: (hidden > 16).then_some(0.25), ..RunConfig::default() },
        ..Settings::default()
    };
    settings.data.data = Source::Populations(seed);
    settings.train = config;
    settings.train.hidden = Some(hidden);
    settings.train.seed = seed;
    if is_test {
        settings.train.epochs = Some(1);
    }
    let out = folder.path().join("run");
    let clock = Instant::now();
    train(settings, &Session { out: Some(out.clone()), ..Session::default() }, &mut []).unwrap();
    let seconds = clock.elapsed().as_secs_f64();
    let file = ModelFile::read(&out.join(MODEL)).unwrap();
    let rbm = &file.rbm;
    let exact = (hidden <= 16).then(|| Exact::new(rbm).unwrap());
    let (samples, doubt) = match &exact {
        Some(exact) => {
            let mut streams = Stream::first(SAMPLES, seed, Purpose::Sample);
            (exact.draw(&mut streams, Watch::default()).unwrap(), String::new())
        }
        None => ladder_samples(&file, &out, seed, is_test),
    };
    let populations = Populations::new(seed);
    let mut counts = [0.0; 5];
    (0..samples.n_rows()).for_each(|n| counts[populations.of_row(samples.row(n))] += 1.0);
    let shares = counts.map(|count| count / samples.n_rows() as f64);
    let truth = populations.shares();
    let pairs = || shares.into_iter().zip(truth);
    let error = pairs().map(|(share, truth)| (share - truth).abs()).fold(0.0, f64::max);
    let gap = exact.map(|exact| {
        let test = bits(&Source::Populations(seed));
        let of_truth = (0..test.n_rows()).map(|n| populations.log_probability(test.row(n)));
        let of_truth = of_truth.sum::<f64>() / test.n_rows() as f64;
        exact.log_likelihood(&test).mean - of_truth
    });
    println!(
        "| {hidden} | {seed} | {} | {error:.3} | {} | {seconds:.0} |{doubt}",
        shares.map(|share| format!("{share:.3}")).join(" "),
        gap.map_or("-".to_string(), |gap| format!("{gap:+.2}")),
    );
    error <= 0.05 && pairs().all(|(share, truth)| share >= truth / 2.0)
}

/// The test rows of generated data.
fn bits(source: &Source) -> BitMatrix {
    let test = source.read_split(Split::Test, Encoding::Undeclared).unwrap();
    let test = Examples::new(test, Binarization::Stochastic);
    test.fixed_bits(0, 0..test.n_examples())
}

/// Samples along the ladder of a run, and a remark if they are not to be trusted.
fn ladder_samples(file: &ModelFile, run: &Path, seed: u64, is_test: bool) -> (BitMatrix, String) {
    let isa = Isa::fastest();
    let weights = FixedWeights::of(&file.rbm, isa);
    let passed = rungs(run, file, isa).unwrap();
    let ladder = passed.iter().chain([&weights]).map(Rung::of_model).collect();
    let (n, n_sweeps) = if is_test { (40, 4) } else { (SAMPLES, SWEEPS) };
    let watch = Watch::default();
    let mut chains = ReplicaExchange::new(ladder, n, seed, watch).unwrap();
    (0..n_sweeps).for_each(|_| chains.sweep(watch).unwrap());
    let passage = chains.passage().unwrap();
    let doubt = passage.doubt().map_or(String::new(), |doubt| format!(" {}", doubt.reason));
    (chains.visible().unwrap(), format!(" {passage};{doubt}"))
}
