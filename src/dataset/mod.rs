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

mod alphabet;

mod columns;

mod holes;

mod categories;

mod example_weights;

mod encoding;

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

mod packed;

mod file;
mod folder;

mod labels;

#[cfg(feature = "cli")]
mod mask_file;

#[cfg(feature = "cli")]
mod mask;

mod populations;

mod synthetic;

mod source;

#[cfg(feature = "mnist")]
mod mnist;

mod column_source;

mod beside;

mod binarization;

mod reweighting;

mod weighted_bits;

mod bit_sums;

mod examples;

mod filled;

mod running_mean;

pub use alphabet::{Alphabet, MAX_STATES, UnknownLetters};
pub use beside::{Beside, DataBeside, Found};
pub use binarization::Binarization;
pub use categories::Categories;
pub use coded::{Coded, NO_VALUE};
pub use column_source::ColumnSource;
pub use columns::{Column, ColumnKind, Columns};
pub use encoding::{Encoding, MAX_GREY_LEVEL};
pub use example_weights::{ExampleWeights, n_effective};
pub use examples::Examples;
pub use holes::MissingMask;
pub use labels::{Classes, Labels};
#[cfg(feature = "cli")]
pub use mask::{Half, Mask};
#[cfg(feature = "cli")]
pub(crate) use named_array::{NamedArray, npz_arrays};
pub use populations::Populations;
pub(crate) use reweighting::one_hot;
pub use running_mean::RunningMean;
#[cfg(feature = "cli")]
pub(crate) use source::absolute;
pub use source::{Source, Split};
pub use weighted_bits::{WeightedBits, WeightedRows};

use crate::bits::{BitMatrix, active};
use crate::error::{Error, Remedy, Result};
use crate::reals::RealRows;
use crate::units::Units;
use file::{Reading, Unpacked};
use levels::Levels;
use ndarray::Array2;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use values::Values;

/// Examples of intensities from 0 to 1, (examples, visible units), as read.
///
/// Data of only 0 and 1 are packed into bits when they are read, and no [`Binarization`] changes them.
///
/// ```
/// use harmonium::dataset::Dataset;
/// use ndarray::array;
/// let greys = Dataset::from_bytes("two pixels", array![[0_u8, 51], [255, 102]]);
/// assert_eq!(greys.intensity(1, 1), 0.4);
/// assert!(!greys.is_binary());
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
    /// The sites of an example, if they are not all bits or numbers.
    sites: Option<Units>,
    /// The first missing value, if a reader or a choice of examples said where it is in the whole data.
    first_missing: Option<FirstMissing>,
    /// The title of each example, if they are sequences of a file.
    titles: Option<Vec<String>>,
}

impl Dataset {
    /// Examples of bits (examples, units); `name` is their name in messages.
    ///
    /// # Panics
    /// If there are no examples or no units.
    pub fn from_bits(name: impl Into<String>, bits: BitMatrix) -> Self {
        Self::from_values(name.into(), Values::Bits(bits))
    }

    /// Examples of sites, with the one unit on that says the value of each categorical site (examples, units).
    ///
    /// ```
    /// use harmonium::units::Units;
    /// use harmonium::{BitMatrix, Dataset};
    /// // A site of three values, whose value is 1 in both examples, and a bit.
    /// let bits = BitMatrix::from_fn(2, 4, |n, unit| unit == 1 || (n, unit) == (0, 3));
    /// let data = Dataset::from_sites("a table", Units::of_sites([3, 1])?, bits)?;
    /// assert_eq!(data.units().n_sites(), 2);
    /// # Ok::<(), harmonium::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::WidthMismatch`] if the examples do not have the units of the sites;
    /// [`Error::InvalidSetting`] for a categorical site that does not have one unit on.
    ///
    /// # Panics
    /// If there are no examples or no units.
    pub fn from_sites(name: impl Into<String>, sites: Units, states: BitMatrix) -> Result<Self> {
        let data = Self::from_bits(name, states);
        data.check_width(sites.n_units(), "the list of sites")?;
        let Values::Bits(states) = &data.values else { unreachable!("bits are bits") };
        sites.check_states(&data.name, states)?;
        Ok(Self { sites: (!sites.are_bits()).then_some(sites), ..data })
    }

