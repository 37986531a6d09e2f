//! Couplings of bits that are 0 or 1, by inclusion and exclusion.
//!
//! ```text
//! h_a  = S(a) − S() + b_a
//! J_ab = S(a, b) − S(a) − S(b) + S()                          S(A) = Σⱼ softplus(cⱼ + Σ_{a ∈ A} W_aj)
//! ```
//!
//! and so on: what −F of the bits of a set alone has beyond all that its subsets have.

use super::Couplings;
use crate::error::Result;
use crate::kernels::Isa;
use crate::model::Rbm;
use crate::watch::Watch;
use ndarray::{Array2, Axis};
use rayon::prelude::*;

/// Writes the couplings of units in rising order. A pair costs a softplus for each hidden unit, as does a triple.
pub fn fill(rbm: &Rbm, couplings: &mut Couplings, isa: Isa, watch: Watch<'_>) -> Result<()> {
    let n = rbm.n_visible();
    let sum = |inputs: &[f64]| rbm.hidden_units().cumulant_by(isa, inputs);
    let biases: Vec<f64> = rbm.hidden_bias().iter().map(|&c| f64::from(c)).collect();
    // What a bit adds to S, without its b.
    let none = sum(&biases);
    let mut alone = vec![0.0; n];
    let mut pairs = Array2::<f64>::zeros((n, n));
    let with = |inputs: &[f64], unit: usize, to: &mut Vec<f64>| {
        to.clear();
        to.extend(inputs.iter().zip(rbm.weights().row(unit)).map(|(x, &w)| x + f64::from(w)));
    };
    alone.par_iter_mut().enumerate().for_each(|(unit, alone)| {
        let mut inputs = Vec::new();
        with(&biases, unit, &mut inputs);
        *alone = sum(&inputs) - none;
    });
    let count = watch.counter("pairs", n as u64);
    pairs.axis_iter_mut(Axis(0)).into_par_iter().enumerate().try_for_each(|(first, mut row)| {
        let (mut of_first, mut of_both) = (Vec::new(), Vec::new());
        with(&biases, first, &mut of_first);
        for second in first + 1..n {
            with(&of_first, second, &mut of_both);
            row[second] = sum(&of_both) - none - alone[first] - alone[second];
        }
        count(1)
    })?;
    if let Some(triples) = &mut couplings.triples {
        let count = watch.counter("triples", n as u64);
        triples.axis_iter_mut(Axis(0)).into_par_iter().enumerate().try_for_each(
            |(first, mut slab)| {
                let [mut of_first, mut of_two, mut of_all] = [(); 3].map(|()| Vec::new());
                with(&biases, first, &mut of_first);
                for second in first + 1..n {
                    watch.check()?;
                    with(&of_first, second, &mut of_two);
                    for third in second + 1..n {
                        with(&of_two, third, &mut of_all);
                        let of_bits = alone[first] + alone[second] + alone[third];
                        let of_pairs =
                            pairs[[first, second]] + pairs[[first, third]] + pairs[[second, third]];
                        slab[[second, third]] = sum(&of_all) - none - of_bits - of_pairs;
                    }
                }
                count(1)
            },
        )?;
    }
    let fields = alone.iter().zip(rbm.visible_bias()).map(|(alone, &b)| f64::from(b) + alone);
    couplings.fields = fields.collect();
    couplings.pairs = pairs;
    Ok(())
}
