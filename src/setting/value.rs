//! Values of settings: how each type is read and checked.

use super::text::{check, invalid};
use crate::error::{Error, Result};
use serde_json::Value as Json;
use std::fmt;
use std::ops::{Bound, RangeInclusive};
use std::path::PathBuf;

/// The kind of a setting's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Whole numbers from 0 on.
    Whole,
    /// Finite numbers.
    Real,
    /// True or false.
    Switch,
    /// Text in a form of its own.
    Text,
    /// Rows and columns.
    Shape,
    /// Names.
    Names,
    /// A record that only runs write.
    Record,
}

impl Kind {
    /// The kind in words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Whole => "a whole number",
            Self::Real => "a finite number",
            Self::Switch => "true or false",
            Self::Text => "text",
            Self::Shape => "rows and columns, such as [28, 28]",
            Self::Names => "a list of names, such as [\"a\", \"b\"]",
            Self::Record => "as a run wrote it",
        }
    }
}

/// The values of its kind that a setting allows.
#[derive(Clone, Debug, PartialEq)]
pub enum Range {
    /// All values.
    Any,
    /// Whole numbers, both ends included.
    Whole(RangeInclusive<u64>),
    /// Real numbers.
    Real(Bound<f64>, Bound<f64>),
}

/// A lower bound, itself excluded.
pub(crate) const fn above(x: f64) -> Bound<f64> {
    Bound::Excluded(x)
}

/// A lower bound, itself included.
pub(crate) const fn at_least(x: f64) -> Bound<f64> {
    Bound::Included(x)
}

/// An upper bound, itself excluded.
pub(crate) const fn below(x: f64) -> Bound<f64> {
    Bound::Excluded(x)
}

/// An upper bound, itself included.
pub(crate) const fn at_most(x: f64) -> Bound<f64> {
    Bound::Included(x)
}

impl Range {
    fn holds_whole(&self, n: u64) -> bool {
        match self {
            Self::Whole(range) => range.contains(&n),
            _ => true,
        }
    }

    fn holds_real(&self, x: f64) -> bool {
        let Self::Real(low, high) = self else { return x.is_finite() };
        let is_above = match low {
            Bound::Included(low) => x >= *low,
            Bound::Excluded(low) => x > *low,
            Bound::Unbounded => true,
        };
        let is_below = match high {
            Bound::Included(high) => x <= *high,
            // Training rounds it to f32, which must stay below, too.
            Bound::Excluded(high) => f64::from(x as f32) < *high,
            Bound::Unbounded => true,
        };
        x.is_finite() && is_above && is_below
    }
}

/// A number as a user types it.
pub(super) fn number(x: f64) -> String {
    if x > 0.0 && x < 1e-6 { format!("{x:e}") } else { x.to_string() }
}

/// Writes the range in words: "at least 1 and at most 100".
impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => Ok(()),
            Self::Whole(range) if *range.start() == 0 => write!(f, "at most {}", range.end()),
            Self::Whole(range) => {
                write!(f, "at least {} and at most {}", range.start(), range.end())
            }
            Self::Real(low, high) => {
                match low {
                    Bound::Included(low) => write!(f, "at least {} and ", number(*low))?,
                    Bound::Excluded(low) => write!(f, "above {} and ", number(*low))?,
                    Bound::Unbounded => {}
                }
                match high {
                    Bound::Included(high) => write!(f, "at most {}", number(*high)),
                    Bound::Excluded(high) => write!(f, "below {}", number(*high)),
                    Bound::Unbounded => Ok(()),
                }
            }
        }
    }
}

/// A type of settings' values.
pub trait Value: Sized {
    /// The kind of the values.
    const KIND: Kind;

    /// Reads a value of the setting `name` as a user types it.
    ///
    /// # Errors
    /// [`Error::WrongKind`] or [`Error::InvalidSetting`] if the text does not give such a value.
    fn parse(name: &'static str, text: &str) -> Result<Self>;

    /// Reads a value from a file or from Python.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    fn read(name: &'static str, json: &Json) -> Result<Self> {
        match json {
            Json::String(text) if Self::KIND == Kind::Text => Self::parse(name, text),
            _ => Err(Self::wrong_kind(name, json)),
        }
    }

