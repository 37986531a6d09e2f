//! Data: examples as files store them, and as training and scores use them.
//!
//! ```text
//!   file, npz, folder, mnist ──► unpacked ──► idx, npy, table, picture ──► stored_array ──► Encoding
//!                                        └──► category_table, fasta ──► Columns ─────────────┤ │
//!   arrays ──────────────────────────────────────────────────────────────────────────────────┘ │
//!                   rows of bits ◄── Examples ◄── Binarization ◄── Dataset (values) ◄───────────┘
//! ```
//!
//! Tables may have columns that are read apart: what is [`Beside`] the examples, labels and weights. Readers note the
//! values that are missing as holes; [`Dataset::filled`] puts predictions there. A [`Mask`] marks the
//! given units of an example, from which the others are completed. Data that are `packed` are read in place.

mod levels;
mod values;

mod lined;

mod places;

mod alphabet;

mod columns;

mod holes;

mod number_range;

mod distinct;

mod categories;

mod lacked_columns;

mod example_weights;

mod encoding;

mod from_arrays;

mod file_bytes;

mod stored_array;

mod foreign;

mod idx;
mod npy;

mod unpack;

mod picture;
mod text;

mod column_apart;

mod table;

mod category_table;

mod coded;

mod fasta;

mod npz;

#[cfg(feature = "cli")]
mod named_array;

mod packed_encoding;

mod packed;

mod file;

#[cfg(feature = "cli")]
mod long;

mod pattern;

mod sequences;

mod folder;

mod stacked;

mod shards;

mod read;

mod labels;

#[cfg(feature = "cli")]
mod mask_file;

#[cfg(feature = "cli")]
mod mask;

mod labelled;

mod populations;

mod synthetic;

mod source;

#[cfg(feature = "mnist")]
mod mnist;

mod column_source;

mod beside;

mod read_beside;

mod pack;

mod binarization;

mod reweighting;

mod weighted_bits;

mod bit_sums;

mod examples;

mod filled;

mod one_scale;

mod running_mean;

pub(crate) use alphabet::GAP;
pub use alphabet::{Alphabet, MAX_STATES, UnknownLetters};
pub use beside::{Beside, DataBeside, Found};
pub use binarization::Binarization;
pub use categories::Categories;
pub use coded::{Coded, NO_VALUE};
pub use column_source::ColumnSource;
pub use columns::{Column, ColumnKind, Columns, UNIT_NAMES, recorded_unit_names};
pub use encoding::{Encoding, MAX_GREY_LEVEL};
pub use example_weights::{ExampleWeights, n_effective};
pub use examples::Examples;
pub use holes::{MissingMask, MissingValue};
pub use labels::{Classes, Labels};
pub use lacked_columns::LackedColumns;
#[cfg(feature = "cli")]
pub(crate) use long::Wide;
#[cfg(feature = "cli")]
pub use mask::{Half, Mask};
#[cfg(feature = "cli")]
pub(crate) use named_array::{NamedArray, npz_arrays};
pub use number_range::NumberRange;
pub use populations::Populations;
pub(crate) use reweighting::one_hot;
pub use running_mean::RunningMean;
#[cfg(feature = "cli")]
pub(crate) use source::absolute;
pub use source::{Source, Split};
pub use weighted_bits::{WeightedBits, WeightedRows};

use crate::bits::{BitMatrix, active};
use crate::error::{Error, Result};
use crate::units::Units;
use categories::first_of;
use places::Places;
use values::Values;

/// Examples of intensities from 0 to 1, (examples, visible units), as read.
///
/// Data of only 0 and 1 are packed into bits when they are read, and no [`Binarization`] changes them.
///
/// ```
/// use harmonium::dataset::Dataset;
/// use ndarray::array;
/// let greys = Dataset::from_bytes("two pixels", array![[0_u8, 51], [255, 102]])?;
/// assert_eq!(greys.intensity(1, 1), 0.4);
/// assert!(!greys.is_binary());
/// # Ok::<(), harmonium::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    name: String,
    sha256: Option<String>,
    image_shape: Option<(usize, usize)>,
    values: Values,
    weights: Option<ExampleWeights>,
    /// The labels, whose site is the last of `sites`.
    labels: Option<Labels>,
    /// On where a unit has no value (examples, units), if any is on.
    missing: Option<BitMatrix>,
    /// The meaning of integers in these data and in others for the same model.
    encoding: Encoding,
    /// Whether the encoding was inferred.
    is_inferred: bool,
    /// Number of sequences with unknown letters, which are left out.
    n_left_out: usize,
    /// A note on the columns that are left out, as there is nothing to learn in them.
    left_out_columns: Option<String>,
    /// A note on the columns of a model that the table lacks.
    lacked_columns: Option<String>,
    /// The names of the units, if they are columns of a table that have some.
    unit_names: Option<Vec<String>>,
    /// The sites of an example, if they are not all bits or numbers.
    sites: Option<Units>,
    /// The first missing value, if a reader or a choice of examples said where it is in the whole data.
    first_missing: Option<FirstMissing>,
    /// The title of each example, if they are sequences of a file or rows with names.
    titles: Option<Vec<String>>,
    /// The column of the titles, if one holds them.
    titles_column: Option<String>,
    /// Where the examples are in the data as read, if some of these are left out.
    places: Option<Places>,
}

