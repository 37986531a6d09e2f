//! A range of numbers that all columns of a table share, such as 1 to 5 stars.

use super::alphabet::MAX_STATES;
use super::columns::finite;
use crate::error::{Error, Result};
use crate::setting::invalid;
use std::fmt;
use std::str::FromStr;

/// The decimal places that a number of a range may have.
const PLACES: usize = 6;

/// The largest magnitude, up to which f64 keeps these places.
const LARGEST: f64 = 1e9;

/// Numbers in equal steps: 2 to 255 of them, of at most 6 decimal places. As text `1..5`, or `0.5..5:0.5` for steps
/// of another size than 1.
///
/// ```
/// use harmonium::dataset::NumberRange;
/// let stars: NumberRange = "1..5".parse()?;
/// assert_eq!(stars.names(), ["1", "2", "3", "4", "5"]);
/// assert_eq!(NumberRange::new(0.5, 2.0, 0.5)?.names(), ["0.5", "1", "1.5", "2"]);
/// # Ok::<(), harmonium::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NumberRange {
    first: f64,
    last: f64,
    step: f64,
}

// None of the numbers is NaN.
impl Eq for NumberRange {}

impl NumberRange {
    /// The numbers from `first` to `last`, both included, in these steps.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`] unless these are 2 to 255 numbers of at most 6 decimal places.
    pub fn new(first: f64, last: f64, step: f64) -> Result<Self> {
        let range = Self { first: first + 0.0, last: last + 0.0, step };
        let are_decimal =
            [first, last, step].iter().all(|&x| decimal(x) == x && x.abs() <= LARGEST);
        let n_steps = (last - first) / step;
        let is_valid = are_decimal
            && step > 0.0
            && (0.5..MAX_STATES as f64 - 0.5).contains(&n_steps)
            && range.number(n_steps.round()) == range.last;
        if is_valid { Ok(range) } else { Err(invalid("categories", range, RULE)) }
    }

    /// The names of the numbers, in order.
    pub fn names(&self) -> Vec<String> {
        let n_steps = ((self.last - self.first) / self.step).round() as u32;
        (0..=n_steps).map(|at| self.number(f64::from(at)).to_string()).collect()
    }

    /// The number after so many steps.
    fn number(&self, n_steps: f64) -> f64 {
        decimal(self.first + n_steps * self.step)
    }
}

/// The rule for a range.
const RULE: &str = "a range such as 1..5, or with a step 0.5..5:0.5, of 2 to 255 numbers";

/// x, rounded to the decimal places of a range; NaN if x is not finite.
fn decimal(x: f64) -> f64 {
    finite(&format!("{x:.PLACES$}")).map_or(f64::NAN, |x| x + 0.0)
}

impl FromStr for NumberRange {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (ends, step) = text.split_once(':').unwrap_or((text, "1"));
        let parts = ends.split_once("..").map(|(first, last)| [first, last, step].map(finite));
        match parts {
            Some([Some(first), Some(last), Some(step)]) => Self::new(first, last, step),
            _ => Err(invalid("categories", text, RULE)),
        }
    }
}

impl fmt::Display for NumberRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.first, self.last)?;
        if self.step == 1.0 { Ok(()) } else { write!(f, ":{}", self.step) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_reads_back_and_its_numbers_are_decimal() {
        for (text, names) in [
            ("1..5", &["1", "2", "3", "4", "5"][..]),
            ("-1..1", &["-1", "0", "1"]),
            ("0..0.3:0.1", &["0", "0.1", "0.2", "0.3"]),
            ("-0.2..0.2:0.2", &["-0.2", "0", "0.2"]),
        ] {
            let range: NumberRange = text.parse().unwrap();
            assert_eq!((range.names(), range.to_string()), (to_texts(names), text.to_string()));
        }
        assert_eq!("1.0..5:1".parse::<NumberRange>().unwrap().to_string(), "1..5");
        assert_eq!("0..254".parse::<NumberRange>().unwrap().names().len(), 255);
    }

    fn to_texts(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| name.to_string()).collect()
    }

    #[test]
    fn a_range_of_too_few_or_too_many_numbers_or_of_broken_steps_is_refused() {
        for text in [
            "5..1",
            "1..1",
            "0..255",
            "1..5:0",
            "1..5:-1",
            "1..5:3",
            "1..inf",
            "nan..5",
            "1..5:",
            "..5",
            "1..",
            "1-5",
            "0..0.0000002:0.0000001",
            "1e300..2e300:1e300",
        ] {
            let error = text.parse::<NumberRange>().unwrap_err().to_string();
            assert!(
                error.starts_with("categories is ") && error.ends_with(RULE),
                "{text}: {error}"
            );
        }
    }
}
