//! The table of settings, one section at a time, and the macro that defines a section: a struct, its
//! defaults and its rows of the table.

use super::nearest::nearest;
use super::text::invalid;
use super::value::{Kind, Range, Value, number};
use crate::error::{Error, Remedy, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json};
use std::ops::{Bound, RangeInclusive};

/// A setting: a row of the table.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The name of the field, the TOML key and the Python keyword. The flag has `-` for `_`.
    pub name: &'static str,
    /// The meaning. `*name*` refers to another setting.
    sentence: &'static str,
    /// The kind of its values.
    pub kind: Kind,
    /// The allowed values.
    pub range: Range,
    /// The default in words, if they say more than the value.
    pub unset: Option<&'static str>,
    /// The usual values.
    pub usual: Option<&'static str>,
    /// The setting has no effect unless one of these holds.
    pub needs: &'static [Remedy],
    /// Another setting, which must not be given together with this one.
    pub instead_of: Option<&'static str>,
    /// The placeholder for its value on the command line.
    pub placeholder: Option<&'static str>,
    parse: fn(&'static str, &str) -> Result<Json>,
    read: fn(&'static str, &Json) -> Result<Json>,
}

fn json(value: impl Serialize) -> Json {
    serde_json::to_value(value).expect("a plain value")
}

/// A value as a user types it.
fn text(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Number(x) if x.is_f64() => x.as_f64().map_or(String::new(), number),
        value => value.to_string(),
    }
}

impl Setting {
    /// A row for values of type `T`.
    pub(crate) const fn of<T: Value + Serialize>(
        name: &'static str,
        sentence: &'static str,
    ) -> Self {
        Self {
            name,
            sentence,
            kind: T::KIND,
            range: Range::Any,
            unset: None,
            usual: None,
            needs: &[],
            instead_of: None,
            placeholder: None,
            parse: |name, text| T::parse(name, text).map(json),
            read: |name, value| T::read(name, value).map(json),
        }
    }

    pub(crate) const fn whole(mut self, range: RangeInclusive<u64>) -> Self {
        self.range = Range::Whole(range);
        self
    }

    pub(crate) const fn real(mut self, low: Bound<f64>, high: Bound<f64>) -> Self {
        self.range = Range::Real(low, high);
        self
    }

    pub(crate) const fn unset(mut self, text: &'static str) -> Self {
        self.unset = Some(text);
        self
    }

    pub(crate) const fn usual(mut self, text: &'static str) -> Self {
        self.usual = Some(text);
        self
    }

    pub(crate) const fn needs(mut self, any: &'static [Remedy]) -> Self {
        self.needs = any;
        self
    }

    pub(crate) const fn instead_of(mut self, other: &'static str) -> Self {
        self.instead_of = Some(other);
        self
    }

    pub(crate) const fn placeholder(mut self, text: &'static str) -> Self {
        self.placeholder = Some(text);
        self
    }

    /// Only runs write this setting: it has no flag.
    #[cfg(feature = "cli")]
    pub(crate) const fn recorded(mut self) -> Self {
        self.kind = Kind::Record;
        self
    }

    /// Reads a value as a user types it.
    ///
    /// # Errors
    /// As [`Value::parse`].
    pub fn parse(&self, text: &str) -> Result<Json> {
        (self.parse)(self.name, text)
    }

    /// Whether it has an effect under these settings of its section.
    fn has_effect(&self, fields: &Map<String, Json>) -> bool {
        self.needs.is_empty() || self.needs.iter().any(|need| holds(need, fields))
    }

    /// The meaning, with other settings as `spell` spells them.
    pub fn sentence(&self, spell: &dyn Fn(&str) -> String) -> String {
        spelt(self.sentence, spell)
    }

    /// The default in words, or else its value.
    pub fn default_text(&self, default: &Json, spell: &dyn Fn(&str) -> String) -> String {
        self.unset.map_or_else(|| text(default), |text| spelt(text, spell))
    }
}

/// A text of the table, with `spell(name)` in place of `*name*`. Other asterisks stay.
fn spelt(text: &str, spell: &dyn Fn(&str) -> String) -> String {
    let is_name = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    let (mut spelt, mut rest) = (String::new(), text.trim());
    while let Some((before, after)) = rest.split_once('*') {
        spelt += before;
        rest = match after.split_once('*') {
            Some((name, after)) if is_name(name) => {
                spelt += &spell(name);
                after
            }
            _ => {
                spelt.push('*');
                after
            }
        };
    }
    spelt + rest
}

