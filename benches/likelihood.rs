//! The quality of the presets: trains a model with each, evaluates it, and prints a row of the table in
//! `benches/README.md` with the published value.
//!
//! `cargo bench --bench likelihood` makes all rows, in about half an hour on two cores.
//! `cargo bench --bench likelihood -- mnist-500 shifter-32` makes only these rows; `-- --test` makes all
//! rows with a few updates, as a test. A row equals the result of `harmonium train` and
//! `harmonium evaluate` with the same settings: the same bits are trained on and scored. The time includes
//! only the updates, not monitors and files.

use harmonium::dataset::{Binarization, Encoding, Examples, Source, Split};
use harmonium::evaluate::{AnnealingSchedule, Base, EvaluationConfig, Evaluator, Evidence, Method};
use harmonium::gibbs::{FixedModel, FixedWeights};
use harmonium::kernels::Isa;
use harmonium::preset::Preset;
use harmonium::{TrainConfig, Trainer};
use std::time::Instant;

struct Row {
    name: &'static str,
    data: Source,
    is_inverted: bool,
    config: TrainConfig,
    published: &'static str,
}

fn rows() -> Vec<Row> {
    let row = |name, preset: &str, published| {
        let Preset { data, config, .. } = Preset::find(preset).unwrap();
        Row { name, data, is_inverted: false, config, published }
    };
    let with = |row: Row, change: &dyn Fn(&mut TrainConfig)| {
        let mut config = row.config.clone();
        change(&mut config);
        Row { config, ..row }
    };
    let exact = "mnist-16-exact";
    vec![
        row("mnist-16", exact, "-142.56 centred, -149.05 not (PyDeep)"),
        Row {
            is_inverted: true,
            ..row("mnist-16-inverted", exact, "-142.09 centred, -183.36 not (PyDeep)")
        },
        with(row("mnist-25", exact, "about -129.2 (Tieleman and Hinton, 2009)"), &|config| {
            config.hidden = Some(25);
            config.binarize = Binarization::Stochastic;
        }),
        with(
            row("mnist-500-5min", "mnist-500", "-86.34 (Salakhutdinov and Murray, 2008)"),
            &|config| config.epochs = Some(FIVE_MINUTES),
        ),
        row("mnist-500", "mnist-500", "-86.34 (Salakhutdinov and Murray, 2008)"),
        row(
            "mnist-500-threshold",
            "mnist-500-threshold",
            "-84.86 forward, -96.61 reverse (PyDeep)",
        ),
        row("bars-and-stripes", "bars-and-stripes", "at most -3.3791"),
        row("shifter-32", "shifter", "at most -6.6438"),
        with(row("shifter-20", "shifter", "at most -6.6438"), &|config| config.hidden = Some(20)),
    ]
}

/// Epochs of `mnist-500` that take less than five minutes on two cores.
const FIVE_MINUTES: usize = 450;

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).filter(|name| name != "--bench").collect();
    let is_test = arguments.iter().any(|argument| argument == "--test");
    let wanted: Vec<_> = arguments.iter().filter(|name| !name.starts_with("--")).collect();
    let names: Vec<_> = rows().iter().map(|row| row.name).collect();
    for name in &wanted {
        assert!(names.contains(&name.as_str()), "no row {name}; the rows are {}", names.join(", "));
    }
    println!("{} threads", rayon::current_num_threads());
    println!("| row | sizes | training | test log-likelihood | how | published |");
    println!("| --- | --- | --- | --- | --- | --- |");
    for row in rows() {
        if wanted.is_empty() || wanted.iter().any(|name| *name == row.name) {
            run(row, is_test);
        }
    }
}

fn run(mut row: Row, is_test: bool) {
    let read = |split| {
        let data = row.data.read_split(split, Encoding::Undeclared).unwrap();
        let data = if is_test { data.first(300).unwrap() } else { data };
        Examples::new(if row.is_inverted { data.inverted() } else { data }, row.config.binarize)
    };
    let (training, test) = (read(Split::Train), read(Split::Test));
    let base = Base::of_mean(&training.units(), &training.mean(), "mean of the training data");
    if is_test {
        row.config.epochs = Some(2);
    }
    let clock = Instant::now();
    let mut trainer = Trainer::new(row.config.clone(), training).unwrap();
    while !trainer.is_done() {
        trainer.update().unwrap();
    }
    let seconds = clock.elapsed().as_secs_f64();
    let rbm = trainer.model();

    let visible = test.fixed_bits(0, 0..test.n_examples());
    let config = if is_test {
        let schedule = AnnealingSchedule::Linear(20);
        EvaluationConfig { method: Method::Ais, schedule, burn_in: 10, ..Default::default() }
    } else if rbm.n_hidden() <= 28 || rbm.n_visible() <= 28 {
        EvaluationConfig { method: Method::Exact, ..EvaluationConfig::default() }
    } else {
        EvaluationConfig::default()
    };
    let chains = trainer.chains().visible();
    let weights = FixedWeights::of(&rbm, Isa::fastest());
    let model = FixedModel { rbm: &rbm, weights: &weights };
    let evaluator = Evaluator::new(model).config(config).base(base);
    let evaluator = evaluator.model_states(&chains, "the chains of the run");
    let evaluation = evaluator.evaluate(&visible).unwrap();
    let score = evaluation.log_likelihood;
    let how = match &evaluation.evidence {
        None => "exact".to_string(),
        Some(Evidence { sides, .. }) => {
            let at = |log_z: f64| score.mean + evaluation.log_z - log_z;
            format!(
                "{}: forward {:.2}, reverse {:.2}, ESS {:.0} of {}",
                evaluation.verdict.name(),
                at(sides.forward.log_z.log_z),
                at(sides.reverse.log_z.log_z),
                sides.forward.weights.ess,
                sides.n_chains
            )
        }
    };
    println!(
        "| {} | {}-{} | {} epochs, {seconds:.0} s | {:.4} ± {:.4} | {how} | {} |",
        row.name,
        rbm.n_visible(),
        rbm.n_hidden(),
        trainer.n_epochs(),
        score.mean,
        score.standard_error,
        row.published
    );
}
