//! Holes: the cells of data that have no value.
//!
//! A reader notes them while it reads, and puts the data set together as if they were off. They become
//! [missing](Dataset::missing) sites at the end.

use super::columns::finite;
use super::{Dataset, FirstMissing, has_hole, missing_at};
use crate::bits::{BitMatrix, WORD, active};
use crate::error::{Error, MissingWay, Result};

/// A mask (examples, columns) that is on where data have no value, whatever is stored there.
#[derive(Clone, Debug, PartialEq)]
pub struct MissingMask {
    /// Its name in messages.
    pub(super) name: String,
    /// The cells; a column of a category is one cell.
    pub(super) cells: BitMatrix,
    /// The SHA-256 of its file.
    pub(super) sha256: String,
}

impl MissingMask {
    /// The SHA-256 of its file, as [`Dataset::sha256`].
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The same data, without the values that a mask hides.
    pub(super) fn hide(mask: Option<&Self>, dataset: Dataset) -> Result<Dataset> {
        let shape = (dataset.n_examples(), dataset.units().n_sites());
        Holes::hidden_by(mask, dataset.name(), shape)?.missing_from(dataset)
    }
}

/// A finite number that stands for a value that is missing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MissingValue(f64);

// The number is not NaN.
impl Eq for MissingValue {}

impl MissingValue {
    /// # Panics
    /// If the number is not finite.
    pub(super) fn of(number: f64) -> Self {
        assert!(number.is_finite(), "a value that stands for a missing one must be finite");
        Self(number)
    }

    /// The number.
    pub fn number(self) -> f64 {
        self.0
    }
}

/// Missing values as a whole.
impl Dataset {
    /// The number of values that are missing: those of whole sites.
    pub fn n_missing(&self) -> u64 {
        let Some(missing) = self.missing() else { return 0 };
        let units = self.units();
        if units.are_bits() {
            return missing.count_ones();
        }
        let firsts: Vec<_> = units.sites().map(|site| site.start).collect();
        let of_row = |row| firsts.iter().filter(|&&unit| missing.get(row, unit)).count() as u64;
        (0..missing.n_rows()).map(of_row).sum()
    }

    /// The first value that is missing, as messages say it: `line 5, column 2 is empty`.
    pub fn first_missing(&self) -> Option<String> {
        let missing = self.missing()?;
        let found = || {
            let example = (0..missing.n_rows()).find(|&row| has_hole(missing, row));
            missing_at(missing, example.expect("a missing value"))
        };
        Some(self.first_missing.as_ref().map_or_else(found, |first| first.what.clone()))
    }

    /// A note for the user on the values that are missing, if any are.
    pub fn missing_note(&self) -> Option<String> {
        let (missing, units) = (self.missing()?, self.units());
        // A label is no column of values: `unlabelled_note` counts those that are not known.
        let n_sites = units.n_sites() - usize::from(self.labels().is_some());
        let n_rows = self.n_examples();
        let rows = (0..n_rows).filter(|&row| has_hole(missing, row)).count();
        let mut any = vec![0; missing.row(0).len()];
        for row in 0..n_rows {
            any.iter_mut().zip(missing.row(row)).for_each(|(any, word)| *any |= word);
        }
        let is_any = |unit: usize| any[unit / WORD] >> (unit % WORD) & 1 == 1;
        let columns = units.sites().take(n_sites).filter(|site| is_any(site.start)).count();
        let (n, all) = (self.n_missing(), n_rows as u64 * n_sites as u64);
        let share = 100.0 * n as f64 / all as f64;
        Some(format!(
            "{}: {n} of {all} values are missing ({share:.2} %), in {rows} of {n_rows} examples and {columns} \
             of {n_sites} columns",
            self.name()
        ))
    }

    /// A note for the user that no value is missing, where a rule for such values is set.
    pub fn none_missing_note(&self) -> Option<String> {
        if self.missing.is_some() {
            return None;
        }
        let found = match self.encoding.missing_value() {
            Some(mark) => format!("lacks no value: none is {mark}"),
            None if self.columns().is_some_and(|columns| columns.alphabet().is_some()) => {
                "lacks no value".into()
            }
            None => "lacks no value; if a number stands for missing values, such as 0 or -9, name it by missing_value".into(),
        };
        Some(format!("{}: {found}", self.name()))
    }