impl Dataset {
    /// The units of an example.
    pub fn units(&self) -> Units {
        self.sites.clone().unwrap_or_else(|| Units::bits(self.n_visible()))
    }

    fn from_values(name: String, values: Values) -> Self {
        let (n_examples, n_visible) = values.shape();
        assert!(n_examples > 0 && n_visible > 0, "{name}: no data: ({n_examples}, {n_visible})");
        let encoding = Encoding::Undeclared;
        Self {
            name,
            sha256: None,
            image_shape: None,
            values,
            weights: None,
            labels: None,
            missing: None,
            encoding,
            is_inferred: false,
            n_left_out: 0,
            left_out_columns: None,
            lacked_columns: None,
            unit_names: None,
            sites: None,
            first_missing: None,
            titles: None,
            titles_column: None,
            places: None,
        }
    }

    /// The same examples with this encoding.
    fn with_encoding(self, encoding: Encoding) -> Self {
        Self { encoding, ..self }
    }

    /// The encoding of integers in these data: declared, given by the file format, or inferred. A model
    /// trained on these data reads others by it.
    pub fn encoding(&self) -> Encoding {
        self.encoding.clone()
    }

    /// The columns, if the units of an example stand for categories or named bits.
    pub fn columns(&self) -> Option<&Columns> {
        self.encoding.columns()
    }

    /// A note for the user on how integers or letters were taken, if the encoding was inferred, and on
    /// sequences and columns that are left out, or columns of a model that are lacking.
    pub fn inferred(&self) -> Option<String> {
        let encoding = self.encoding.inferred(&Encoding::Undeclared, &self.name);
        let encoding = encoding.filter(|_| self.is_inferred);
        if let Some(columns) = self.left_out_columns.as_ref().or(self.lacked_columns.as_ref()) {
            return Some(format!("{}: {columns}", self.name));
        }
        let left_out = match self.n_left_out {
            0 => return encoding,
            1 => "1 sequence with other letters is left out".to_string(),
            n => format!("{n} sequences with other letters are left out"),
        };
        let start = encoding.map_or(format!("{}: ", self.name), |encoding| encoding + "; ");
        Some(start + &left_out)
    }

    /// The names of the units, without those of a label, if they are columns of a table with a header of different names.
    /// Other tables for the same model are read by them.
    pub fn unit_names(&self) -> Option<&[String]> {
        self.unit_names.as_deref()
    }

    /// The same examples, whose units have these names.
    ///
    /// # Panics
    /// If there is not one name a unit, or the examples have labels.
    pub fn with_unit_names(self, names: Vec<String>) -> Self {
        assert!(self.labels.is_none() && names.len() == self.n_visible(), "names of units");
        Self { unit_names: Some(names), ..self }
    }

    /// What columns are left out, as there is nothing to learn in them, if any are: those that hold one value, or none.
    pub fn left_out_columns(&self) -> Option<&str> {
        self.left_out_columns.as_deref()
    }

    /// The name of the data in messages: a path or a given name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The SHA-256 of the stored file (gzipped or not), in hexadecimal; none for arrays. That of an .npz is
    /// the one of the array's .npy; that of a folder is of the names and SHA-256 of its files; that of packed data is
    /// the one of the data that were packed, if they have one.
    pub fn sha256(&self) -> Option<&str> {
        self.sha256.as_deref()
    }

    /// (rows, columns) if an example is an image.
    pub fn image_shape(&self) -> Option<(usize, usize)> {
        self.image_shape
    }

    /// The number of examples, at least 1.
    pub fn n_examples(&self) -> usize {
        self.values.shape().0
    }

