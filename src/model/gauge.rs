//! Gauges: other parameters of the same model.

use super::Rbm;
use crate::units::Units;
use ndarray::s;
use std::ops::Range;

impl Rbm {
    /// The same model in the zero-sum gauge: at each categorical site, b and each column of W sum to 0 over the
    /// site's values.
    ///
    /// One value of a categorical site is on, so a number that is added to b at all its values changes log Z
    /// alone, and one that is added to a column of W moves that hidden unit's bias:
    ///
    /// ```text
    /// W_ia,j → W_ia,j − mean_a W_ia,j      b_ia → b_ia − mean_a b_ia      c_j → c_j + Σ_i mean_a W_ia,j
    /// ```
    ///
    /// p(v, h) stays as it is, up to the rounding to f32, and log Z falls by
    /// [`zero_sum_shift`](Self::zero_sum_shift). Bits, which may be off, stay as they are: nothing of theirs is
    /// free.
    ///
    /// ```
    /// use harmonium::Rbm;
    /// use harmonium::units::Units;
    /// use ndarray::array;
    /// let (w, b, c) = (array![[1.0], [2.0], [6.0], [5.0]], array![0.0, 1.0, 2.0, 7.0], array![0.5]);
    /// let rbm = Rbm::of_sites(Units::of_sites([3, 1])?, w, b, c)?.zero_sum_gauge();
    /// assert_eq!(rbm.weights(), array![[-2.0], [-1.0], [3.0], [5.0]]);
    /// assert_eq!(rbm.visible_bias(), array![-1.0, 0.0, 1.0, 7.0]);
    /// assert_eq!(rbm.hidden_bias(), array![3.5]);
    /// # Ok::<(), harmonium::Error>(())
    /// ```
    pub fn zero_sum_gauge(&self) -> Self {
        let mut weights = self.weights.clone();
        let mut visible_bias = self.visible_bias.clone();
        let mut hidden_bias = self.hidden_bias.mapv(f64::from);
        for units in categories(&self.visible_units) {
            let mut weights = weights.slice_mut(s![units.clone(), ..]);
            for (mut column, bias) in weights.columns_mut().into_iter().zip(&mut hidden_bias) {
                let mean = mean(column.iter().copied());
                column.mapv_inplace(|weight| (f64::from(weight) - mean) as f32);
                *bias += mean;
            }
            let mut biases = visible_bias.slice_mut(s![units]);
            let mean = mean(biases.iter().copied());
            biases.mapv_inplace(|bias| (f64::from(bias) - mean) as f32);
        }
        let hidden_bias = hidden_bias.mapv(|bias| bias as f32);
        Self { weights, visible_bias, hidden_bias, ..self.clone() }
    }

    /// By how much log Z falls in the [zero-sum gauge](Self::zero_sum_gauge): the sum over categorical sites of
    /// the mean of b.
    pub fn zero_sum_shift(&self) -> f64 {
        let biases = |units| mean(self.visible_bias.slice(s![units]).iter().copied());
        categories(&self.visible_units).map(biases).sum()
    }
}

/// The units of each categorical site.
fn categories(units: &Units) -> impl Iterator<Item = Range<usize>> + '_ {
    units.sites().filter(|units| units.len() > 1)
}

fn mean(values: impl ExactSizeIterator<Item = f32>) -> f64 {
    let n = values.len() as f64;
    values.map(f64::from).sum::<f64>() / n
}
