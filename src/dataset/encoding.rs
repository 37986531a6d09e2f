//! The meaning of integers, texts and letters in data.

use super::alphabet::{Alphabet, UnknownLetters};
use super::categories::{Categories, Encoded, Mark, Origin, encode_numbers};
use super::columns::Columns;
use super::holes::{Holes, MissingValue};
use super::values::{Rule, SPINS, WHITE, check, of_mark};
use crate::error::{Remedy, Result};
use crate::reals::RealRows;
use crate::setting::{check as check_setting, invalid};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// The largest maximum of grey levels, which fits 16 bits.
pub const MAX_GREY_LEVEL: u32 = 65_535;

/// Integers up to this value may be counts or categories, so they are not taken as grey levels.
const DARK: f64 = 127.0;

/// The meaning of values in data. Without columns, an array of only 0 and 1 holds bits under every encoding,
/// and floating-point numbers are intensities from 0 to 1 unless they are declared spins.
///
/// The encoding is declared, or inferred from the training data. The model keeps it, and other data for
/// the model are read by it.
///
/// ```
/// use harmonium::dataset::Encoding;
/// use harmonium::reals::RealRows;
/// use ndarray::array;
/// let rows = || RealRows::from(array![[0.0, 1.0, 2.0]].view());
/// let (intensities, _) = Encoding::GreyLevels(2).decode("genotypes", rows())?;
/// assert_eq!(intensities.row(0).value(1), 0.5);
/// assert!(Encoding::Undeclared.decode("genotypes", rows()).is_err());
/// # Ok::<(), harmonium::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encoding {
    /// No encoding is declared. Integers from 0 to 255, some of them above 127, are then taken as grey
    /// levels of 255; other integers are refused.
    #[default]
    Undeclared,
    /// Integers k from 0 to this maximum, 1 to 65,535, mean intensities k / maximum.
    GreyLevels(u32),
    /// -1 and 1, of any type, mean 0 and 1.
    Spins,
    /// Each column of a table or an array is a bit or a category, which is found in the data.
    Categories {
        /// How its states are found.
        categories: Categories,
        /// The columns that are left out, by name.
        ignore: Vec<String>,
    },
    /// The data are sequences in FASTA, whose sites are categories.
    Letters {
        /// The letters; `None` infers them.
        alphabet: Option<Alphabet>,
        /// What is done with others.
        unknown_letters: UnknownLetters,
    },
    /// The columns are known: they were found in these data, or in the training data of a model.
    Columns(Arc<Columns>),
    /// One number stands for a value that is [missing](super::Dataset::missing); the others mean what an encoding says.
    Marked {
        /// The number.
        missing_value: MissingValue,
        /// The encoding of the others.
        others: Box<Encoding>,
    },
}

/// The fact of a model file that gives the number which stands for a missing value.
const MISSING_VALUE: &str = "missing_value";

/// The rule for integers without a declared encoding.
const GREY_LEVELS: Rule<'_> = Rule {
    text: "0 or 1, or a grey level from 0 to 255 with the largest above 127; turn others into bits by a \
           threshold, such as x > 0 in NumPy, or if these are grey levels up to N, declare them",
    remedy: Some(Remedy::with("grey_levels", "N")),
};

impl Encoding {
    /// The encoding that settings declare.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`](crate::Error::InvalidSetting) if the maximum is not from 1 to 65,535,
    /// or both are declared.
    pub fn declared(grey_levels: Option<u32>, spins: bool) -> Result<Self> {
        let Some(n) = grey_levels else {
            return Ok(if spins { Self::Spins } else { Self::Undeclared });
        };
        check_setting("spins", spins, !spins, || "left out with grey_levels".to_string())?;
        let is_valid = (1..=MAX_GREY_LEVEL).contains(&n);
        check_setting("grey_levels", n, is_valid, || {
            format!("at least 1 and at most {MAX_GREY_LEVEL}")
        })?;
        Ok(Self::GreyLevels(n))
    }

