//! Settings. A table gives the name, range, default and meaning of each; flags, settings files, Python
//! keywords and their documentation are made from it.
//!
//! ```text
//!  text: --flag, TOML, JSON ──► value ──► table: kind, range, partners, sentence ──► struct of a section
//! ```

mod nearest;

mod text;

mod value;

mod table;

pub use nearest::{did_you_mean, nearest};
pub(crate) use table::settings;
pub use table::{Section, Setting};
pub(crate) use text::{by_name, by_text};
pub use text::{check, invalid, is_on_series};
pub use value::{Kind, Range, Value};
pub(crate) use value::{above, at_least, at_most, below};