    /// V, the number of units of an example, at least 1, with those of its label.
    pub fn n_visible(&self) -> usize {
        self.values.shape().1
    }

    /// The number of units of an example without those of its label.
    pub fn n_features(&self) -> usize {
        self.n_visible() - self.labels().map_or(0, |labels| labels.classes().n())
    }

    /// Checks that examples have `expected` units, as `other` has.
    ///
    /// # Errors
    /// [`Error::WidthMismatch`] if they do not.
    pub fn check_width(&self, expected: usize, other: &'static str) -> Result<()> {
        if self.n_visible() == expected {
            return Ok(());
        }
        let (what, found) = (self.name.clone(), self.n_visible());
        Err(Error::WidthMismatch { what, found, other, expected })
    }

    /// Whether all data are 0 and 1.
    pub fn is_binary(&self) -> bool {
        matches!(self.values, Values::Bits(_))
    }

    /// The intensity of one unit, from 0 to 1 unless the examples are [any numbers](Self::from_numbers).
    ///
    /// # Panics
    /// If the example or unit does not exist.
    pub fn intensity(&self, example: usize, unit: usize) -> f64 {
        self.values.intensity(example, unit)
    }

    /// The first number outside 0 to 1, if any: (example, unit, number).
    pub fn first_outside(&self) -> Option<(usize, usize, f64)> {
        let Values::Reals(reals) = &self.values else { return None };
        reals.rows().enumerate().find_map(|(example, row)| {
            let (unit, value) = row.iter().find(|(_, x)| !(0.0..=1.0).contains(x))?;
            Some((example, unit, f64::from(value)))
        })
    }

    /// Checks that [any numbers](Self::from_numbers) are intensities.
    ///
    /// # Errors
    /// [`Error::BadValue`] for the first number outside 0 to 1.
    pub fn check_intensities(&self) -> Result<()> {
        // The check reads all numbers again, to suggest what they may be.
        let has_others = self.first_outside().is_some();
        let shape = self.values.shape();
        let number = |example, unit| self.intensity(example, unit);
        if has_others { values::check_intensities(&self.name, shape, number) } else { Ok(()) }
    }

    /// The same examples, as images of this shape.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`] if the shape does not have V pixels.
    pub fn with_image_shape(self, rows: usize, columns: usize) -> Result<Self> {
        if rows.checked_mul(columns) != Some(self.n_features()) {
            let rule = format!("rows x columns of the {} units of an example", self.n_features());
            let value = format!("{rows} x {columns}");
            return Err(Error::InvalidSetting { setting: "image_shape", value, rule });
        }
        Ok(Self { image_shape: Some((rows, columns)), ..self })
    }

    /// The same examples with 1 − x for every intensity x.
    ///
    /// # Panics
    /// If they have columns or labels: one-hot bits cannot be inverted.
    pub fn inverted(self) -> Self {
        assert!(self.labels.is_none(), "{}: labels cannot be inverted", self.name);
        assert!(self.columns().is_none(), "{}: columns cannot be inverted", self.name);
        let mut values = self.values.inverted();
        if let Some(missing) = &self.missing {
            values = values.without(missing);
        }
        Self { name: format!("{} (inverted)", self.name), values, ..self }
    }

    /// The first `n` examples, or all if there are fewer.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`] if `n` is 0.
    pub fn first(self, n: usize) -> Result<Self> {
        if n == 0 {
            let (value, rule) = (n.to_string(), "at least 1".into());
            return Err(Error::InvalidSetting { setting: "limit", value, rule });
        }
        if n >= self.n_examples() {
            return Ok(self);
        }
        let all = self.rows_but_values(&Vec::from_iter(0..n));
        let end = all.places.as_ref().map_or(n, |places| places.rows[n - 1] + 1);
        Ok(Self { values: self.values.first(n), ..all }.part_of_rows(0, end))
    }

    /// Some of the examples, with all that belongs to them.
    fn rows(&self, rows: &[usize]) -> Self {
        Self { values: self.values.chosen(rows), ..self.rows_but_values(rows) }
    }