    /// The units of an example.
    pub fn units(&self) -> Units {
        self.sites.clone().unwrap_or_else(|| Units::bits(self.n_visible()))
    }

    /// Examples of grey levels (examples, units): x is the intensity x / 255. If all are 0 and 1, they
    /// are bits.
    ///
    /// # Panics
    /// If there are no examples or no units.
    pub fn from_bytes(name: impl Into<String>, bytes: Array2<u8>) -> Self {
        let levels = Encoding::GreyLevels(values::WHITE as u32);
        Self::from_values(name.into(), Values::from_bytes(bytes)).with_encoding(levels)
    }

    /// Examples of bytes (examples, units) in this encoding.
    ///
    /// # Errors
    /// As [`Encoding::decode`].
    ///
    /// # Panics
    /// If there are no examples or no units.
    pub fn from_bytes_as(
        name: impl Into<String>,
        bytes: Array2<u8>,
        encoding: Encoding,
    ) -> Result<Self> {
        if encoding.origin()?.is_some() {
            return Self::from_numbers_as(
                name,
                RealRows::from(bytes.mapv(f32::from).view()),
                encoding,
            );
        }
        Self::from_levels_as(name.into(), bytes.into(), encoding)
    }

    /// [`from_bytes_as`](Self::from_bytes_as), in memory or in a file, if the bytes are no columns.
    fn from_levels_as(name: String, bytes: Levels, encoding: Encoding) -> Result<Self> {
        let largest = f64::from(bytes.bytes().iter().copied().max().unwrap_or(0));
        let is_inferred = encoding == Encoding::Undeclared && Encoding::are_grey(0.0, largest);
        let levels = Encoding::GreyLevels(values::WHITE as u32);
        if is_inferred || encoding == levels || largest <= 1.0 {
            let encoding = if is_inferred { levels } else { encoding };
            let data = Self::from_values(name, Values::from_bytes(bytes)).with_encoding(encoding);
            return Ok(Self { is_inferred, ..data });
        }
        let numbers = bytes.view().mapv(f32::from);
        Self::from_numbers_as(name, RealRows::from(numbers.view()), encoding)
    }

    /// Examples of intensities from 0 to 1, (examples, units).
    ///
    /// # Errors
    /// [`Error::BadValue`] for the first number that is NaN or outside 0 to 1.
    ///
    /// # Panics
    /// If there are no examples or no units.
    pub fn from_intensities(name: impl Into<String>, reals: Array2<f32>) -> Result<Self> {
        let name = name.into();
        values::check_intensities(&name, reals.dim(), |n, i| f64::from(reals[[n, i]]))?;
        Ok(Self::from_numbers(name, RealRows::from(reals.view())))
    }

    /// Examples of any finite numbers. When bits are drawn, numbers below 0 count as 0 and numbers above 1
    /// as 1.
    ///
    /// # Panics
    /// If there are no examples or no units, or a number is not finite.
    pub fn from_numbers(name: impl Into<String>, rows: RealRows) -> Self {
        let are_finite = rows.rows().all(|row| row.values.iter().all(|x| x.is_finite()));
        assert!(are_finite, "numbers to train on must be finite");
        Self::from_values(name.into(), Values::from_numbers(rows))
    }

