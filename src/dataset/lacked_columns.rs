//! Columns of a model that a table lacks: they are refused, or their values are missing in every row.

use super::categories::{Header, Origin, listed};
use super::columns::{Columns, Form};
use crate::error::{Error, Remedy, Result};
use std::collections::HashSet;

/// What is done where a table with a header lacks columns of the model for which it is read. A table without a header
/// must have all columns in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LackedColumns {
    /// The table is refused.
    #[default]
    Refuse,
    /// The table is refused, as the model was trained on examples that lack no value.
    RefuseAsWhole,
    /// Their values are missing in every row. Then the table must have one column of the model at least, and none that
    /// the model does not know, as its name may be misspelt.
    Missing,
}

/// The columns of a note or a message that are named, if there are more.
const MOST_NAMED: usize = 3;

/// The place in a table of the column of each site; `None` for one that it lacks.
pub(super) type Places = Vec<Option<usize>>;

impl Header {
    /// The places of the columns of a model, and a note for the user on those that are lacking.
    ///
    /// # Errors
    /// As [`chosen`](Self::chosen), and [`Error::BadCategory`] as [`LackedColumns`] says.
    pub fn places(
        &self,
        columns: &Columns,
        lacked: LackedColumns,
    ) -> Result<(Places, Option<String>)> {
        let own: HashSet<_> = self.names.iter().map(String::as_str).collect();
        let names = columns.header().filter(|_| self.is_given).unwrap_or_default();
        let absent: Vec<_> = names.iter().copied().filter(|name| !own.contains(name)).collect();
        if absent.is_empty() || lacked == LackedColumns::Refuse {
            let chosen = self.chosen(Origin::Model(columns))?;
            return Ok((chosen.into_iter().map(Some).collect(), None));
        }
        if let Some(refused) = self.refused_for(&names, &absent, lacked) {
            return Err(refused);
        }
        let Form::Table(all) = &columns.0 else { unreachable!("columns with a header") };
        let has = |name: &str| own.contains(name);
        let there = all.iter().filter(|column| has(&column.name)).cloned().collect();
        let chosen = self.chosen(Origin::Model(&Columns(Form::Table(there))))?;
        let mut chosen = chosen.into_iter();
        let place = |name: &&str| if has(name) { chosen.next() } else { None };
        let places = names.iter().map(place).collect();
        let (n, all) = (absent.len(), names.len());
        let which = if n == 1 { "which counts as missing" } else { "which count as missing" };
        let note = format!("the table lacks {n} of {all} columns, {which}: {}", named(&absent));
        Ok((places, Some(note)))
    }

    /// What is wrong with a table that has not all columns of a model, of these `names`, but lacks those that are
    /// `absent`.
    fn refused_for(&self, names: &[&str], absent: &[&str], lacked: LackedColumns) -> Option<Error> {
        let own = listed(&self.names);
        if absent.len() == names.len() {
            let n = names.len();
            let rule = format!(
                "has none of the {n} columns of the model, {}; its columns are {own}",
                listed(names)
            );
            return Some(self.refused(rule, None));
        }
        if lacked == LackedColumns::RefuseAsWhole {
            let rule = format!(
                "has no column \"{}\", which the model needs; its columns are {own}; the model was trained on examples \
                 that lack no value: train it for tables that lack columns",
                absent[0]
            );
            return Some(self.refused(rule, Some(Remedy::with("missing", "absent|marginal"))));
        }
        let known: HashSet<_> = names.iter().copied().collect();
        let is_known = |at: usize| self.apart.contains(&at) || known.contains(&self.names[at][..]);
        let unknown: Vec<_> = (0..self.names.len()).filter(|&at| !is_known(at)).collect();
        let unknown: Vec<_> = unknown.into_iter().map(|at| &self.names[at][..]).collect();
        let is = if unknown.len() == 1 { "is a column" } else { "are columns" };
        let lack = if absent.len() == 1 { "is lacking" } else { "are lacking" };
        let rule = format!(
            "{} {is} that the model does not know, while {} of its columns {lack}: {}; correct the names, or leave \
             out what is no column of the model",
            named(&unknown),
            absent.len(),
            named(absent)
        );
        (!unknown.is_empty()).then(|| self.refused(rule, Some(Remedy::with("ignore", "NAME"))))
    }
}

/// The first of these names, and how many more there are.
fn named(names: &[&str]) -> String {
    match names.split_at_checked(MOST_NAMED) {
        Some((first, more @ [_, ..])) => format!("{} and {} more", first.join(", "), more.len()),
        _ => names.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Column, ColumnKind};
    use super::*;

    /// The places of the bits a to f of a model in a table of these columns, and the note; or the error.
    fn places(names: &[&str], lacked: LackedColumns) -> Result<(Places, Option<String>), String> {
        let bit = |name: &str| {
            let kind = ColumnKind::Bit(["0".into(), "1".into()]);
            Column { name: name.into(), kind }
        };
        let columns = Columns::table(["a", "b", "c", "d", "e", "f"].map(bit).to_vec());
        let names: Vec<_> = names.iter().map(ToString::to_string).collect();
        let is_given = names[0] != "1";
        let apart = names.iter().position(|name| name == "id").into_iter().collect();
        let header = Header { is_given, apart, ..Header::numbered("t", names.len()) };
        let header = Header { names, ..header };
        header.places(&columns, lacked).map_err(|error| error.to_string())
    }

    #[test]
    fn columns_are_found_by_name_and_others_have_no_place() {
        let (found, note) = places(&["e", "id", "a"], LackedColumns::Missing).unwrap();
        assert_eq!(found, [Some(2), None, None, None, Some(0), None]);
        let note = note.unwrap();
        assert_eq!(
            note,
            "the table lacks 4 of 6 columns, which count as missing: b, c, d and 1 more"
        );
        // A table that has all may have others, too, whatever the rule is.
        for lacked in [LackedColumns::Refuse, LackedColumns::RefuseAsWhole, LackedColumns::Missing]
        {
            let found = places(&["f", "e", "more", "d", "c", "b", "a"], lacked);
            assert_eq!(found, Ok(([6, 5, 4, 3, 1, 0].map(Some).to_vec(), None)));
        }
    }

    #[test]
    fn a_table_that_cannot_be_matched_is_refused() {
        use LackedColumns::{Missing, Refuse, RefuseAsWhole};
        for (names, lacked, message) in [
            (
                &["a", "b"][..],
                Refuse,
                "t: has no column \"c\", which the model needs; its columns are a, b",
            ),
            (
                &["a", "b"],
                RefuseAsWhole,
                "t: has no column \"c\", which the model needs; its columns are a, b; the model was trained on examples that \
                 lack no value: train it for tables that lack columns by missing = absent|marginal",
            ),
            (
                &["x", "id"],
                RefuseAsWhole,
                "t: has none of the 6 columns of the model, a, b, c, d, e, f; its columns are x, id",
            ),
            (
                &["a", "B", "id", "c", "x"],
                Missing,
                "t: B, x are columns that the model does not know, while 4 of its columns are lacking: b, d, e and 1 more; \
                 correct the names, or leave out what is no column of the model by ignore = NAME",
            ),
            (
                &["x", "id"],
                Missing,
                "t: has none of the 6 columns of the model, a, b, c, d, e, f; its columns are x, id",
            ),
            (&["a", "b", "a"], Missing, "t: column 3 (\"a\") has the name of another; rename it"),
            // Without a header the order decides, and there must be all.
            (&["1", "2"], Missing, "t: has 2 columns, but the model has 6"),
        ] {
            assert_eq!(places(names, lacked).unwrap_err(), message);
        }
    }
}