    /// Checks that the value is in its range.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`] if it is out of its range.
    fn check(&self, name: &'static str, range: &Range) -> Result<()>;

    /// The error for a value of another kind.
    fn wrong_kind(name: &'static str, found: impl fmt::Display) -> Error {
        Error::WrongKind { setting: name, value: found.to_string(), kind: Self::KIND.name() }
    }
}

macro_rules! whole {
    ($($type:ty)+) => {$(
        impl Value for $type {
            const KIND: Kind = Kind::Whole;

            fn parse(name: &'static str, text: &str) -> Result<Self> {
                text.parse().map_err(|_| Self::wrong_kind(name, text))
            }

            fn read(name: &'static str, json: &Json) -> Result<Self> {
                let n = json.as_u64().ok_or_else(|| match json.is_i64() {
                    true => invalid(name, json, "at least 0"),
                    false => Self::wrong_kind(name, json),
                })?;
                n.try_into().map_err(|_| invalid(name, n, format!("at most {}", Self::MAX)))
            }

            fn check(&self, name: &'static str, range: &Range) -> Result<()> {
                check(name, self, range.holds_whole(*self as u64), || range.to_string())
            }
        }
    )+};
}

whole!(u32 u64 usize);

impl Value for f64 {
    const KIND: Kind = Kind::Real;

    fn parse(name: &'static str, text: &str) -> Result<Self> {
        let number = text.parse().ok().filter(|x: &f64| x.is_finite());
        number.ok_or_else(|| Self::wrong_kind(name, text))
    }

    fn read(name: &'static str, json: &Json) -> Result<Self> {
        json.as_f64().ok_or_else(|| Self::wrong_kind(name, json))
    }

    fn check(&self, name: &'static str, range: &Range) -> Result<()> {
        check(name, self, range.holds_real(*self), || range.to_string())
    }
}

impl Value for bool {
    const KIND: Kind = Kind::Switch;

    fn parse(name: &'static str, text: &str) -> Result<Self> {
        text.parse().map_err(|_| Self::wrong_kind(name, text))
    }

    fn read(name: &'static str, json: &Json) -> Result<Self> {
        json.as_bool().ok_or_else(|| Self::wrong_kind(name, json))
    }

    fn check(&self, _: &'static str, _: &Range) -> Result<()> {
        Ok(())
    }
}

impl Value for String {
    const KIND: Kind = Kind::Text;

    fn parse(_: &'static str, text: &str) -> Result<Self> {
        Ok(text.to_string())
    }

    fn check(&self, _: &'static str, _: &Range) -> Result<()> {
        Ok(())
    }
}

impl Value for PathBuf {
    const KIND: Kind = Kind::Text;

    fn parse(_: &'static str, text: &str) -> Result<Self> {
        Ok(text.into())
    }

    fn check(&self, name: &'static str, _: &Range) -> Result<()> {
        check(name, self.display(), self.to_str().is_some(), || {
            "UTF-8, as settings files are".to_string()
        })
    }
}

/// Names, with commas between them as text.
impl Value for Vec<String> {
    const KIND: Kind = Kind::Names;

    fn parse(_: &'static str, text: &str) -> Result<Self> {
        Ok(text.split(',').map(|name| name.trim().to_string()).collect())
    }

    fn read(name: &'static str, json: &Json) -> Result<Self> {
        match json {
            Json::String(text) => Self::parse(name, text),
            _ => serde_json::from_value(json.clone()).map_err(|_| Self::wrong_kind(name, json)),
        }
    }

    fn check(&self, _: &'static str, _: &Range) -> Result<()> {
        Ok(())
    }
}

/// Rows and columns, `28x28` as text.
impl Value for (usize, usize) {
    const KIND: Kind = Kind::Shape;

    fn parse(name: &'static str, text: &str) -> Result<Self> {
        let side = |part: &str| part.parse().ok().filter(|&n: &usize| n > 0);
        text.split_once('x')
            .and_then(|(rows, columns)| Some((side(rows)?, side(columns)?)))
            .ok_or_else(|| invalid(name, text, "ROWSxCOLUMNS, such as 28x28"))
    }

