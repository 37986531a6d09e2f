//! How well an example survives one step to the hidden units and back.

use super::Score;
use crate::bits::active;
use crate::dataset::WeightedRows;
use crate::error::Result;
use crate::gibbs::{Chains, FixedModel};
use crate::rng::{Purpose, Stream};
use crate::states::{States, VisibleStates};
use crate::watch::Watch;
use ndarray::Array2;

/// p(v' | h) (N, V) with h drawn from p(h | v), for every row v of `visible` (N, V). The draw
/// depends on (seed, example) alone, so it is the same on every call.
///
/// # Errors
/// [`Error::WidthMismatch`](crate::Error::WidthMismatch) if the rows are not V wide;
/// [`Error::OutOfMemory`](crate::Error::OutOfMemory).
pub fn reconstruct<'a>(
    model: FixedModel<'_>,
    visible: impl Into<VisibleStates<'a>>,
    seed: u64,
) -> Result<Array2<f32>> {
    let visible = visible.into();
    model.rbm.check_visible(visible)?;
    reconstruct_watched(model, visible, seed, Watch::default())
}

/// [`reconstruct`] for rows that may lack values: h is drawn given what they have.
pub(crate) fn reconstruct_given<'a>(
    model: FixedModel<'_>,
    visible: impl Into<WeightedRows<'a>>,
    seed: u64,
    watch: Watch<'_>,
) -> Result<Array2<f32>> {
    let WeightedRows { bits, missing, .. } = visible.into();
    model.rbm.check_given(bits, missing)?;
    reconstruct_watched(model, bits.into(), seed, watch)
}

fn reconstruct_watched(
    FixedModel { rbm, weights }: FixedModel<'_>,
    visible: VisibleStates<'_>,
    seed: u64,
    watch: Watch<'_>,
) -> Result<Array2<f32>> {
    Chains::check_memory(weights, visible.n_rows(), &[])?;
    let streams = (0..visible.n_rows() as u64)
        .map(|example| Stream::new(seed, Purpose::Reconstruction, example))
        .collect();
    let chains = match visible {
        States::Bits(bits) => Chains::from_visible(weights, bits, streams),
        States::Reals(rows) => {
            let means = rbm.mean_hidden_on(weights.isa(), visible)?;
            Chains::from_means(weights, &rows.rounded(), means.view(), streams)
        }
    };
    weights.visible_given_hidden().means_watched(&chains.hidden(), watch)
}

/// The mean over examples of Σᵢ (vᵢ − p(vᵢ' | h))² / V: 0 is perfect, 0.25 is a guess. Of an example that lacks values,
/// only those units count that it has. It also falls when the chains freeze, so it does not measure how well a model
/// has learned.
///
/// # Errors
/// As [`reconstruct`]; [`Error::Interrupted`](crate::Error::Interrupted).
pub fn reconstruction_error<'a>(
    model: FixedModel<'_>,
    visible: impl Into<WeightedRows<'a>>,
    seed: u64,
    watch: Watch<'_>,
) -> Result<Score> {
    let rows = visible.into();
    let WeightedRows { bits, missing, .. } = rows;
    let means = reconstruct_given(model, rows, seed, watch)?;
    let error = |(n, means): (usize, ndarray::ArrayView1<'_, f32>)| {
        let is_given = |i: usize| missing.is_none_or(|missing| !missing.get(n, i));
        let given = means.indexed_iter().filter(|(i, _)| is_given(*i));
        let differences = given.map(|(i, &mean)| {
            let bit = f64::from(u8::from(bits.get(n, i)));
            (bit - f64::from(mean)).powi(2)
        });
        let n_missing = missing.map_or(0, |missing| active(missing.row(n)).count());
        differences.sum::<f64>() / (means.len() - n_missing) as f64
    };
    Ok(Score::of_rows(&means.outer_iter().enumerate().map(error).collect::<Vec<_>>(), rows))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::BitMatrix;
    use crate::gibbs::FixedWeights;
    use crate::kernels::Isa;
    use crate::model::Rbm;
    use crate::reals::RealRows;
    use ndarray::{Array1, Array2};

    #[test]
    fn a_model_that_copies_makes_no_error_and_one_without_weights_guesses() {
        let visible = BitMatrix::from_fn(20, 5, |n, i| (n >> i) & 1 == 1);
        let bias = Array1::from_elem(5, -10.0);
        let copying = Rbm::new(Array2::eye(5) * 20.0, bias.clone(), bias).unwrap();
        let idle = Rbm::new(Array2::zeros((5, 2)), Array1::zeros(5), Array1::zeros(2)).unwrap();
        let weights = [&copying, &idle].map(|rbm| FixedWeights::of(rbm, Isa::fastest()));
        let copying = FixedModel { rbm: &copying, weights: &weights[0] };
        let idle = FixedModel { rbm: &idle, weights: &weights[1] };
        let error = |model| reconstruction_error(model, &visible, 1, Watch::default()).unwrap();
        assert!(error(copying).mean < 1e-3);
        assert_eq!(error(idle).mean, 0.25);
        let means = reconstruct(copying, &visible, 1).unwrap();
        assert_eq!(reconstruct(copying, &RealRows::from(&visible), 1).unwrap(), means);
    }
}