    /// The encoding of the training data in a model file; older files have none.
    ///
    /// # Errors
    /// As [`declared`](Self::declared), and if a value is of the wrong kind.
    pub fn recorded(facts: &Map<String, Value>) -> Result<Self> {
        let fact = |name| facts.get(name).filter(|value| !value.is_null());
        let missing_value = fact(MISSING_VALUE).map(|value| {
            let number = value.as_f64().filter(|x| x.is_finite());
            number.ok_or_else(|| invalid(MISSING_VALUE, value, "a finite number"))
        });
        let missing_value = missing_value.transpose()?;
        if let Some(value) = fact("columns") {
            let columns: Columns = serde_json::from_value(value.clone()).map_err(|cause| {
                invalid("columns", value, format!("columns as training writes them ({cause})"))
            })?;
            return Ok(Self::Columns(Arc::new(columns)).marked(missing_value));
        }
        let grey_levels = fact("grey_levels").map(|value| {
            let n = value.as_u64().and_then(|n| u32::try_from(n).ok());
            n.ok_or_else(|| invalid("grey_levels", value, "a whole number"))
        });
        let spins = fact("spins")
            .map(|value| value.as_bool().ok_or_else(|| invalid("spins", value, "true or false")));
        let declared =
            Self::declared(grey_levels.transpose()?, spins.transpose()?.unwrap_or(false));
        Ok(declared?.marked(missing_value))
    }

    /// The facts for a model file, which [`recorded`](Self::recorded) reads.
    pub fn facts(&self) -> Map<String, Value> {
        let facts = json!({ "grey_levels": self.grey_levels(), "spins": self.is_spins() });
        let Value::Object(mut facts) = facts else { unreachable!("an object, as written") };
        if let Some(columns) = self.columns() {
            facts.insert("columns".into(), json!(columns));
        }
        if let Some(missing_value) = self.missing_value() {
            facts.insert(MISSING_VALUE.into(), json!(missing_value));
        }
        facts
    }

    /// The same encoding, but this number, if there is one, stands for a value that is missing, and no other number
    /// does.
    ///
    /// ```
    /// use harmonium::dataset::{Dataset, Encoding};
    /// let genotypes = "0 1 -9\n1 1 0\n";
    /// let found = Dataset::read_from("g", genotypes.as_bytes(), Encoding::Undeclared.marked(Some(-9.0)))?;
    /// assert!(found.is_binary() && found.n_missing() == 1);
    /// # Ok::<(), harmonium::Error>(())
    /// ```
    ///
    /// # Panics
    /// If the number is not finite.
    pub fn marked(self, missing_value: Option<f64>) -> Self {
        let others = match self {
            Self::Marked { others, .. } => others,
            encoding => Box::new(encoding),
        };
        match missing_value {
            Some(x) => Self::Marked { missing_value: MissingValue::of(x), others },
            None => *others,
        }
    }

    /// The encoding of sequences of a model, but with letters outside its alphabet read in this way.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`](crate::Error::InvalidSetting) for another encoding.
    pub fn with_unknown_letters(self, unknown_letters: UnknownLetters) -> Result<Self> {
        let columns = self.columns().and_then(|columns| columns.reading(unknown_letters));
        let columns = columns.ok_or_else(|| {
            let rule = "left out: the model was not trained on sequences";
            invalid("unknown_letters", unknown_letters, rule)
        })?;
        Ok(Self::Columns(Arc::new(columns)))
    }

    /// The number that stands for a value that is missing, if one does.
    pub fn missing_value(&self) -> Option<f64> {
        match self {
            Self::Marked { missing_value, .. } => Some(missing_value.number()),
            _ => None,
        }
    }

    /// The encoding of the values that are not missing.
    pub fn of_values(&self) -> &Self {
        match self {
            Self::Marked { others, .. } => others,
            encoding => encoding,
        }
    }

    /// The maximum of grey levels, if integers are grey levels.
    pub fn grey_levels(&self) -> Option<u32> {
        match self.of_values() {
            Self::GreyLevels(n) => Some(*n),
            _ => None,
        }
    }

    /// Whether -1 and 1 mean 0 and 1.
    pub fn is_spins(&self) -> bool {
        *self.of_values() == Self::Spins
    }

    /// The columns, if they are known.
    pub fn columns(&self) -> Option<&Columns> {
        match self.of_values() {
            Self::Columns(columns) => Some(columns),
            _ => None,
        }
    }

    /// Whether the values of an array are those of columns, bits and categories.
    pub fn reads_columns(&self) -> bool {
        matches!(self.of_values(), Self::Categories { .. } | Self::Columns(_))
    }