/// A section of the settings: a plain struct with a row of the table for each of its fields.
pub trait Section: Serialize + DeserializeOwned + Default + 'static {
    /// Its name in a settings file.
    const NAME: &'static str;
    /// Its rows, in the order of the fields.
    const TABLE: &'static [Setting];

    /// Checks that every setting is in its range.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`] for the first that is out of its range.
    fn check_ranges(&self) -> Result<()>;

    /// The settings by name; unset ones are null.
    fn fields(&self) -> Map<String, Json> {
        match serde_json::to_value(self) {
            Ok(Json::Object(fields)) => fields,
            _ => unreachable!("settings are a plain struct"),
        }
    }

    /// The row of a setting.
    ///
    /// # Errors
    /// [`Error::UnknownSetting`] if no setting has this name.
    fn row(name: &str) -> Result<&'static Setting> {
        Self::TABLE.iter().find(|setting| setting.name == name).ok_or_else(|| {
            let meant = nearest(name, Self::TABLE.iter().map(|setting| setting.name));
            Error::UnknownSetting { name: name.to_string(), meant }
        })
    }

    /// Reads settings from a file or from Python; missing ones keep their defaults.
    ///
    /// # Errors
    /// [`Error::UnknownSetting`]; [`Error::WrongKind`] or [`Error::InvalidSetting`] for a value that
    /// cannot be read.
    fn read(some: &Map<String, Json>) -> Result<Self> {
        let mut fields = Map::new();
        for (name, value) in some {
            let setting = Self::row(name)?;
            fields.insert(name.clone(), (setting.read)(setting.name, value)?);
        }
        Ok(serde_json::from_value(fields.into()).expect("values of the types of the fields"))
    }

    /// Refuses settings that have no effect beside the others. A default is always allowed.
    ///
    /// # Errors
    /// [`Error::NoEffect`] or [`Error::InvalidSetting`] for the first such setting.
    fn check_effect(&self) -> Result<()> {
        let (fields, default) = (self.fields(), Self::default().fields());
        let is_set = |name: &str| fields[name] != default[name];
        for setting in Self::TABLE.iter().filter(|setting| is_set(setting.name)) {
            let (name, value) = (setting.name, text(&fields[setting.name]));
            if let Some(other) = setting.instead_of.filter(|other| is_set(other)) {
                return Err(invalid(name, value, format!("left out with {other}")));
            }
            if !setting.has_effect(&fields) {
                return Err(Error::NoEffect { setting: name, value, needs: setting.needs });
            }
        }
        Ok(())
    }

    /// These settings, with given ones in place of their own. Where a given one takes away what another
    /// needs, the other returns to its default; `auto` takes nothing away.
    fn overridden(&self, given: &Map<String, Json>) -> Self {
        let (mut fields, default) = (self.fields(), Self::default().fields());
        fields.extend(given.clone());
        for setting in Self::TABLE.iter().filter(|setting| !given.contains_key(setting.name)) {
            let takes_away =
                |need: &Remedy| given.get(need.setting).is_some_and(|value| value != "auto");
            if setting.needs.iter().any(takes_away) && !setting.has_effect(&fields) {
                fields.insert(setting.name.to_string(), default[setting.name].clone());
            }
        }
        Self::read(&fields).expect("given settings have been read")
    }
}

/// Whether a setting has the value that another needs; if no value is needed, whether it is on.
fn holds(need: &Remedy, fields: &Map<String, Json>) -> bool {
    match (need.value, &fields[need.setting]) {
        (Some(value), Json::String(text)) => text == value,
        (Some(_), _) => false,
        (None, Json::Null | Json::Bool(false)) => false,
        (None, value) => value.as_f64() != Some(0.0),
    }
}

/// Defines a section: its struct, its defaults and its rows of the table. The calls that make a row
/// follow the default of its field: `{ whole(1..=9), usual("3") }`. The doc comment is its sentence.
macro_rules! settings {
    (
        $(#[$attribute:meta])*
        pub struct $name:ident in $section:literal {
            $(
                $(#[doc = $sentence:literal])+
                $field:ident: $type:ty = $default:expr,
                { $($call:ident($($argument:expr),*)),* }
            )+
        }
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            $(
                $(#[doc = $sentence])+
                #[doc = concat!("\n", $("\n- `", stringify!($call($($argument),*)), "`",)*)]
                pub $field: $type,
            )+
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default),+ }
            }
        }

        impl $crate::setting::Section for $name {
            const NAME: &'static str = $section;
            const TABLE: &'static [$crate::setting::Setting] = &[$(
                $crate::setting::Setting::of::<$type>(stringify!($field), concat!($($sentence),+))
                    $(.$call($($argument),*))*
            ),+];

            fn check_ranges(&self) -> $crate::error::Result<()> {
                let mut rows = Self::TABLE.iter();
                $({
                    let row = rows.next().expect("a row for each field");
                    $crate::setting::Value::check(&self.$field, row.name, &row.range)?;
                })+
                Ok(())
            }
        }
    };
}

