//! How often is `believable` wrong? This bench evaluates models whose log Z is known, all by the same method, and
//! counts the believable intervals that miss it.
//!
//! `cargo bench --bench verdict` takes 2,000 models, in about an hour on two cores. `-- 300` takes 300,
//! `-- 300 700` takes the models 300 to 699, and `-- --test` takes a few, as a test. With `pt` as an argument log Z is by
//! parallel tempering, with `ais` by annealing (the default). The output names every
//! model whose interval misses. `benches/README.md` has the table of a whole run.

mod models;

use harmonium::BitMatrix;
use harmonium::evaluate::{Method, Verdict};
use models::{FAMILIES, Model};
use std::time::Instant;

/// The counts of a family.
#[derive(Clone, Debug, Default)]
struct Count {
    n: usize,
    n_believable: usize,
    /// The distances of log Z from believable intervals that miss it.
    misses: Vec<f64>,
    /// Estimated minus true log Z, of believable and of doubtful estimates.
    errors: [Vec<f64>; 2],
    seconds: Vec<f64>,
}

impl Count {
    fn add(&mut self, other: &Self) {
        self.n += other.n;
        self.n_believable += other.n_believable;
        self.misses.extend(&other.misses);
        (0..2).for_each(|which| self.errors[which].extend(&other.errors[which]));
        self.seconds.extend(&other.seconds);
    }

    fn row(&self, name: &str) -> String {
        let root_mean_square = |errors: &[f64]| {
            (errors.iter().map(|x| x * x).sum::<f64>() / errors.len() as f64).sqrt()
        };
        let mut seconds = self.seconds.clone();
        seconds.sort_by(f64::total_cmp);
        format!(
            "| {name} | {} | {} | {} | {:.2} | {:.3} | {:.2} | {:.2} |",
            self.n,
            self.n_believable,
            self.misses.len(),
            self.misses.iter().copied().fold(0.0, f64::max),
            root_mean_square(&self.errors[0]),
            root_mean_square(&self.errors[1]),
            seconds.get(seconds.len() / 2).copied().unwrap_or_default(),
        )
    }
}

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).filter(|name| name != "--bench").collect();
    let is_test = arguments.iter().any(|argument| argument == "--test");
    let methods: Vec<Method> =
        arguments.iter().filter_map(|argument| argument.parse().ok()).collect();
    let method = methods.first().copied().unwrap_or(Method::Ais);
    let numbers: Vec<u64> = arguments.iter().filter_map(|argument| argument.parse().ok()).collect();
    let models = match numbers[..] {
        _ if is_test => 0..FAMILIES.len() as u64,
        [] => 0..2000,
        [n] => 0..n,
        [from, to, ..] => from..to,
    };
    let mut families = vec![Count::default(); FAMILIES.len()];
    for number in models {
        let model = Model::of(number);
        let clock = Instant::now();
        // log Z does not depend on the examples.
        let found = model.evaluate(method, &BitMatrix::zeros(1, model.rbm.n_visible()), number);
        let count = &mut families[(number % FAMILIES.len() as u64) as usize];
        count.seconds.push(clock.elapsed().as_secs_f64());
        count.n += 1;
        let is_believable = found.verdict == Verdict::Believable;
        count.n_believable += usize::from(is_believable);
        count.errors[usize::from(!is_believable)].push(found.log_z - model.log_z);
        let outside = (found.log_z_low - model.log_z).max(model.log_z - found.log_z_high);
        if is_believable && outside > 0.0 {
            count.misses.push(outside);
            println!(
                "missed by {outside:.3}: model {number} ({}), log Z {:.3}, found {:.3} ({:.3} to {:.3})",
                model.note, model.log_z, found.log_z, found.log_z_low, found.log_z_high
            );
        }
    }
    println!("{method}, {} threads", rayon::current_num_threads());
    println!(
        "| family | models | believable | interval misses | worst miss, nats | error, rms | error of \
         doubtful ones, rms | seconds, median |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    let mut all = Count::default();
    for (name, count) in FAMILIES.iter().zip(&families) {
        all.add(count);
        println!("{}", count.row(name));
    }
    println!("{}", all.row("all"));
}
