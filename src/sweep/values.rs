//! What varies: a setting, and the values that it takes.

use crate::error::{Error, Result};
use crate::run::{section_of, setting_names};
use crate::setting::{Kind, Range, Setting, Value, by_text, did_you_mean, invalid};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::fmt;
use std::str::FromStr;

/// The most values of a setting.
const MOST: usize = 10_000;

/// A setting that varies in a sweep, as text `NAME=VALUES`. VALUES are a list, `0.02,0.05,0.1`, or numbers from
/// a range, `100..1000:log:4` (four, evenly spread in their logarithm) or `0..0.01:lin:3`. Without its number of
/// values a range is one to draw from, for a random search.
///
/// ```
/// use harmonium::sweep::Vary;
/// let rates: Vary = "learning_rate=0.02,0.05,0.1".parse()?;
/// assert_eq!(rates.name(), "learning_rate");
/// let sizes: Vary = "hidden=100..800:log:4".parse()?;
/// assert_eq!(sizes.values().unwrap().len(), 4);
/// let error = "lerning_rate=0.1".parse::<Vary>().unwrap_err().to_string();
/// assert!(error.ends_with("did you mean learning_rate?"), "{error}");
/// # Ok::<(), harmonium::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Vary {
    name: Name,
    text: String,
    values: Values,
}

by_text!(Vary);

/// The name of a setting. (The derived `Deserialize` of a struct with a reference would borrow it.)
type Name = &'static str;

/// The values of a setting.
#[derive(Clone, Debug, PartialEq)]
enum Values {
    Listed(Vec<Json>),
    Between(Span),
}

/// A range of numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Span {
    low: f64,
    high: f64,
    is_log: bool,
    is_whole: bool,
}

/// Settings that cannot vary, and why.
const FIXED: [(&str, &str); 2] = [
    ("seed", "left out: `seeds` gives the number of seeds of each setting"),
    (
        "binarize",
        "left out: it changes the bits that are scored, and scores of other bits do not compare",
    ),
];

/// What VALUES may be.
const FORMS: &str =
    "values with commas between them, or a range such as 100..1000:log:4 or 0..0.01:lin:3";

impl FromStr for Vary {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let Some((name, values)) = text.split_once('=') else {
            let rule = "NAME=VALUES, such as learning_rate=0.02,0.05,0.1 or hidden=100..1000:log:4";
            return Err(invalid("vary", text, rule));
        };
        let setting = varying(name.trim())?;
        let values = Values::parse(setting, values.trim())?;
        Ok(Self { name: setting.name, text: text.trim().to_string(), values })
    }
}

impl fmt::Display for Vary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The row of a setting that may vary.
fn varying(name: &str) -> Result<&'static Setting> {
    let refused = |rule: &str| Err(invalid("vary", name, rule));
    if let Some((_, rule)) = FIXED.iter().find(|(fixed, _)| *fixed == name) {
        return refused(rule);
    }
    match section_of(name) {
        Some(("data", _)) => {
            refused("a setting of training or of the run: scores on other data do not compare")
        }
        Some((_, setting)) if setting.kind != Kind::Record => Ok(setting),
        _ => {
            let names = setting_names().filter(|(section, _)| *section != "data");
            let meant = did_you_mean(name, names.map(|(_, name)| name));
            refused(&format!("the name of a setting of training or of the run{meant}"))
        }
    }
}

impl Values {
    fn parse(setting: &'static Setting, text: &str) -> Result<Self> {
        let forms = || invalid(setting.name, text, FORMS);
        if let Some((low, rest)) = text.split_once("..") {
            let parts: Vec<_> = rest.split(':').collect();
            let (high, scale, n) = match parts[..] {
                [high, scale] => (high, scale, None),
                [high, scale, n] => (high, scale, Some(n)),
                _ => return Err(forms()),
            };
            let is_log = match scale {
                "log" => true,
                "lin" => false,
                _ => return Err(forms()),
            };
            let span = Span::new(setting, [low, high], is_log)?;
            let Some(n) = n else { return Ok(Self::Between(span)) };
            let n = n.parse().ok().filter(|n| (2..=MOST).contains(n)).ok_or_else(|| {
                invalid(setting.name, text, format!("a range with 2 to {MOST} values"))
            })?;
            let mut values: Vec<Json> =
                (0..n).map(|at| span.at(at as f64 / (n - 1) as f64)).collect();
            // Whole numbers may be fewer than were asked for.
            values.dedup();
            return Ok(Self::Listed(values));
        }
        let values = text.split(',').map(|value| setting.parse(value.trim()));
        let values = values.collect::<Result<Vec<_>>>()?;
        match values.iter().enumerate().find(|(at, value)| values[..*at].contains(value)) {
            Some((_, twice)) => Err(invalid(
                setting.name,
                text,
                format!("values that differ ({twice} is given twice)"),
            )),
            None => Ok(Self::Listed(values)),
        }
    }
}

impl Span {
    fn new(setting: &'static Setting, ends: [&str; 2], is_log: bool) -> Result<Self> {
        let is_whole = setting.kind == Kind::Whole;
        if !is_whole && setting.kind != Kind::Real {
            let rule = "values with commas between them: only numbers have ranges";
            return Err(invalid(setting.name, ends.join(".."), rule));
        }
        let number = |text: &str| {
            let value = setting.parse(text.trim())?;
            Ok(value.as_f64().expect("a number"))
        };
        let (low, high) = (number(ends[0])?, number(ends[1])?);
        if low >= high || (is_log && low <= 0.0) {
            let rule = match is_log && low <= 0.0 {
                true => "a range above 0 with log",
                false => "a range from the smaller to the larger number",
            };
            return Err(invalid(setting.name, ends.join(".."), rule));
        }
        Ok(Self { low, high, is_log, is_whole })
    }