    /// What belongs to some of the examples, without their values.
    fn rows_but_values(&self, rows: &[usize]) -> Self {
        let some = || rows.iter().copied();
        let titles = self.titles.as_ref();
        let first_missing = self.missing.as_ref().and_then(|missing| {
            let (example, row) = some().enumerate().find(|&(_, row)| has_hole(missing, row))?;
            let of_reader = self.first_missing.as_ref().filter(|first| first.example == row);
            // Their numbers are those of the whole data.
            let what =
                of_reader.map_or_else(|| missing_at(missing, row), |first| first.what.clone());
            Some(FirstMissing { example, what })
        });
        Self {
            values: Values::none(),
            weights: self.weights.as_ref().and_then(|weights| weights.part(some())),
            labels: self.labels.as_ref().map(|labels| labels.part(some())),
            missing: self.missing.as_ref().map(|missing| missing.chosen(rows)).filter(has_any),
            titles: titles.map(|titles| some().map(|row| titles[row].clone()).collect()),
            places: self.places_of(rows),
            name: self.name.clone(),
            sha256: self.sha256.clone(),
            encoding: self.encoding.clone(),
            left_out_columns: self.left_out_columns.clone(),
            lacked_columns: self.lacked_columns.clone(),
            unit_names: self.unit_names.clone(),
            titles_column: self.titles_column.clone(),
            sites: self.sites.clone(),
            first_missing,
            ..*self
        }
    }

    /// The same examples without values where `missing` (N, V) is on. A site has values for all of its units or for
    /// none. The data are 0 there. A mask of zeros changes nothing.
    ///
    /// ```
    /// use harmonium::BitMatrix;
    /// use harmonium::dataset::{Binarization, Dataset, Examples};
    /// use ndarray::array;
    /// let ratings = Dataset::from_bytes("likes", array![[1_u8, 1], [0, 0], [1, 1]])?;
    /// let hole = BitMatrix::from_fn(3, 2, |example, unit| (example, unit) == (2, 0));
    /// let ratings = Examples::new(ratings.with_missing(hole)?, Binarization::None);
    /// // Means run over the examples that have a value.
    /// assert_eq!(ratings.mean(), array![0.5, 2.0 / 3.0]);
    /// # Ok::<(), harmonium::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::WidthMismatch`] or [`Error::Unsuitable`] if the mask has another shape than the data;
    /// [`Error::InvalidSetting`] if it cuts a site.
    pub fn with_missing(self, missing: BitMatrix) -> Result<Self> {
        let (n_examples, expected) = self.values.shape();
        let (n_rows, found) = (missing.n_rows(), missing.n_columns());
        if found != expected {
            let what = "the mask of missing values".to_string();
            return Err(Error::WidthMismatch { what, found, other: "the data", expected });
        }
        let bad = |rule| Err(Error::Unsuitable { path: (&self.name).into(), rule });
        if n_rows != n_examples {
            return bad(format!(
                "has {n_examples} examples, but the mask of missing values has {n_rows} rows"
            ));
        }
        self.units().check_mask(&missing)?;
        let first_missing = None;
        if !has_any(&missing) {
            return Ok(Self { missing: None, first_missing, ..self });
        }
        let values = self.values.without(&missing);
        Ok(Self { values, missing: Some(missing), first_missing, ..self })
    }

    /// Where units have no value (N, V), if any has none.
    pub fn missing(&self) -> Option<&BitMatrix> {
        self.missing.as_ref()
    }

    /// The title of each example: its first line without `>` if they are sequences of a file, or its name if a column
    /// of a table holds names ([`Beside::id`]).
    pub fn titles(&self) -> Option<&[String]> {
        self.titles.as_deref()
    }

    /// A note for the user on the columns of a model that the table lacks, and that count as missing.
    pub fn lacked_columns(&self) -> Option<&str> {
        self.lacked_columns.as_deref()
    }

    /// The name of the column that holds the titles, if they are those of rows of a table.
    pub fn titles_column(&self) -> Option<&str> {
        self.titles_column.as_deref()
    }

    /// Checks that each example has a value. From one without any nothing can be learned.
    ///
    /// # Errors
    /// [`Error::Unsuitable`] for the first that has none.
    pub fn check_have_values(&self) -> Result<()> {
        let Some(missing) = &self.missing else { return Ok(()) };
        let n_missing = |example: usize| active(missing.row(example)).count();
        let is_empty = |&example: &usize| n_missing(example) == self.n_features();
        let Some(example) = (0..missing.n_rows()).find(is_empty) else { return Ok(()) };
        let rule = format!("example {example} has no value at all; leave it out");
        Err(Error::Unsuitable { path: (&self.name).into(), rule })
    }