    /// Examples of integers (for declared spins, numbers of any type) in this encoding.
    ///
    /// ```
    /// use harmonium::dataset::{Dataset, Encoding};
    /// use harmonium::reals::RealRows;
    /// use ndarray::array;
    /// let rows = RealRows::from(array![[-1.0, 1.0]].view());
    /// let spins = Dataset::from_numbers_as("spins", rows, Encoding::Spins)?;
    /// assert!(spins.is_binary() && spins.encoding().is_spins());
    /// # Ok::<(), harmonium::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Encoding::decode`].
    ///
    /// # Panics
    /// If there are no examples or no units.
    pub fn from_numbers_as(
        name: impl Into<String>,
        rows: RealRows,
        encoding: Encoding,
    ) -> Result<Self> {
        let name = name.into();
        let (rows, found) = encoding.clone().decode(&name, rows)?;
        if let Encoding::Columns(columns) = found {
            let bits = rows.to_bits().expect("one-hot bits");
            return Ok(Self::from_columns(name, Arc::unwrap_or_clone(columns), bits));
        }
        let values = match found {
            Encoding::GreyLevels(n) if !rows.are_bits() => Values::of_levels(rows, n),
            _ => Values::from_numbers(rows),
        };
        let is_inferred = found != encoding;
        Ok(Self { is_inferred, ..Self::from_values(name, values).with_encoding(found) })
    }

