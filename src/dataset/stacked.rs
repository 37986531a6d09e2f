//! Data sets whose examples follow each other.

use super::Dataset;
use super::values::Values;
use crate::bits::BitMatrix;
use crate::error::Result;

impl Dataset {
    /// The examples of all, one set after the other, without labels and weights; they must agree in their encoding,
    /// the kind and number of their units, and their images.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`](crate::Error::OutOfMemory).
    ///
    /// # Panics
    /// If there are none.
    pub(super) fn stacked(name: String, all: Vec<Self>) -> Result<Self> {
        let n_left_out = all.iter().map(|data| data.n_left_out).sum();
        let missing = all.iter().any(|data| data.missing.is_some()).then(|| {
            let none = |data: &Self| BitMatrix::zeros(data.n_examples(), data.n_visible());
            let of = |data: &Self| data.missing.clone().unwrap_or_else(|| none(data));
            BitMatrix::concatenate(&all.iter().map(of).collect::<Vec<_>>())
        });
        let titles = all.iter().map(|data| data.titles.clone()).collect::<Option<Vec<_>>>();
        let (image_shape, unit_names) = (all[0].image_shape, all[0].unit_names.clone());
        let (encoding, sites) = (all[0].encoding.clone(), all[0].sites.clone());
        let values = Values::stacked(&name, all.into_iter().map(|data| data.values).collect())?;
        Ok(Self {
            image_shape,
            sites,
            unit_names,
            missing,
            n_left_out,
            titles: titles.map(|titles| titles.concat()),
            ..Self::from_values(name, values).with_encoding(encoding)
        })
    }
}