    /// The number at a share of the way from the lower to the upper end: whole, or of four digits.
    fn at(&self, share: f64) -> Json {
        let Self { low, high, is_log, is_whole } = *self;
        let x = match is_log {
            true => libm::exp(libm::log(low) + share * (libm::log(high) - libm::log(low))),
            false => low + share * (high - low),
        };
        let x = match is_whole {
            true => x.round(),
            false => format!("{x:.3e}").parse().expect("a number as it was written"),
        };
        let x = match share {
            0.0 => low,
            1.0 => high,
            _ => x.clamp(low, high),
        };
        if is_whole { (x as u64).into() } else { x.into() }
    }
}

impl Vary {
    /// The name of the setting.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The values in their order; `None` for a range to draw from.
    pub fn values(&self) -> Option<&[Json]> {
        match &self.values {
            Values::Listed(values) => Some(values),
            Values::Between(_) => None,
        }
    }

    /// The value at a share from 0 to 1, 1 itself excluded, of the list or of the range.
    pub(super) fn drawn(&self, share: f64) -> Json {
        match &self.values {
            Values::Listed(values) => values[(share * values.len() as f64) as usize].clone(),
            Values::Between(span) => span.at(share),
        }
    }
}

/// Settings that vary, each as its text.
impl Value for Vec<Vary> {
    const KIND: Kind = Kind::Names;

    fn parse(_: &'static str, text: &str) -> Result<Self> {
        Ok(vec![text.parse()?])
    }

    fn read(name: &'static str, json: &Json) -> Result<Self> {
        if let Json::String(text) = json {
            return Err(invalid(name, text, format!("a list of texts: {name} = [\"{text}\"]")));
        }
        let texts: Vec<String> = Value::read(name, json)?;
        texts.iter().map(|text| text.parse()).collect()
    }

    fn check(&self, name: &'static str, _: &Range) -> Result<()> {
        let twice = (0..self.len()).find(|at| self[..*at].iter().any(|v| v.name == self[*at].name));
        match twice {
            Some(at) => Err(invalid(name, &self[at], format!("given once for {}", self[at].name))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn values(text: &str) -> Vec<Json> {
        text.parse::<Vary>().unwrap().values().unwrap().to_vec()
    }

    #[test]
    fn lists_and_ranges_become_values_of_their_kind() {
        assert_eq!(values("learning_rate=0.02, 0.05,1"), [json!(0.02), json!(0.05), json!(1.0)]);
        assert_eq!(values("algorithm=cd,pcd"), ["cd", "pcd"]);
        assert_eq!(values("centering=true,false"), [true, false]);
        assert_eq!(values("hidden=100..1000:log:4"), [100, 215, 464, 1000]);
        assert_eq!(values("hidden=1..3:lin:5"), [1, 2, 3]);
        assert_eq!(values("weight_decay=0..0.01:lin:3"), [0.0, 0.005, 0.01]);
        assert_eq!(values("learning_rate=0.02..0.2:log:3"), [0.02, 0.063_25, 0.2]);
        let span: Vary = "hidden=10..20:lin".parse().unwrap();
        assert_eq!(
            (span.values(), span.drawn(0.0), span.drawn(0.51)),
            (None, json!(10), json!(15))
        );
        assert_eq!(span.to_string().parse::<Vary>().unwrap(), span);
    }

    #[test]
    fn a_wrong_name_or_value_is_refused_by_name_and_remedy() {
        for (text, message) in [
            (
                "lerning_rate=1",
                "vary is lerning_rate, but must be the name of a setting of training or of the run; did you mean learning_rate?",
            ),
            ("nonsense=1", "vary is nonsense, but must be the name of a setting"),
            ("learning_rate", "vary is learning_rate, but must be NAME=VALUES, such as"),
            (
                "validation=5,10",
                "vary is validation, but must be a setting of training or of the run: scores on other data",
            ),
            ("seed=1,2", "vary is seed, but must be left out: `seeds`"),
            ("binarize=none", "vary is binarize, but must be left out: it changes the bits"),
            ("replanned=1", "vary is replanned, but must be the name"),
            ("learning_rate=0.1,fast", "learning_rate is fast, but must be a finite number"),
            ("hidden=5,7,5", "hidden is 5,7,5, but must be values that differ (5 is given twice)"),
            ("hidden=5..1:lin:3", "hidden is 5..1, but must be a range from the smaller"),
            (
                "weight_decay=0..1:log:3",
                "weight_decay is 0..1, but must be a range above 0 with log",
            ),
            ("hidden=1..9", "hidden is 1..9, but must be values with commas"),
            (
                "hidden=1..9:log:1",
                "hidden is 1..9:log:1, but must be a range with 2 to 10000 values",
            ),
            ("hidden=1..9:cubic:3", "hidden is 1..9:cubic:3, but must be values with commas"),
            (
                "algorithm=cd..pt:lin:2",
                "algorithm is cd..pt, but must be values with commas between them: only numbers",
            ),
            ("algorithm=cd,pdc", "algorithm is pdc, but must be `auto`"),
        ] {
            let error = text.parse::<Vary>().unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}\ndoes not start with: {message}");
        }
        let twice: Vec<Vary> = ["hidden=5", "hidden=7"].map(|text| text.parse().unwrap()).into();
        let error = twice.check("vary", &Range::Any).unwrap_err().to_string();
        assert_eq!(error, "vary is hidden=7, but must be given once for hidden");
    }
}
