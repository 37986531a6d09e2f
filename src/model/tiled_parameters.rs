//! The parameters of a model in the layout of the kernels.

use super::{Rbm, largest_norm};
use crate::error::Result;
use crate::kernels::tiled::{Padded, Tiled};
use crate::layout::Layout;
use crate::memory::Bytes;
use crate::ranks::Ranks;
use crate::state::{Number, State};
use crate::units::Units;
use bytemuck::Pod;
use ndarray::{Array1, Array2};

/// One value for each parameter of a model (V, H): the parameter itself, its fixed-point form, or the
/// state that an update rule keeps for it.
#[derive(Clone, Debug, PartialEq)]
pub struct TiledParameters<T> {
    /// The visible units.
    pub visible_units: Units,
    /// The hidden units.
    pub hidden_units: Units,
    /// The values for W (V, H).
    pub weights: Tiled<T>,
    /// The values for b (V).
    pub visible_bias: Padded<T>,
    /// The values for c (H).
    pub hidden_bias: Padded<T>,
}

impl<T: Copy + Default + Send + Sync> TiledParameters<T> {
    /// The memory of the values for a model of these layers.
    pub fn bytes(visible: impl Into<Layout>, hidden: impl Into<Layout>) -> Bytes {
        let (visible, hidden) = (visible.into(), hidden.into());
        Tiled::<T>::bytes(&visible, &hidden)
            + Padded::<T>::bytes(visible)
            + Padded::<T>::bytes(hidden)
    }

    /// Number of visible units, V.
    pub fn n_visible(&self) -> usize {
        self.visible_units.n_units()
    }

    /// Number of hidden units, H.
    pub fn n_hidden(&self) -> usize {
        self.hidden_units.n_units()
    }

    /// Calls `change` with the values of every parameter in `self` and `other`, in parallel.
    ///
    /// # Panics
    /// If the sizes of the models differ.
    pub fn zip<U: Copy + Default + Send + Sync>(
        &mut self,
        other: &TiledParameters<U>,
        change: impl Fn(&mut T, &U) + Sync,
    ) {
        self.weights.zip(&other.weights, &change);
        self.visible_bias.zip(&other.visible_bias, &change);
        self.hidden_bias.zip(&other.hidden_bias, &change);
    }

    /// The values `number(x)` for the same parameters, computed in parallel. `number` should turn
    /// `T::default()` into `U::default()`.
    pub fn map<U: Copy + Default + Send + Sync>(
        &self,
        number: impl Fn(T) -> U + Sync,
    ) -> TiledParameters<U> {
        TiledParameters {
            visible_units: self.visible_units.clone(),
            hidden_units: self.hidden_units.clone(),
            weights: self.weights.map(&number),
            visible_bias: self.visible_bias.map(&number),
            hidden_bias: self.hidden_bias.map(&number),
        }
    }
}

impl<T: Pod + Default + Send + Sync> TiledParameters<T> {
    /// Gives every rank the weights of the hidden panels of the others. All have the biases.
    ///
    /// # Errors
    /// [`Error::Ranks`](crate::Error::Ranks).
    pub(crate) fn gather(&mut self, ranks: &Ranks) -> Result<()> {
        let Self { hidden_units, weights, .. } = self;
        let n_panels = weights.n_panels();
        let panels_of = |rank| hidden_units.panels_of(ranks, rank);
        ranks.share(&mut [weights.tiles_mut()], n_panels, panels_of)
    }
}

impl<T> TiledParameters<T> {
    /// Reads values for the same parameters that were [saved](Self::save).
    ///
    /// # Errors
    /// As [`State::get`].
    pub fn restored<U: Number + Default + Send + Sync>(
        &self,
        prefix: &str,
        state: &State,
    ) -> Result<TiledParameters<U>> {
        let (visible_units, hidden_units) = (self.visible_units.clone(), self.hidden_units.clone());
        let (visible, hidden) = (visible_units.layout(), hidden_units.layout());
        Ok(TiledParameters {
            weights: Tiled::restore(&format!("{prefix}weights"), state, visible, hidden)?,
            visible_bias: Padded::restore(&format!("{prefix}visible_bias"), state, visible)?,
            hidden_bias: Padded::restore(&format!("{prefix}hidden_bias"), state, hidden)?,
            visible_units,
            hidden_units,
        })
    }
}