    /// A note for the user on columns whose states hold a number that often stands for a missing value: -9, -99 or -999
    /// beside names or other numbers, none of them negative, or -1 beside 0, 1 and 2.
    pub fn marks_note(&self) -> Option<String> {
        let columns = self.columns().filter(|_| self.encoding.missing_value().is_none())?;
        let found = |column| {
            let is_mark = |number: &f64| MARKS.contains(number);
            let mark = match columns.has_numbers(column) {
                true => suspected(&columns.numbers(column)),
                false => columns.states(column).into_iter().filter_map(finite).find(is_mark),
            };
            mark.map(|mark| (column, mark))
        };
        let mut found = (0..columns.n_columns()).filter_map(found);
        let (first, mark) = found.next()?;
        let others = match found.count() {
            0 => String::new(),
            1 => ", and 1 other column does".into(),
            n => format!(", and {n} other columns do"),
        };
        Some(format!(
            "{}: column {} has a state {mark}{others}; if it stands for a missing value, leave such cells empty, or \
             name it by missing_value = {mark}",
            self.name(),
            columns.name(first)
        ))
    }

    /// A note for the user on the examples whose label is unknown, if there are any.
    pub fn unlabelled_note(&self) -> Option<String> {
        let labels = self.labels()?.of_examples();
        let n = labels.iter().filter(|label| label.is_none()).count();
        (n > 0).then(|| format!("{}: {n} of {} examples have no label", self.name(), labels.len()))
    }

    /// Refuses data with missing values, which `user` cannot use.
    ///
    /// # Errors
    /// [`Error::MissingValues`].
    pub fn refuse_missing(&self, user: &'static str) -> Result<()> {
        self.refuse_missing_but(user, &[])
    }

    /// As [`refuse_missing`](Self::refuse_missing), if these settings would let `user` use them.
    pub(crate) fn refuse_missing_but(
        &self,
        user: &'static str,
        ways: &'static [MissingWay],
    ) -> Result<()> {
        let Some(first) = self.first_missing() else { return Ok(()) };
        let (data, n) = (self.name().to_string(), self.n_missing());
        Err(Error::MissingValues { data, first, n, user, ways })
    }
}

/// Numbers that stand for missing values more often than for themselves.
const MARKS: [f64; 3] = [-9.0, -99.0, -999.0];

/// The number among these, in order, that often stands for a missing value.
fn suspected(numbers: &[f64]) -> Option<f64> {
    let (&mark, others) = numbers.split_first()?;
    let is_usual = others.len() >= 2 && others[0] >= 0.0;
    let is_mark = match mark {
        -1.0 => others.starts_with(&[0.0, 1.0, 2.0]),
        mark => MARKS.contains(&mark),
    };
    (is_usual && is_mark).then_some(mark)
}

/// The cells (examples, columns) without a value.
#[derive(Clone, Debug, Default)]
pub(super) struct Holes {
    /// `None` as long as there are none.
    cells: Option<BitMatrix>,
    /// The example and the column of the first, and what is there.
    first: Option<First>,
}

#[derive(Clone, Debug)]
struct First {
    example: usize,
    column: usize,
    what: String,
}

impl Holes {
    /// The cells of data of this shape (examples, columns) that a mask hides.
    ///
    /// # Errors
    /// [`Error::Unsuitable`] if the mask has another shape.
    pub fn hidden_by(
        mask: Option<&MissingMask>,
        data: &str,
        shape: (usize, usize),
    ) -> Result<Self> {
        let Some(MissingMask { name, cells, .. }) = mask else { return Ok(Self::default()) };
        let found = (cells.n_rows(), cells.n_columns());
        if found != shape {
            let rule = format!(
                "has the shape {found:?}, but must mark the {} examples of {data} in {} columns: {shape:?}",
                shape.0, shape.1
            );
            return Err(Error::Unsuitable { path: name.into(), rule });
        }
        let mut holes = Self::default();
        for example in 0..cells.n_rows() {
            for column in active(cells.row(example)) {
                holes.note(shape, example, column, || {
                    format!("example {example}, column {} is marked in {name}", column + 1)
                });
            }
        }
        Ok(holes)
    }

    /// The holes of these columns, in this order; a column that is none has no hole.
    pub fn of_columns(&self, columns: &[Option<usize>]) -> Self {
        let Some(cells) = &self.cells else { return Self::default() };
        let mut holes = Self::default();
        for example in 0..cells.n_rows() {
            for (at, &column) in columns.iter().enumerate() {
                let Some(column) = column else { continue };
                if cells.get(example, column) {
                    holes.note((cells.n_rows(), columns.len()), example, at, || {
                        match self.first.as_ref().filter(|first| first.column == column) {
                            Some(first) if first.example == example => first.what.clone(),
                            _ => format!("example {example}, column {} has no value", column + 1),
                        }
                    });
                }
            }
        }
        holes
    }

    /// The numbers of data of this shape (examples, units) that are NaN.
    pub fn of_numbers(shape: (usize, usize), number: impl Fn(usize, usize) -> f64) -> Self {
        let mut holes = Self::default();
        for example in 0..shape.0 {
            for unit in (0..shape.1).filter(|&unit| number(example, unit).is_nan()) {
                holes.note(shape, example, unit, || {
                    format!("example {example}, unit {unit} is NaN")
                });
            }
        }
        holes
    }

