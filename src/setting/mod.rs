//! Settings, once: a table says what each is called, which values it takes, what it does without, and
//! what it means; flags, settings files, Python's keywords and their documentation come from there.
//!
//! ```text
//!  text: --flag, TOML, JSON ──► value ──► table: kind, range, partners, sentence ──► struct of a section
//! ```

mod text;

mod value;

mod table;

pub(crate) use table::settings;
pub use table::{Section, Setting, nearest};
pub(crate) use text::{by_name, by_text};
pub use text::{check, invalid, is_on_series};
pub use value::{Kind, Range, Value};
pub(crate) use value::{above, at_least, at_most, below};