    /// The examples that have a value, and a note for the user on those that have none and are left out.
    ///
    /// ```
    /// use harmonium::{BitMatrix, Dataset};
    /// let three = Dataset::from_bits("three", BitMatrix::zeros(3, 2));
    /// let hole = BitMatrix::from_fn(3, 2, |example, unit| example == 1 || unit == 0);
    /// let (two, note) = three.with_missing(hole)?.with_values()?;
    /// assert_eq!((two.n_examples(), two.rows_of_examples()), (2, vec![0, 2]));
    /// assert_eq!(note.unwrap(), "three: example 1 has no value at all and is left out");
    /// # Ok::<(), harmonium::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Unsuitable`] if none has a value.
    pub fn with_values(self) -> Result<(Self, Option<String>)> {
        let Some(missing) = &self.missing else { return Ok((self, None)) };
        let is_empty = |&row: &usize| active(missing.row(row)).count() == self.n_features();
        let (empty, kept): (Vec<_>, Vec<_>) = (0..self.n_examples()).partition(is_empty);
        if empty.is_empty() {
            return Ok((self, None));
        }
        if kept.is_empty() {
            let rule = "has no example with a value".to_string();
            return Err(Error::Unsuitable { path: (&self.name).into(), rule });
        }
        let all = self.rows_of_examples();
        let rows: Vec<_> = empty.iter().map(|&example| all[example].to_string()).collect();
        let found = match empty.len() {
            1 => format!("example {} has no value at all and is left out", rows[0]),
            n => {
                let (all, rows) = (self.n_examples(), first_of(&rows));
                format!("{n} of {all} examples have no value at all and are left out: {rows}")
            }
        };
        Ok((self.rows(&kept), Some(format!("{}: {found}", self.name))))
    }

    /// Splits off the last `n` examples: (training, validation).
    ///
    /// # Errors
    /// [`Error::InvalidSetting`] if one of the two parts would be empty.
    pub fn split_validation(self, n: usize) -> Result<(Self, Self)> {
        let n_examples = self.n_examples();
        if n == 0 || n >= n_examples {
            let rule = format!("at least 1 and below the number of examples, {n_examples}");
            return Err(Error::InvalidSetting {
                setting: "validation",
                value: n.to_string(),
                rule,
            });
        }
        let validation = Self {
            name: format!("{} (last {n})", self.name),
            first_missing: None,
            ..self.rows(&Vec::from_iter(n_examples - n..n_examples))
        };
        let n_rows = self.n_rows();
        let training = self.first(n_examples - n)?;
        let validation = validation.part_of_rows(training.n_rows(), n_rows);
        Ok((training, validation))
    }
}

/// A missing value: its example, and where it is and what is there, in words.
#[derive(Clone, Debug, PartialEq)]
struct FirstMissing {
    example: usize,
    what: String,
}

fn has_any(missing: &BitMatrix) -> bool {
    missing.words().iter().any(|&word| word != 0)
}

fn has_hole(missing: &BitMatrix, example: usize) -> bool {
    missing.row(example).iter().any(|&word| word != 0)
}

