//! Models for the tests of this folder, and their distributions by enumeration.

use crate::bits::{BitMatrix, active};
use crate::model::Rbm;
use crate::units::Units;
use ndarray::{Array1, Array2};

/// A model (V, H) with pseudo-random parameters from -1 to 1.
pub fn model(n_visible: usize, n_hidden: usize) -> Rbm {
    let value = |at: usize| ((at * 2_654_435_761) % 8192) as f32 / 4096.0 - 1.0;
    Rbm::new(
        Array2::from_shape_fn((n_visible, n_hidden), |(i, j)| value(i * 971 + j * 37)),
        Array1::from_shape_fn(n_visible, |i| value(i + 77)),
        Array1::from_shape_fn(n_hidden, |j| value(3 * j + 5)),
    )
    .unwrap()
}

/// A model of two modes, all on and all off, between which plain chains hardly ever move.
pub fn two_modes() -> Rbm {
    Rbm::new(
        Array2::from_elem((6, 3), 3.0),
        Array1::from_shape_fn(6, |i| -4.5 + 0.1 * i as f32),
        Array1::from_elem(3, -9.2),
    )
    .unwrap()
}

/// Likewise with sites: in one mode each has its last value, in the other any but that.
pub fn two_modes_of_sites() -> Rbm {
    let units = Units::of_sites(SITES).unwrap();
    let is_last: Vec<f32> = units
        .sites()
        .flat_map(|site| (site.start + 1..=site.end).map(move |next| next == site.end))
        .map(|is_last| f32::from(u8::from(is_last)))
        .collect();
    Rbm::of_sites(
        units,
        Array2::from_shape_fn((10, 3), |(i, _)| 4.5 * is_last[i]),
        Array1::from_shape_fn(10, |i| 0.1 * (i % 3) as f32 - 6.3 * is_last[i]),
        Array1::from_elem(3, -9.2),
    )
    .unwrap()
}

pub const SITES: [usize; 4] = [3, 1, 4, 2];

/// The states of a model of few units, as words.
pub fn words(units: &Units) -> Vec<u64> {
    let has_one = |word: u64, site: std::ops::Range<usize>| {
        site.len() == 1 || (word >> site.start & ((1 << site.len()) - 1)).is_power_of_two()
    };
    let is_state = |word: &u64| units.sites().all(|site| has_one(*word, site));
    (0..1 << units.n_units()).filter(is_state).collect()
}

/// p_β(v) of these states by enumeration.
pub fn distribution(rbm: &Rbm, words: &[u64], log_odds: &[f32], beta: f64) -> Vec<f64> {
    let log_p = |&v: &u64| {
        let visible: f64 = active(&[v])
            .map(|i| {
                let b = f64::from(rbm.visible_bias()[i]);
                (1.0 - beta) * f64::from(log_odds[i]) + beta * b
            })
            .sum();
        let hidden = rbm.hidden_inputs(&[v]);
        visible + hidden.iter().map(|&x| crate::units::softplus(beta * x)).sum::<f64>()
    };
    let p: Vec<f64> = words.iter().map(|v| log_p(v).exp()).collect();
    let z: f64 = p.iter().sum();
    p.iter().map(|p| p / z).collect()
}

/// Pearson's χ² of visible states, of which `words` are all, and its degrees of freedom. States with
/// expected counts below 5 are pooled.
fn chi_squared(states: &BitMatrix, words: &[u64], probabilities: &[f64]) -> (f64, f64) {
    let mut counts = vec![0.0; words.len()];
    for n in 0..states.n_rows() {
        counts[words.binary_search(&states.row(n)[0]).expect("a state of the model")] += 1.0;
    }
    let (mut statistic, mut degrees, mut rest) = (0.0, 0.0, (0.0, 0.0));
    for (count, p) in counts.iter().zip(probabilities) {
        let expected = p * states.n_rows() as f64;
        if expected >= 5.0 {
            statistic += (count - expected).powi(2) / expected;
            degrees += 1.0;
        } else {
            rest = (rest.0 + count, rest.1 + expected);
        }
    }
    (statistic + (rest.0 - rest.1).powi(2) / rest.1.max(1e-9), degrees)
}

/// Whether visible states, of which `words` are all, come from a distribution over these, by a χ² that is exceeded
/// with probability 1e-6 (Wilson and Hilferty, 1931); else the figures.
pub fn fits(states: &BitMatrix, words: &[u64], probabilities: &[f64]) -> Result<(), String> {
    let (found, degrees) = chi_squared(states, words, probabilities);
    let spread = 2.0 / (9.0 * degrees);
    let bound = degrees * (1.0 - spread + 4.7534 * spread.sqrt()).powi(3);
    if found < bound { Ok(()) } else { Err(format!("χ² = {found}, at most {bound}")) }
}