    /// Whether floating-point numbers stand for others: as spins and columns always, as declared grey levels if all are
    /// whole and some are above 1. (Many programs keep whole numbers in that type.) Numbers that stand for missing
    /// values do not count.
    pub fn reads_reals(&self, numbers: impl Iterator<Item = f64>) -> bool {
        let mark = self.missing_value();
        let mut given = numbers.filter(|x| Some(*x) != mark);
        match self.of_values() {
            Self::GreyLevels(_) => {
                let mut is_bright = false;
                let are_whole = given.all(|x| {
                    is_bright |= x > 1.0;
                    x.fract() == 0.0
                });
                are_whole && is_bright
            }
            _ => self.is_spins() || self.reads_columns(),
        }
    }

    /// Where the columns of a table or an array come from; `None` if its cells are units.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`](crate::Error::InvalidSetting) if letters are declared.
    pub(super) fn origin(&self) -> Result<Option<Origin<'_>>> {
        let rule = "left out for data other than sequences in FASTA";
        match self {
            Self::Marked { others, .. } => others.origin(),
            Self::Undeclared | Self::GreyLevels(_) | Self::Spins => Ok(None),
            Self::Categories { categories, ignore } => {
                Ok(Some(Origin::Data { categories: *categories, ignore }))
            }
            Self::Letters { alphabet: Some(alphabet), .. } => {
                Err(invalid("alphabet", alphabet, rule))
            }
            Self::Letters { unknown_letters, .. } => {
                Err(invalid("unknown_letters", unknown_letters, rule))
            }
            Self::Columns(columns) => Ok(Some(Origin::Model(columns))),
        }
    }

    /// The spin of a unit: 1 if it is on, else −1.
    pub fn spin(is_on: bool) -> i8 {
        if is_on { 1 } else { -1 }
    }

    /// This encoding, or `other` if this one is undeclared. What stands for a missing value here does there.
    pub fn or(self, other: Self) -> Self {
        if *self.of_values() != Self::Undeclared {
            return self;
        }
        let missing_value = self.missing_value().or(other.missing_value());
        other.marked(missing_value)
    }

    /// Decodes integers, or [floating-point numbers](Self::reads_reals) that stand for others, to intensities, and
    /// returns the encoding that was used: this one, or the inferred one. Numbers that are all 0 and 1 stay
    /// as they are, unless they are columns, which become their one-hot bits.
    ///
    /// # Errors
    /// [`Error::MissingValues`](crate::Error::MissingValues) if a value is missing: NaN of columns, or a number that is
    /// declared to stand for it.
    /// [`Error::BadValue`](crate::Error::BadValue) for the first number that the encoding does not allow;
    /// `data` is the name of the data in the message. For columns
    /// [`Error::BadCategory`](crate::Error::BadCategory), or
    /// [`Error::InvalidSetting`](crate::Error::InvalidSetting) for one to ignore that does not exist.
    pub fn decode(self, data: &str, rows: RealRows) -> Result<(RealRows, Self)> {
        let (shape, mark) = ((rows.n_rows(), rows.n_columns()), self.missing_value());
        let number = |example: usize, unit| decimal(rows.row(example).value(unit));
        if let Some(origin) = self.origin()? {
            let found = encode_numbers(data, shape, origin, Mark::of(mark), number)?;
            let Encoded { columns, bits, holes, .. } = found;
            holes.refuse(data)?;
            let found = Self::Columns(Arc::new(columns)).marked(mark);
            return Ok((RealRows::from(&bits), found));
        }
        if let Some(mark) = mark {
            Holes::of_marks(shape, number, mark).refuse(data)?;
            let (rows, others) = self.marked(None).decode(data, rows)?;
            return Ok((rows, others.marked(Some(mark))));
        }
        if rows.are_bits() {
            return Ok((rows, self));
        }
        let encoding = self.of_integers(data, &rows)?;
        let intensities = match encoding {
            Self::GreyLevels(n) => rows.mapped(|x| (f64::from(x) / f64::from(n)) as f32),
            Self::Spins => rows.mapped(|x| (x + 1.0) / 2.0),
            _ => unreachable!("an encoding was found"),
        };
        Ok((intensities, encoding))
    }

    /// A note for the user on how the integers or letters of `data` were taken, if this encoding was
    /// inferred.
    pub fn inferred(&self, declared: &Self, data: &str) -> Option<String> {
        if let Some(columns) = self.columns().filter(|columns| columns.alphabet().is_some()) {
            return Some(format!(
                "{data}: the sequences are taken as {columns}; the setting alphabet overrides this"
            ));
        }
        let n = self.grey_levels().filter(|_| self != declared)?;
        Some(format!(
            "{data}: integers are taken as grey levels of {n}, because the largest is above 127; \
             the setting grey_levels overrides this"
        ))
    }

    /// Whether undeclared integers that are not all 0 and 1 are taken as grey levels of 255.
    pub(super) fn are_grey(least: f64, largest: f64) -> bool {
        least >= 0.0 && DARK < largest && largest <= WHITE
    }

    /// The encoding of integers that are not all 0 and 1.
    fn of_integers(self, data: &str, rows: &RealRows) -> Result<Self> {
        let all = |is_right: &dyn Fn(f64) -> bool| {
            let mut values = rows.rows().flat_map(|row| row.values);
            values.all(|&x| is_right(f64::from(x))) && (is_right(0.0) || !rows.has_zeros())
        };
        let must = |is_right: &dyn Fn(f64) -> bool, rule: Rule<'_>| {
            if all(is_right) {
                return Ok(());
            }
            let number = |example, unit| f64::from(rows.row(example).value(unit));
            check(data, (rows.n_rows(), rows.n_columns()), rule, is_right, number)
        };
        let is_spin = |x: f64| x.abs() == 1.0;
        match self {
            Self::GreyLevels(n) => {
                let rule = format!("a grey level from 0 to {n}, as declared by grey_levels");
                must(&|x| (0.0..=f64::from(n)).contains(&x), rule[..].into())?;
            }
            Self::Spins => {
                must(&is_spin, "-1 or 1, as declared by spins, unless all are 0 and 1".into())?;
            }
            _ => {
                let values = rows.rows().flat_map(|row| row.values).map(|&x| f64::from(x));
                let (least, largest) = values
                    .fold((0.0, 0.0), |(least, largest), x: f64| (x.min(least), x.max(largest)));
                if Self::are_grey(least, largest) {
                    return Ok(Self::GreyLevels(WHITE as u32));
                }
                let of_mark =
                    of_mark(least).filter(|_| all(&|x| x == least || x == 0.0 || x == 1.0));
                let rule = of_mark.unwrap_or(if all(&is_spin) { SPINS } else { GREY_LEVELS });
                // If the largest could be a grey level, the error names the first number that cannot.
                let most = if largest > DARK { WHITE } else { 1.0 };
                must(&|x| (0.0..=most).contains(&x), rule)?;
            }
        }
        Ok(self)
    }
}