pub(crate) use settings;

#[cfg(test)]
mod tests {
    use super::super::value::{above, at_most};
    use super::*;
    use serde_json::json;

    settings! {
        /// A section for tests.
        pub struct Garden in "garden" {
            /// Number of trees
            /// in it; see *pond*.
            trees: usize = 3, { whole(1..=9), usual("2 to 4") }
            /// Depth of its pond.
            pond: f64 = 0.0, {}
            /// Number of frogs: `'f*.csv'`, as in *pond*, 2 * 3.
            frogs: Option<u64> = None, { unset("as *trees*"), needs(&[Remedy::of("pond"), Remedy::with("kind", "wet")]) }
            /// Its kind.
            kind: String = "dry".to_string(), {}
            /// Number of leaves, in place of trees.
            leaves: Option<f64> = None, { real(above(0.0), at_most(1.0)), instead_of("trees") }
        }
    }

    fn object(json: Json) -> Map<String, Json> {
        json.as_object().unwrap().clone()
    }

    fn message<T>(result: Result<T>) -> String {
        result.map(drop).map_or_else(|error| error.to_string(), |()| "ok".to_string())
    }

    #[test]
    fn a_section_is_a_struct_with_a_row_for_each_field() {
        let fields: Vec<_> = Garden::default().fields().keys().cloned().collect();
        let mut rows: Vec<_> = Garden::TABLE.iter().map(|row| row.name).collect();
        rows.sort_unstable();
        assert_eq!(rows, fields);
        let shout = |name: &str| name.to_uppercase();
        assert_eq!(Garden::TABLE[0].sentence(&shout), "Number of trees in it; see POND.");
        let frogs = Garden::TABLE[2].sentence(&shout);
        assert_eq!(frogs, "Number of frogs: `'f*.csv'`, as in POND, 2 * 3.");
        assert_eq!(Garden::TABLE[2].default_text(&Json::Null, &shout), "as TREES");
        assert_eq!(Garden::TABLE[0].default_text(&json!(3), &shout), "3");
    }

    #[test]
    fn the_table_reads_and_checks_settings() {
        let read = |some: Json| Garden::read(&object(some));
        let garden = read(json!({"trees": 12, "leaves": 0.5})).unwrap();
        assert_eq!(garden, Garden { trees: 12, leaves: Some(0.5), ..Garden::default() });
        let rule = "trees is 12, but must be at least 1 and at most 9";
        assert_eq!(message(garden.check_ranges()), rule);
        let unknown = "tres is not known; did you mean trees?";
        assert_eq!(message(read(json!({"tres": 1}))), unknown);
        assert_eq!(
            message(read(json!({"pond": true}))),
            "pond is true, but must be a finite number"
        );
    }

    #[test]
    fn settings_must_have_an_effect() {
        let check = |some: Json| {
            message(Garden::read(&object(some)).and_then(|garden| garden.check_effect()))
        };
        let refused = "frogs is 2, but must be left out without pond or kind = wet";
        assert_eq!(check(json!({"frogs": 2})), refused);
        for given in [json!({"frogs": 2, "pond": 1.5}), json!({"frogs": 2, "kind": "wet"})] {
            assert_eq!(check(given), "ok");
        }
        // A default is allowed.
        assert_eq!(check(json!({"frogs": null})), "ok");
        let both = "leaves is 0.5, but must be left out with trees";
        assert_eq!(check(json!({"leaves": 0.5, "trees": 4})), both);
        assert_eq!(check(json!({"leaves": 0.5, "trees": 3})), "ok");
    }

    #[test]
    fn a_setting_goes_with_what_it_needs() {
        let wet = Garden { frogs: Some(2), pond: 1.5, trees: 7, ..Garden::default() };
        let over = |given: Json| wet.overridden(&object(given));
        assert_eq!(over(json!({"trees": 5})), Garden { trees: 5, ..wet.clone() });
        assert_eq!(over(json!({"pond": 0.0})), Garden { trees: 7, ..Garden::default() });
        assert_eq!(over(json!({"kind": "auto"})), Garden { kind: "auto".into(), ..wet.clone() });
        // What is given stays, and is then refused.
        let both = over(json!({"pond": 0.0, "frogs": 3}));
        assert_eq!(both.frogs, Some(3));
        assert!(matches!(both.check_effect(), Err(Error::NoEffect { setting: "frogs", .. })));
    }
}