impl<T: Number + Default + Send + Sync> TiledParameters<T> {
    /// Puts the three arrays under names that begin with `prefix`, as [`Rbm::save`] does.
    pub fn save(&self, prefix: &str, state: &mut State) {
        self.weights.save(format!("{prefix}weights"), state);
        self.visible_bias.save(format!("{prefix}visible_bias"), state);
        self.hidden_bias.save(format!("{prefix}hidden_bias"), state);
    }
}

impl TiledParameters<f32> {
    /// The model with these parameters.
    ///
    /// # Panics
    /// If they are not finite.
    pub fn to_rbm(&self) -> Rbm {
        let bias = |values: &Padded<f32>| Array1::from(values.values());
        let shape = (self.n_visible(), self.n_hidden());
        let weights = Array2::from_shape_vec(shape, self.weights.to_matrix());
        let weights = weights.expect("as many values");
        let units = [self.visible_units.clone(), self.hidden_units.clone()];
        Rbm::of_units(units, weights, bias(&self.visible_bias), bias(&self.hidden_bias))
            .expect("finite parameters")
    }

    /// [`Rbm::norm`] of the model, with the same bits.
    pub fn norm(&self) -> f64 {
        let rows = (0..self.n_visible()).map(|i| self.weights.row(i));
        largest_norm(rows, &self.visible_bias.values(), &self.hidden_bias.values())
    }
}

impl From<&Rbm> for TiledParameters<f32> {
    fn from(rbm: &Rbm) -> Self {
        let weights = rbm.weights().as_slice().expect("standard layout");
        let bias = |values: &Array1<f32>, units: &Units| {
            Padded::from_vector(values.as_slice().expect("standard layout"), units.layout())
        };
        let (visible_units, hidden_units) = (rbm.visible_units(), rbm.hidden_units());
        Self {
            weights: Tiled::from_matrix(weights, visible_units.layout(), hidden_units.layout()),
            visible_bias: bias(rbm.visible_bias(), visible_units),
            hidden_bias: bias(rbm.hidden_bias(), hidden_units),
            visible_units: visible_units.clone(),
            hidden_units: hidden_units.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model() -> Rbm {
        let value = |at: usize| (at % 17) as f32 / 7.0 - 1.0;
        Rbm::new(
            Array2::from_shape_fn((70, 130), |(i, j)| value(i * 5 + j)),
            Array1::from_shape_fn(70, value),
            Array1::from_shape_fn(130, |j| value(j * 3)),
        )
        .unwrap()
    }

    #[test]
    fn a_model_keeps_its_parameters_and_norm_in_tiles() {
        let parameters = TiledParameters::from(&model());
        assert_eq!(parameters.to_rbm(), model());
        assert_eq!(parameters.norm().to_bits(), model().norm().to_bits());
        assert_eq!((parameters.n_visible(), parameters.n_hidden()), (70, 130));
    }

    #[test]
    fn tiles_are_saved_as_a_model_is() {
        let parameters = TiledParameters::from(&model());
        let (mut ours, mut theirs) = (State::default(), State::default());
        parameters.save("average.", &mut ours);
        model().save("average.", &mut theirs);
        assert_eq!(ours, theirs);
        let restored: TiledParameters<f32> = parameters.restored("average.", &ours).unwrap();
        assert_eq!(restored, parameters);
        assert!(parameters.restored::<f32>("other.", &ours).is_err());
    }

    #[test]
    fn zip_and_map_pair_values_of_the_same_parameter() {
        let parameters = TiledParameters::from(&model());
        let mut memory = parameters.map(|_| [0.0_f32; 2]);
        memory.zip(&parameters, |pair, &x| pair[1] = x + x);
        assert_eq!(memory.map(|pair| pair[1]), parameters.map(|x| x + x));
        assert_eq!(memory.map(|pair| pair[0]), parameters.map(|_| 0.0));
    }
}
