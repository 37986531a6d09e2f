//! Free energies. Their mean over held-out examples rises above the mean over the training data when the
//! model begins to overfit (Hinton, 2012, section 6).

use super::Score;
use crate::dataset::WeightedRows;
use crate::error::Result;
use crate::kernels::Isa;
use crate::model::Rbm;
use crate::states::VisibleStates;
use crate::watch::Watch;
use rayon::prelude::*;

/// The number of rows in a piece of work.
const ROWS: usize = 64;

/// F(v) = −b·v − Σⱼ softplus(cⱼ + Σᵢ vᵢ Wᵢⱼ) of every row of `visible` (N, V), in nats.
///
/// # Errors
/// As [`Rbm::mean_hidden`]; [`Error::Interrupted`](crate::Error::Interrupted).
pub fn free_energies<'a>(
    rbm: &Rbm,
    visible: impl Into<VisibleStates<'a>>,
    isa: Isa,
    watch: Watch<'_>,
) -> Result<Vec<f64>> {
    let visible = visible.into();
    rbm.check_visible(visible)?;
    let mut energies = vec![0.0; visible.n_rows()];
    energies.par_chunks_mut(ROWS).enumerate().try_for_each(|(piece, energies)| {
        let first = piece * ROWS;
        let rows = visible.numbers_of(first..first + energies.len());
        let inputs = rbm.hidden_inputs_of_reals(isa, &rows);
        let rows = rows.rows().zip(inputs.chunks_exact(rbm.n_hidden()));
        for ((row, inputs), energy) in rows.zip(energies) {
            watch.check()?;
            let of_bias = row.iter().map(|(i, v)| f64::from(v) * f64::from(rbm.visible_bias()[i]));
            *energy = -of_bias.sum::<f64>() - rbm.hidden_units().cumulant_by(isa, inputs);
        }
        Ok(())
    })?;
    Ok(energies)
}

/// The mean of F(v) over the rows of `visible` (N, V), in nats.
///
/// # Errors
/// As [`free_energies`].
///
/// # Panics
/// If examples lack values. [`Observed`](super::Observed) then has their free energy.
pub fn mean_free_energy<'a>(
    rbm: &Rbm,
    visible: impl Into<WeightedRows<'a>>,
    isa: Isa,
    watch: Watch<'_>,
) -> Result<Score> {
    let rows = visible.into();
    let WeightedRows { bits, missing, .. } = rows;
    assert!(missing.is_none(), "what examples lack has to be summed out: `Observed`");
    Ok(Score::of_rows(&free_energies(rbm, bits, isa, watch)?, rows))
}

/// How far one mean free energy lies above another, in nats, and the standard error of the difference.
/// The two sets of examples are taken as independent.
pub fn free_energy_gap(one: &Score, other: &Score) -> (f64, f64) {
    (one.mean - other.mean, one.standard_error.hypot(other.standard_error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::BitMatrix;
    use crate::reals::RealRows;
    use ndarray::{Array1, Array2};

    #[test]
    fn real_numbers_have_the_free_energy_of_the_formula() {
        let value = |at: usize| (at * 7 % 13) as f32 / 6.0 - 1.0;
        let rbm = Rbm::new(
            Array2::from_shape_fn((5, 3), |(i, j)| value(i * 3 + j)),
            Array1::from_shape_fn(5, value),
            Array1::from_shape_fn(3, |j| value(j + 9)),
        )
        .unwrap();
        let bits = BitMatrix::from_fn(4, 5, |n, i| (n + i * i) % 3 == 0);
        let energies = |visible: VisibleStates<'_>| {
            free_energies(&rbm, visible, Isa::fastest(), Watch::default()).unwrap()
        };
        let found = energies((&bits).into());
        assert_eq!(energies((&RealRows::from(&bits)).into()), found);
        assert!((0..4).all(|n| (rbm.free_energy(bits.row(n)) - found[n]).abs() < 1e-13));
        // F(v) = −b·v − Σⱼ softplus(cⱼ + Σᵢ vᵢ Wᵢⱼ) for real v.
        let mut half = RealRows::new(5);
        half.push([0.5, 0.0, -2.0, 0.0, 1.25]);
        let mut expected = 0.0;
        for (i, v) in half.row(0).iter() {
            expected -= f64::from(v) * f64::from(value(i));
        }
        for j in 0..3 {
            let inputs =
                half.row(0).iter().map(|(i, v)| f64::from(v) * f64::from(value(i * 3 + j)));
            expected -= crate::units::softplus(f64::from(value(j + 9)) + inputs.sum::<f64>());
        }
        let found = energies((&half).into());
        assert!((found[0] - expected).abs() < 1e-13, "{found:?} {expected}");
    }

    #[test]
    fn the_gap_of_independent_pixels_is_the_difference_of_their_biases() {
        let bias = Array1::from(vec![1.0, -2.0]);
        let rbm = Rbm::new(Array2::zeros((2, 3)), bias, Array1::zeros(3)).unwrap();
        let set = |unit: usize| BitMatrix::from_fn(4, 2, |_, i| i == unit);
        let mean =
            |unit| mean_free_energy(&rbm, &set(unit), Isa::fastest(), Watch::default()).unwrap();
        assert_eq!(free_energy_gap(&mean(1), &mean(0)), (3.0, 0.0));
    }
}
