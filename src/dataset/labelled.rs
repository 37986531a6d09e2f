//! The weights and the labels that belong to examples.

use super::{Dataset, ExampleWeights, Labels, example_weights};
use crate::bits::BitMatrix;
use crate::error::{Error, Remedy, Result};
use crate::units::Units;

/// Examples that count unequally, or have labels.
impl Dataset {
    /// The same examples with these weights (N), which count in all means over the data. Examples of weight
    /// 0 are left out. Weights that are all equal make no difference. `name` is that of the weights in
    /// messages.
    ///
    /// ```
    /// use harmonium::dataset::Dataset;
    /// use ndarray::array;
    /// let four = Dataset::from_bytes("four", array![[0_u8], [1], [1], [0]])?;
    /// let weighted = four.weighted("w", &[0.5, 1.5, 0.0, 1.0])?;
    /// assert_eq!(weighted.n_examples(), 3);
    /// assert_eq!(weighted.weights().unwrap().n_effective(), 9.0 / 3.5);
    /// # Ok::<(), harmonium::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::BadWeights`] unless there is one for each example, all are finite and at least 0, and one
    /// is above 0.
    pub fn weighted(self, name: &str, weights: &[f64]) -> Result<Self> {
        example_weights::check(name, weights, &self.name, self.n_examples())?;
        let kept: Vec<_> = (0..weights.len()).filter(|&example| weights[example] > 0.0).collect();
        let of_kept = kept.iter().map(|&example| weights[example]).collect();
        let is_whole = kept.len() == weights.len();
        let data = if is_whole { self } else { Self { weights: None, ..self }.rows(&kept) };
        Ok(Self { weights: ExampleWeights::of(of_kept), ..data })
    }

    /// The same examples with these labels, one for each. The label is one more categorical site, the last:
    /// K units, of which that of its class is on, or none if it is unknown.
    ///
    /// ```
    /// use harmonium::dataset::{Dataset, Labels};
    /// use ndarray::array;
    /// let pixels = Dataset::from_bytes("pixels", array![[0_u8, 1], [1, 1], [0, 0]])?;
    /// let labelled = pixels.labelled(Labels::of_names("animal", &["cat", "dog", "?"], None)?)?;
    /// assert_eq!((labelled.n_features(), labelled.n_visible()), (2, 4));
    /// assert_eq!(labelled.intensity(1, 3), 1.0);
    /// # Ok::<(), harmonium::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidSetting`] if there is another number of labels than of examples.
    ///
    /// # Panics
    /// If the examples have labels.
    pub fn labelled(self, labels: Labels) -> Result<Self> {
        assert!(self.labels.is_none(), "{} has labels", self.name);
        labels.check_number(&self.name, self.n_examples())?;
        let n_classes = labels.classes().n();
        let sizes: Vec<_> = self.units().sites().map(|site| site.len()).collect();
        let sites = Units::of_sites(sizes.into_iter().chain([n_classes]))?;
        let values = self.values.with_states(n_classes, labels.of_examples());
        // An unknown label is no missing value: it is summed out.
        let missing = self.missing.as_ref().map(|missing| missing.wider(sites.n_units()));
        Ok(Self { values, missing, sites: Some(sites), labels: Some(labels), ..self })
    }

    /// The examples whose labels are known; all if they have no labels.
    ///
    /// # Errors
    /// [`Error::BadCategory`] if no label is known, with this remedy; without one they must be in a column.
    pub fn with_known_labels(self, remedy: Option<Remedy>) -> Result<Self> {
        let Some(labels) = &self.labels else { return Ok(self) };
        let known = labels.of_examples().iter().enumerate().filter(|(_, label)| label.is_some());
        let known: Vec<_> = known.map(|(example, _)| example).collect();
        if known.is_empty() {
            let column = labels.classes().column();
            let rule = match remedy {
                Some(_) => {
                    "has no labels, but p(v, label) needs them; give a file or a column of them"
                        .into()
                }
                None => format!("has no labels, but must have a column \"{column}\" of them"),
            };
            return Err(Error::BadCategory { data: self.name, rule, remedy });
        }
        if known.len() == self.n_examples() {
            return Ok(self);
        }
        Ok(self.rows(&known))
    }

    /// The same examples without their labels.
    pub fn without_labels(self) -> Self {
        let n = self.n_features();
        let sizes: Vec<_> = self.units().sites().map(|site| site.len()).collect();
        let Some((label, sizes)) = sizes.split_last().filter(|_| self.labels.is_some()) else {
            return self;
        };
        debug_assert_eq!(n + label, self.n_visible(), "the label is the last site");
        let sites = Units::of_sites(sizes.iter().copied()).expect("sites of the data");
        let missing = self.missing.as_ref().map(|missing| missing.first_columns(n));
        Self {
            values: self.values.first_columns(n),
            missing,
            labels: None,
            sites: (!sites.are_bits()).then_some(sites),
            ..self
        }
    }

    /// Where units have no value, those of unknown labels included (N, V); all off if none lacks one.
    ///
    /// ```
    /// use harmonium::dataset::{Dataset, Labels};
    /// use ndarray::array;
    /// let labels = Labels::of_names("animal", &["cat", "", "dog"], None)?;
    /// let pixel = Dataset::from_bytes("a pixel", array![[0_u8], [1], [1]])?.labelled(labels)?;
    /// assert_eq!(pixel.lacking().to_array(u8::from), array![[0, 0, 0], [0, 1, 1], [0, 0, 0]]);
    /// # Ok::<(), harmonium::Error>(())
    /// ```
    pub fn lacking(&self) -> BitMatrix {
        let none = || BitMatrix::zeros(self.n_examples(), self.n_visible());
        let mut lacking = self.missing.clone().unwrap_or_else(none);
        if let Some(labels) = &self.labels {
            for (row, label) in labels.of_examples().iter().enumerate() {
                let units = self.n_features()..self.n_visible();
                units.filter(|_| label.is_none()).for_each(|unit| lacking.set(row, unit, true));
            }
        }
        lacking
    }

    /// The labels of the examples, if they have any.
    pub fn labels(&self) -> Option<&Labels> {
        self.labels.as_ref()
    }

    /// The weights of the examples, if they differ.
    pub fn weights(&self) -> Option<&ExampleWeights> {
        self.weights.as_ref()
    }
}