/// The first missing value of an example that has one, in words.
fn missing_at(missing: &BitMatrix, example: usize) -> String {
    let unit = active(missing.row(example)).next().expect("a missing value");
    format!("example {example}, unit {unit} is missing")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reals::RealRows;
    use ndarray::{Array2, array};
    use std::fs;
    use std::path::Path;

    fn greys(rows: Array2<u8>) -> Dataset {
        Dataset::from_bytes_as("four", rows, Encoding::GreyLevels(255)).unwrap()
    }

    fn four() -> Dataset {
        greys(array![[1, 0], [3, 4], [5, 6], [7, 8]])
    }

    #[test]
    fn a_split_separates_the_last_examples() {
        let (training, validation) = four().split_validation(1).unwrap();
        assert_eq!(training, four().first(3).unwrap());
        assert_eq!((training.n_examples(), validation.n_examples()), (3, 1));
        assert_eq!(training.intensity(0, 0), 1.0 / 255.0);
        assert_eq!(validation.intensity(0, 1), 8.0 / 255.0);
        assert_eq!(validation.name(), "four (last 1)");
        assert_eq!(four().first(9).unwrap(), four());
    }

    #[test]
    fn weights_go_along_and_examples_of_weight_0_are_left_out() {
        let weighted = four().weighted("w", &[1.0, 0.0, 3.0, 2.0]).unwrap();
        let kept = greys(array![[1, 0], [5, 6], [7, 8]]);
        assert_eq!((weighted.n_rows(), weighted.rows_of_examples()), (4, vec![0, 2, 3]));
        let all = Dataset { places: None, ..weighted.clone() };
        assert_eq!(all, kept.weighted("w", &[1.0, 3.0, 2.0]).unwrap());
        let (training, validation) = weighted.split_validation(1).unwrap();
        assert_eq!(training.weights().unwrap().values(), [1.0, 3.0]);
        assert_eq!(validation.weights(), None, "one example");
        assert_eq!(four().weighted("w", &[0.3; 4]).unwrap(), four());
        let error = four().weighted("w", &[1.0, 2.0]).unwrap_err().to_string();
        assert_eq!(
            error,
            "w: holds 2 weights, but must hold one for each of the 4 examples of four"
        );
    }

    /// Numbers of examples are those of the data before some were left out.
    #[test]
    fn the_first_missing_value_is_one_of_an_example_that_is_kept() {
        let holes = |n, unit| n >= 1 && (n + unit) % 3 == 0;
        let data = four().with_missing(BitMatrix::from_fn(4, 2, holes)).unwrap();
        let first = |data: &Dataset| data.first_missing().unwrap();
        assert_eq!(first(&data), "example 2, unit 1 is missing");
        let read = FirstMissing { example: 2, what: "line 7, column 2 is empty".into() };
        let data = Dataset { first_missing: Some(read), ..data };
        assert_eq!(first(&data), "line 7, column 2 is empty");
        let weighted = |weights: [f64; 4]| data.clone().weighted("w", &weights).unwrap();
        let kept = weighted([0.0, 1.0, 1.0, 1.0]);
        assert_eq!(first(&kept), "line 7, column 2 is empty");
        assert_eq!(first(&weighted([1.0, 1.0, 0.0, 1.0])), "example 3, unit 0 is missing");
        assert_eq!(weighted([1.0, 1.0, 0.0, 0.0]).first_missing(), None);
    }

    #[test]
    fn each_error_says_the_rule() {
        let reals = |x| Dataset::from_intensities("some", array![[0.0, 1.0], [0.5, x]]);
        let io = Dataset::read(Path::new("no such file")).unwrap_err().to_string();
        assert!(io.starts_with("no such file: cannot read: "), "{io}");
        let folder = tempfile::tempdir().unwrap();
        let empty = Dataset::read(folder.path()).unwrap_err().to_string();
        assert!(empty.ends_with(": is a folder without PNG images"), "{empty}");
        for (result, message) in [
            (four().first(0), "limit is 0, but must be at least 1"),
            (
                four().split_validation(4).map(|(training, _)| training),
                "validation is 4, but must be at least 1 and below the number of examples, 4",
            ),
            (
                four().with_image_shape(2, 3),
                "image_shape is 2 x 3, but must be rows x columns of the 2 units of an example",
            ),
            (
                // The product wraps around to 2.
                four().with_image_shape(usize::MAX / 2 + 2, 2),
                "image_shape is 9223372036854775809 x 2, but must be rows x columns of the 2 \
                 units of an example",
            ),
            (
                reals(f32::NAN),
                "some: example 1, unit 1 is NaN, but must be from 0 to 1; \
                 divide grey levels by their maximum, or give them as integers",
            ),
            (
                reals(1.5),
                "some: example 1, unit 1 is 1.5, but must be from 0 to 1; \
                 divide grey levels by their maximum, or give them as integers",
            ),
            (
                {
                    let spins = RealRows::from(array![[1.0_f32, -1.0]].view());
                    let spins = Dataset::from_numbers("spins", spins);
                    spins.check_intensities().map(|()| spins)
                },
                "spins: example 0, unit 1 is -1, but must be 0 or 1; if these are spins, declare them by spins = true",
            ),
            (
                Dataset::from_intensities("spins", array![[1.0, -1.0]]),
                "spins: example 0, unit 1 is -1, but must be 0 or 1; if these are spins, declare them by spins = true",
            ),
        ] {
            assert_eq!(result.unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn the_name_and_fingerprint_of_a_file_are_as_stored() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bars");
        fs::write(&path, [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 1, 0]).unwrap();
        let bars = Dataset::read(&path).unwrap();
        assert_eq!(bars.name(), path.display().to_string());
        // The output of `sha256sum`.
        let sha256 = "ba8ac2fd91b912c11684075a64b26cb8ed8c0ca3f6be73fe1cf1d166f7339ecb";
        assert_eq!(bars.sha256(), Some(sha256));
        assert_eq!(bars.image_shape(), Some((1, 2)));
        assert_eq!(bars.with_image_shape(2, 1).unwrap().image_shape(), Some((2, 1)));
    }
}