/// The number that the shortest text of this f32 writes: 0.1 for 0.1_f32, which is 0.100000001 as f64.
pub(super) fn decimal(x: f32) -> f64 {
    if x.fract() == 0.0 { f64::from(x) } else { x.to_string().parse().unwrap_or(f64::NAN) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};

    fn decode(encoding: Encoding, numbers: Array2<f32>) -> Result<(RealRows, Encoding), String> {
        let rows = RealRows::from(numbers.view());
        encoding.decode("X", rows).map_err(|error| error.to_string())
    }

    #[test]
    fn whole_reals_are_grey_levels_where_these_are_declared() {
        let grey = Encoding::GreyLevels(16);
        for (encoding, numbers, are_read) in [
            (&grey, [0.0, 16.0], true),
            // One that is too large is refused as such.
            (&grey, [1.0, 17.0], true),
            (&grey, [0.5, 3.0], false),
            (&grey.clone().marked(Some(-9.0)), [-9.0, 16.0], true),
            (&grey.clone().marked(Some(0.5)), [0.5, 16.0], true),
            (&grey, [0.0, 1.0], false),
            (&Encoding::Undeclared, [0.0, 16.0], false),
            (&Encoding::Spins, [-1.0, 1.0], true),
        ] {
            assert_eq!(encoding.reads_reals(numbers.into_iter()), are_read, "{numbers:?}");
        }
    }

    #[test]
    fn integers_follow_the_declared_or_the_inferred_encoding() {
        use Encoding::{GreyLevels, Spins, Undeclared};
        for (encoding, numbers, intensities, found) in [
            (Undeclared, [0.0, 128.0], [0.0, 128.0 / 255.0], GreyLevels(255)),
            (Undeclared, [1.0, 255.0], [1.0 / 255.0, 1.0], GreyLevels(255)),
            (GreyLevels(2), [1.0, 2.0], [0.5, 1.0], GreyLevels(2)),
            (GreyLevels(255), [0.0, 3.0], [0.0, 3.0 / 255.0], GreyLevels(255)),
            (GreyLevels(65_535), [0.0, 13_107.0], [0.0, 0.2], GreyLevels(65_535)),
            (Spins, [-1.0, 1.0], [0.0, 1.0], Spins),
            (Spins, [-1.0, -1.0], [0.0, 0.0], Spins),
            // Bits are bits under every encoding.
            (Undeclared, [0.0, 1.0], [0.0, 1.0], Undeclared),
            (GreyLevels(255), [0.0, 1.0], [0.0, 1.0], GreyLevels(255)),
            (Spins, [0.0, 1.0], [0.0, 1.0], Spins),
            (Spins, [1.0, 1.0], [1.0, 1.0], Spins),
        ] {
            let expected = RealRows::from(array![intensities].view());
            assert_eq!(decode(encoding, array![numbers]), Ok((expected, found)), "{numbers:?}");
        }
    }

    #[test]
    fn other_integers_are_refused_with_the_remedies() {
        let ways = "0 or 1, or a grey level from 0 to 255 with the largest above 127; turn others into \
                    bits by a threshold, such as x > 0 in NumPy, or if these are grey levels up to N, \
                    declare them by grey_levels = N";
        let spins = "0 or 1; if these are spins, declare them by spins = true";
        let nine =
            "from 0 to 1; if this number stands for a missing value, name it by missing_value = -9";
        for (encoding, numbers, at, rule) in [
            (Encoding::Undeclared, [0.0, 1.0, 2.0], "unit 2 is 2", ways),
            (Encoding::Undeclared, [0.0, 127.0, 1.0], "unit 1 is 127", ways),
            (Encoding::Undeclared, [2.0, 256.0, 1.0], "unit 1 is 256", ways),
            (Encoding::Undeclared, [0.0, 200.0, -1.0], "unit 2 is -1", ways),
            (Encoding::Undeclared, [0.0, 1.0, -1.0], "unit 2 is -1", ways),
            (Encoding::Undeclared, [1.0, 1.0, -1.0], "unit 2 is -1", spins),
            (Encoding::Undeclared, [-9.0, 1.0, 0.0], "unit 0 is -9", nine),
            (Encoding::Undeclared, [-9.0, 1.0, 2.0], "unit 0 is -9", ways),
            (
                Encoding::GreyLevels(2),
                [1.0, 2.0, 3.0],
                "unit 2 is 3",
                "a grey level from 0 to 2, as declared by grey_levels",
            ),
            (
                Encoding::Spins,
                [1.0, -1.0, 0.0],
                "unit 2 is 0",
                "-1 or 1, as declared by spins, unless all are 0 and 1",
            ),
        ] {
            let error = decode(encoding, array![numbers]).unwrap_err();
            assert_eq!(error, format!("X: example 0, {at}, but must be {rule}"));
        }
    }

    #[test]
    fn the_facts_of_a_model_file_read_back() {
        for encoding in [Encoding::Undeclared, Encoding::GreyLevels(16), Encoding::Spins] {
            assert_eq!(Encoding::recorded(&encoding.facts()).unwrap(), encoding);
            let marked = encoding.marked(Some(-9.0));
            assert_eq!(Encoding::recorded(&marked.facts()).unwrap(), marked);
        }
        assert_eq!(Encoding::recorded(&Map::new()).unwrap(), Encoding::Undeclared);
        for (facts, message) in [
            (
                json!({"grey_levels": 0}),
                "grey_levels is 0, but must be at least 1 and at most 65535",
            ),
            (json!({"grey_levels": 65_536}), "grey_levels is 65536, but must be at least 1 and"),
            (json!({"grey_levels": "many"}), "grey_levels is \"many\", but must be a whole number"),
            (json!({"spins": 1}), "spins is 1, but must be true or false"),
            (json!({"missing_value": "x"}), "missing_value is \"x\", but must be a finite number"),
            (json!({"grey_levels": 5, "spins": true}), "spins is true, but must be left out with"),
        ] {
            let error = Encoding::recorded(facts.as_object().unwrap()).unwrap_err().to_string();
            assert!(error.contains(message), "{error}\ndoes not say: {message}");
        }
    }
}