    fn read(name: &'static str, json: &Json) -> Result<Self> {
        serde_json::from_value(json.clone()).map_err(|_| Self::wrong_kind(name, json))
    }

    fn check(&self, _: &'static str, _: &Range) -> Result<()> {
        Ok(())
    }
}

/// `None` (null in JSON) leaves the setting unset.
impl<T: Value> Value for Option<T> {
    const KIND: Kind = T::KIND;

    fn parse(name: &'static str, text: &str) -> Result<Self> {
        T::parse(name, text).map(Some)
    }

    fn read(name: &'static str, json: &Json) -> Result<Self> {
        if json.is_null() { Ok(None) } else { T::read(name, json).map(Some) }
    }

    fn check(&self, name: &'static str, range: &Range) -> Result<()> {
        self.as_ref().map_or(Ok(()), |value| value.check(name, range))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn message<T>(result: Result<T>) -> String {
        result.map(drop).map_or_else(|error| error.to_string(), |()| "ok".to_string())
    }

    #[test]
    fn each_kind_is_read_from_text_and_json() {
        assert_eq!(usize::parse("n", "5").unwrap(), usize::read("n", &json!(5)).unwrap());
        assert_eq!(f64::parse("x", "5e-1").unwrap(), f64::read("x", &json!(0.5)).unwrap());
        assert_eq!(f64::read("x", &json!(1)).unwrap(), 1.0);
        assert_eq!(bool::parse("b", "true").unwrap(), bool::read("b", &json!(true)).unwrap());
        assert_eq!(<(usize, usize)>::parse("s", "3x4").unwrap(), (3, 4));
        assert_eq!(<(usize, usize)>::read("s", &json!([3, 4])).unwrap(), (3, 4));
        assert_eq!(Option::<u64>::read("n", &Json::Null).unwrap(), None);
        let names = Vec::<String>::read("l", &json!(["a", "b c"])).unwrap();
        assert_eq!(Vec::<String>::parse("l", "a, b c").unwrap(), names);
        for (found, rule) in [
            (message(usize::parse("n", "many")), "n is many, but must be a whole number"),
            (message(usize::read("n", &json!(-5))), "n is -5, but must be at least 0"),
            (message(usize::read("n", &json!(5.0))), "n is 5.0, but must be a whole number"),
            (
                message(u32::read("n", &json!(1_u64 << 40))),
                "n is 1099511627776, but must be at most",
            ),
            (message(f64::parse("x", "nan")), "x is nan, but must be a finite number"),
            (message(f64::read("x", &json!("1"))), "x is \"1\", but must be a finite number"),
            (message(bool::read("b", &json!(1))), "b is 1, but must be true or false"),
            (message(<(usize, usize)>::parse("s", "3x0")), "s is 3x0, but must be ROWSxCOLUMNS"),
            (message(String::read("t", &json!(1))), "t is 1, but must be text"),
            (
                message(Vec::<String>::read("l", &json!([1]))),
                "l is [1], but must be a list of names",
            ),
        ] {
            assert!(found.starts_with(rule), "{found}");
        }
    }

    #[test]
    fn ranges_include_or_exclude_their_ends() {
        let range = Range::Real(above(0.0), at_most(1.0));
        for (x, is_inside) in [(0.0, false), (1e-300, true), (1.0, true), (f64::NAN, false)] {
            assert_eq!(x.check("x", &range).is_ok(), is_inside, "{x}");
        }
        // It rounds to 1 as f32.
        assert!(0.999_999_999.check("x", &Range::Real(at_least(0.0), below(1.0))).is_err());
        assert_eq!(range.to_string(), "above 0 and at most 1");
        assert_eq!(
            Range::Real(at_least(1e-30), below(1.0)).to_string(),
            "at least 1e-30 and below 1"
        );
        let most = i64::MAX as u64;
        let range = Range::Whole(1..=most);
        assert!(most.check("n", &range).is_ok() && (most + 1).check("n", &range).is_err());
        assert_eq!(Range::Whole(0..=5).to_string(), "at most 5");
        assert!(Some(0_u64).check("n", &range).is_err() && None::<u64>.check("n", &range).is_ok());
    }
}
