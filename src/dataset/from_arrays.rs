//! Data from arrays of bits, grey levels and numbers.

use super::categories::{Encoded, Mark, encode_numbers};
use super::encoding::decimal;
use super::holes::Holes;
use super::levels::Levels;
use super::values::{self, Values};
use super::{Columns, Dataset, Encoding};
use crate::bits::BitMatrix;
use crate::error::Result;
use crate::reals::RealRows;
use crate::units::Units;
use ndarray::Array2;
use std::sync::Arc;

/// Data in memory.
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
    /// [`Error::WidthMismatch`](crate::Error::WidthMismatch) if the examples do not have the units of the sites;
    /// [`Error::InvalidSetting`](crate::Error::InvalidSetting) for a categorical site that does not have one unit on.
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

    /// Examples of bytes (examples, units): bits if all are 0 and 1, else grey levels, where x is the intensity
    /// x / 255. Bytes of which none is above 127 may be anything; [`from_bytes_as`](Self::from_bytes_as) is told what
    /// they are.
    ///
    /// ```
    /// use harmonium::Dataset;
    /// use ndarray::array;
    /// assert!(Dataset::from_bytes("pixels", array![[0_u8, 51, 255]])?.intensity(0, 1) == 0.2);
    /// // Genotypes, not grey levels.
    /// assert!(Dataset::from_bytes("genotypes", array![[0_u8, 1, 2]]).is_err());
    /// # Ok::<(), harmonium::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::BadValue`](crate::Error::BadValue) if the largest byte is from 2 to 127.
    ///
    /// # Panics
    /// If there are no examples or no units.
    pub fn from_bytes(name: impl Into<String>, bytes: Array2<u8>) -> Result<Self> {
        Self::from_bytes_as(name, bytes, Encoding::Undeclared)
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
    pub(super) fn from_levels_as(name: String, bytes: Levels, encoding: Encoding) -> Result<Self> {
        if encoding.missing_value().is_some() {
            let numbers = bytes.view().mapv(f32::from);
            return Self::from_numbers_as(name, RealRows::from(numbers.view()), encoding);
        }
        let largest = f64::from(bytes.parts().flatten().copied().max().unwrap_or(0));
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
    /// [`Error::BadValue`](crate::Error::BadValue) for the first number that is NaN or outside 0 to 1.
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
        if let Some(mark) = encoding.missing_value() {
            let others = encoding.marked(None);
            return Self::from_marked(name, rows, mark, others, Self::from_numbers_as);
        }
        if let Some(origin) = encoding.origin()? {
            let number = |example: usize, unit| decimal(rows.row(example).value(unit));
            let shape = (rows.n_rows(), rows.n_columns());
            let found = encode_numbers(&name, shape, origin, Mark::None, number)?;
            found.holes.refuse(&name)?;
            return found.dataset(name);
        }
        let (rows, found) = encoding.clone().decode(&name, rows)?;
        let values = match found {
            Encoding::GreyLevels(n) if !rows.are_bits() => Values::of_levels(rows, n),
            _ => Values::from_numbers(rows),
        };
        let is_inferred = found != encoding;
        Ok(Self { is_inferred, ..Self::from_values(name, values).with_encoding(found) })
    }

    /// Examples of a sparse matrix, which stores the numbers that are not 0, in this encoding. What it does not store
    /// has no value in a column that has no state 0, and is 0 elsewhere.
    ///
    /// ```
    /// use harmonium::dataset::{Categories, Dataset, Encoding};
    /// use harmonium::reals::RealRows;
    /// use ndarray::array;
    /// let stars = Encoding::Categories { categories: "1..5".parse::<Categories>()?, ignore: vec![] };
    /// let rows = RealRows::from(array![[0.0, 4.0], [1.0, 0.0]].view());
    /// assert_eq!(Dataset::from_sparse_as("ratings", rows, stars)?.n_missing(), 2);
    /// # Ok::<(), harmonium::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Encoding::decode`].
    ///
    /// # Panics
    /// If there are no examples or no units.
    pub fn from_sparse_as(
        name: impl Into<String>,
        rows: RealRows,
        encoding: Encoding,
    ) -> Result<Self> {
        let name = name.into();
        let origin = encoding.origin()?.filter(|_| encoding.missing_value().is_none());
        let Some(origin) = origin else {
            return Self::from_numbers_as(name, rows, encoding);
        };
        let shape = (rows.n_rows(), rows.n_columns());
        let number = |example: usize, column| decimal(rows.row(example).value(column));
        encode_numbers(&name, shape, origin, Mark::NotStored, number)?.dataset(name)
    }

    /// Examples of any finite numbers, as [`from_numbers`](Self::from_numbers), of which this one stands for a value
    /// that is missing.
    ///
    /// # Errors
    /// As [`with_missing`](Self::with_missing).
    ///
    /// # Panics
    /// As [`from_numbers`](Self::from_numbers).
    pub fn from_numbers_marked(
        name: impl Into<String>,
        rows: RealRows,
        missing_value: f64,
    ) -> Result<Self> {
        let plain = |name: String, rows, _| Ok(Self::from_numbers(name, rows));
        Self::from_marked(name.into(), rows, missing_value, Encoding::Undeclared, plain)
    }

    /// Examples of numbers, of which `mark` stands for a missing value; `read` reads the others, with one of their kind
    /// in each hole.
    fn from_marked(
        name: String,
        rows: RealRows,
        mark: f64,
        others: Encoding,
        read: impl FnOnce(String, RealRows, Encoding) -> Result<Self>,
    ) -> Result<Self> {
        let shape = (rows.n_rows(), rows.n_columns());
        let number = |example: usize, unit| decimal(rows.row(example).value(unit));
        let dataset = if let Some(origin) = others.origin()? {
            encode_numbers(&name, shape, origin, Mark::Always(mark), number)?.dataset(name)?
        } else {
            let holes = Holes::of_marks(shape, number, mark);
            let filled = holes.filled(shape, others.is_spins(), number);
            let mut given = RealRows::new(shape.1);
            (0..shape.0).for_each(|n| given.push((0..shape.1).map(|unit| filled(n, unit) as f32)));
            let dataset = read(name, given, others)?;
            holes.missing_from(dataset)?
        };
        let encoding = dataset.encoding().marked(Some(mark));
        Ok(dataset.with_encoding(encoding))
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
}

impl Encoded {
    /// The examples, under this name.
    pub fn dataset(self, name: String) -> Result<Dataset> {
        let Self { columns, bits, holes, left_out } = self;
        let dataset = holes.missing_from(Dataset::from_columns(name, columns, bits))?;
        Ok(Dataset { left_out_columns: left_out, ..dataset })
    }
}