    /// The numbers of data of this shape (examples, units) that stand for a value that is missing.
    pub fn of_marks(
        shape: (usize, usize),
        number: impl Fn(usize, usize) -> f64,
        mark: f64,
    ) -> Self {
        let mut holes = Self::default();
        for example in 0..shape.0 {
            for unit in (0..shape.1).filter(|&unit| number(example, unit) == mark) {
                holes.note(shape, example, unit, || {
                    format!(
                        "example {example}, unit {unit} is {mark}, which missing_value declares"
                    )
                });
            }
        }
        holes
    }

    /// Notes a hole of data of this shape, at most (examples, columns). `what` says where it is, and what is
    /// there.
    pub fn note(
        &mut self,
        (n_examples, n_columns): (usize, usize),
        example: usize,
        column: usize,
        what: impl FnOnce() -> String,
    ) {
        let cells = self.cells.get_or_insert_with(|| BitMatrix::zeros(n_examples, n_columns));
        cells.set(example, column, true);
        let is_before = |first: &First| (example, column) < (first.example, first.column);
        if self.first.as_ref().is_none_or(is_before) {
            self.first = Some(First { example, column, what: what() });
        }
    }

    /// Where the first is, and what is there.
    pub fn first(&self) -> Option<&str> {
        self.first.as_ref().map(|first| &first.what[..])
    }

    /// Refuses data with holes.
    ///
    /// # Errors
    /// [`Error::MissingValues`].
    pub fn refuse(&self, data: &str) -> Result<()> {
        let (Some(cells), Some(first)) = (&self.cells, &self.first) else { return Ok(()) };
        let (data, first) = (data.to_string(), first.what.clone());
        Err(Error::MissingValues { data, first, n: cells.count_ones(), user: "this", ways: &[] })
    }

    /// Whether all cells have values.
    pub fn are_none(&self) -> bool {
        self.cells.is_none()
    }

    /// The holes, as (example, column).
    pub fn cells(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let of_row = |cells: &BitMatrix, row| {
            active(cells.row(row)).map(move |column| (row, column)).collect::<Vec<_>>()
        };
        let cells = self.cells.iter();
        cells.flat_map(move |cells| (0..cells.n_rows()).flat_map(move |row| of_row(cells, row)))
    }

    /// Whether a cell is a hole.
    pub fn has(&self, example: usize, column: usize) -> bool {
        self.cells.as_ref().is_some_and(|cells| cells.get(example, column))
    }

    /// These holes and `others`.
    pub fn and(mut self, others: Self) -> Self {
        let Self { cells: Some(others), first } = others else { return self };
        let cells = self.cells.get_or_insert_with(|| others.clone());
        let words = cells.words_mut().iter_mut().zip(others.words());
        words.for_each(|(word, other)| *word |= other);
        let firsts = self.first.into_iter().chain(first);
        self.first = firsts.min_by_key(|first| (first.example, first.column));
        self
    }

    /// The numbers of data of this shape (examples, units), which may be spins, with one of their kind in each hole.
    pub fn filled<'a>(
        &'a self,
        (n_examples, n_units): (usize, usize),
        are_spins: bool,
        number: impl Fn(usize, usize) -> f64 + Copy + 'a,
    ) -> impl Fn(usize, usize) -> f64 + Copy + 'a {
        let cells =
            (0..n_examples).flat_map(|example| (0..n_units).map(move |unit| (example, unit)));
        // 0 may be no spin. What a hole holds is forgotten when it becomes one.
        let mut given = cells.filter(|&(example, unit)| !self.has(example, unit));
        let filler = match given.next() {
            Some((example, unit)) if are_spins => number(example, unit),
            _ => 0.0,
        };
        move |example, unit| if self.has(example, unit) { filler } else { number(example, unit) }
    }

    /// A data set whose sites are these columns, without the values of the holes.
    ///
    /// # Errors
    /// As [`Dataset::with_missing`].
    pub fn missing_from(self, dataset: Dataset) -> Result<Dataset> {
        let Self { cells: Some(cells), first } = self else { return Ok(dataset) };
        let units = dataset.units();
        let missing = if units.are_bits() {
            cells.rows(0..dataset.n_examples())
        } else {
            let mut missing = BitMatrix::zeros(dataset.n_examples(), units.n_units());
            for (column, site) in units.sites().enumerate() {
                for example in (0..missing.n_rows()).filter(|&example| cells.get(example, column)) {
                    site.clone().for_each(|unit| missing.set(example, unit, true));
                }
            }
            missing
        };
        let first_missing = first.map(|First { example, what, .. }| FirstMissing { example, what });
        Ok(Dataset { first_missing, ..dataset.with_missing(missing)? })
    }
}