    /// Examples of one-hot bits (examples, units) of these columns.
    ///
    /// # Panics
    /// If there are no examples, or the columns have another number of units.
    pub fn from_columns(name: impl Into<String>, columns: Columns, bits: BitMatrix) -> Self {
        assert_eq!(bits.n_columns(), columns.n_units(), "units of the columns");
        let sites = Units::of_sites(columns.sites()).expect("at most 255 states");
        let data = Self::from_bits(name, bits).with_encoding(Encoding::Columns(Arc::new(columns)));
        Self { sites: (!sites.are_bits()).then_some(sites), ..data }
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
            sites: None,
            first_missing: None,
            titles: None,
        }
    }

    /// The same examples with this encoding.
    fn with_encoding(self, encoding: Encoding) -> Self {
        Self { encoding, ..self }
    }

    /// Reads a file as [`read_as`](Self::read_as) does, with nothing declared.
    ///
    /// # Errors
    /// As [`read_as`](Self::read_as).
    pub fn read(path: &Path) -> Result<Self> {
        Self::read_as(path, Encoding::Undeclared)
    }

    /// Reads a file or a folder of data. The bytes of a file decide its format, not its name:
    ///
    /// | format | examples |
    /// | --- | --- |
    /// | packed | data that [`pack`](Self::pack) or `harmonium pack` wrote, as they were packed |
    /// | IDX, .npy | two dimensions are (examples, units), three (examples, rows, columns) |
    /// | .npz | as .npy; the path `FILE.npz:NAME` names one of several arrays |
    /// | text | a line is an example; between numbers are commas, semicolons, tabs or blanks |
    /// | FASTA | a sequence is an example; its sites are categories, whose states are letters |
    /// | PNG, 8 or 16 bits, grey | one example, an image |
    /// | a folder of such PNG images | all in the natural order of their names |
    ///
    /// Each file may be gzipped. In text, a first line of names (or of 0, 1, 2, …, at least three) is a
    /// header; blank lines and lines that begin with `#` are passed over; lines of only 0 and 1 without
    /// anything between are rows of bits. In FASTA, lower-case letters and full stops are inserts, which are
    /// left out, as in A3M; a gap is a state if a sequence has one.
    ///
    /// Integers that are not all 0 and 1 are read by `encoding`; if it is undeclared, unsigned bytes of IDX
    /// are grey levels of 255, and levels of PNG of 255 or 65,535. In text, a table without fractions holds
    /// integers. Floating-point numbers are intensities from 0 to 1.
    ///
    /// NaN, empty cells and the marks NA, nan, null, none and ? are [missing](Self::missing) values, and in tables of
    /// numbers also - and a full stop.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Malformed`] if the file is damaged or of an unknown format;
    /// [`Error::Unsuitable`] if it holds no examples, or is of a format that cannot be read;
    /// [`Error::BadValue`].
    pub fn read_as(path: &Path, encoding: Encoding) -> Result<Self> {
        Self::read_masked(path, encoding, None)
    }

    /// As [`read_as`](Self::read_as), without the values that a mask hides, whatever they are.
    ///
    /// # Errors
    /// As [`read_as`](Self::read_as); [`Error::Unsuitable`] if the mask has another shape than the data; as
    /// [`with_missing`](Self::with_missing).
    pub fn read_masked(
        path: &Path,
        encoding: Encoding,
        mask: Option<&MissingMask>,
    ) -> Result<Self> {
        if path.is_dir() {
            return MissingMask::hide(mask, folder::read(path, encoding)?);
        }
        let reading = Reading { encoding, mask, ..Reading::default() };
        Ok(file::examples(path, Unpacked::read(path)?, reading)?.0)
    }

    /// Reads a stream to its end, as [`read_as`](Self::read_as) reads a file; `name` is its name in
    /// messages.
    ///
    /// ```
    /// use harmonium::dataset::{Dataset, Encoding};
    /// let table = "0 1 1\n1 0 0\n";
    /// let dataset = Dataset::read_from("a table", table.as_bytes(), Encoding::Undeclared)?;
    /// assert_eq!((dataset.n_examples(), dataset.n_visible()), (2, 3));
    /// # Ok::<(), harmonium::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`read_as`](Self::read_as).
    pub fn read_from(name: &str, stream: impl Read, encoding: Encoding) -> Result<Self> {
        let path = Path::new(name);
        let file = Unpacked::read_from(path, stream)?;
        Ok(file::examples(path, file, Reading { encoding, ..Reading::default() })?.0)
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
    /// sequences that are left out.
    pub fn inferred(&self) -> Option<String> {
        let encoding = self.encoding.inferred(&Encoding::Undeclared, &self.name);
        let encoding = encoding.filter(|_| self.is_inferred);
        let left_out = match self.n_left_out {
            0 => return encoding,
            1 => "1 sequence with other letters is left out".to_string(),
            n => format!("{n} sequences with other letters are left out"),
        };
        let start = encoding.map_or(format!("{}: ", self.name), |encoding| encoding + "; ");
        Some(start + &left_out)
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
        Ok(Self { values: self.values.first(n), ..all })
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
            name: self.name.clone(),
            sha256: self.sha256.clone(),
            encoding: self.encoding.clone(),
            sites: self.sites.clone(),
            first_missing,
            ..*self
        }
    }

    /// The same examples with these weights (N), which count in all means over the data. Examples of weight
    /// 0 are left out. Weights that are all equal make no difference. `name` is that of the weights in
    /// messages.
    ///
    /// ```
    /// use harmonium::dataset::Dataset;
    /// use ndarray::array;
    /// let four = Dataset::from_bytes("four", array![[0_u8], [1], [1], [0]]);
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
    /// let pixels = Dataset::from_bytes("pixels", array![[0_u8, 1], [1, 1], [0, 0]]);
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
    /// let pixel = Dataset::from_bytes("a pixel", array![[0_u8], [1], [1]]).labelled(labels)?;
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

    /// The same examples without values where `missing` (N, V) is on. A site has values for all of its units or for
    /// none. The data are 0 there. A mask of zeros changes nothing.
    ///
    /// ```
    /// use harmonium::BitMatrix;
    /// use harmonium::dataset::{Binarization, Dataset, Examples};
    /// use ndarray::array;
    /// let ratings = Dataset::from_bytes("likes", array![[1_u8, 1], [0, 0], [1, 1]]);
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

    /// The title of each example, if they are sequences of a file: its first line without `>`.
    pub fn titles(&self) -> Option<&[String]> {
        self.titles.as_deref()
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
        Ok((self.first(n_examples - n)?, validation))
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
    use ndarray::array;
    use std::fs;

    fn four() -> Dataset {
        Dataset::from_bytes("four", array![[1_u8, 0], [3, 4], [5, 6], [7, 8]])
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
        let kept = Dataset::from_bytes("four", array![[1_u8, 0], [5, 6], [7, 8]]);
        assert_eq!(weighted, kept.weighted("w", &[1.0, 3.0, 2.0]).unwrap());
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
