//! Columns that seem to share a scale, such as 1 to 5 stars, of which some do not show all of it.

use super::Dataset;
use super::columns::Columns;

/// The most numbers of a scale.
const MOST: usize = 20;

impl Columns {
    /// The numbers of all columns in order, if at least half the columns have more than half of them, and some lack
    /// some.
    fn one_scale(&self) -> Option<Vec<f64>> {
        let n_columns = self.n_columns();
        if !(0..n_columns).all(|column| self.has_numbers(column)) {
            return None;
        }
        let mut scale: Vec<f64> = (0..n_columns).flat_map(|column| self.numbers(column)).collect();
        scale.sort_by(f64::total_cmp);
        scale.dedup();
        let sizes: Vec<_> = (0..n_columns).map(|column| self.states(column).len()).collect();
        let n_of_most = sizes.iter().filter(|&&size| 2 * size > scale.len()).count();
        let is_one = (3..=MOST).contains(&scale.len()) && 2 * n_of_most >= n_columns;
        (is_one && sizes.iter().any(|&size| size < scale.len())).then_some(scale)
    }
}

impl Dataset {
    /// A note for the user on numbers that some columns lack and others have, if values are missing and the columns
    /// seem to share a scale.
    pub fn scale_note(&self) -> Option<String> {
        self.missing()?;
        let columns = self.columns()?;
        let scale = columns.one_scale()?;
        let lacks = |column: &usize| columns.states(*column).len() < scale.len();
        let lacking: Vec<_> = (0..columns.n_columns()).filter(lacks).collect();
        let numbers = columns.numbers(lacking[0]);
        let number = scale.iter().find(|x| !numbers.contains(x))?;
        Some(format!(
            "{}: {} of {} columns lack numbers that others have, as column \"{}\" lacks {number}: these are never \
             predicted there, and other data that have them are refused; if all columns share one scale, as \
             ratings do, the setting categories = {}..{} gives all of it to each",
            self.name(),
            lacking.len(),
            columns.n_columns(),
            columns.name(lacking[0]),
            scale[0],
            scale[scale.len() - 1]
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Column, ColumnKind};
    use super::*;
    use crate::BitMatrix;

    /// The note on columns of these numbers, with or without a value that is missing.
    fn note(columns: &[&[&str]], is_missing: bool) -> Option<String> {
        let column = |(name, numbers): (&str, &&[&str])| {
            let states = numbers.iter().map(|x| x.to_string()).collect();
            Column { name: name.into(), kind: ColumnKind::Category(states) }
        };
        let columns =
            Columns::table(["a", "b", "c"].into_iter().zip(columns).map(column).collect());
        let n_units = columns.n_units();
        let first = columns.sites()[0];
        let bits = columns.encode("t", ndarray::Array2::zeros((2, columns.n_columns())).view());
        let missing =
            BitMatrix::from_fn(2, n_units, |n, unit| is_missing && n == 0 && unit < first);
        let data = Dataset::from_columns("t", columns, bits.unwrap());
        let data = if is_missing { data.with_missing(missing).unwrap() } else { data };
        data.scale_note()
    }

    #[test]
    fn a_scale_of_which_a_column_lacks_some_is_noted() {
        let stars: &[&str] = &["1", "2", "3", "4", "5"];
        let found = note(&[stars, &["3", "4", "5"], stars], true).unwrap();
        assert!(found.starts_with("t: 1 of 3 columns lack numbers that others have"), "{found}");
        assert!(
            found.contains("column \"b\" lacks 1:") && found.contains("categories = 1..5"),
            "{found}"
        );
        for others in [
            note(&[stars, &["3", "4", "5"], stars], false),
            note(&[stars, stars, stars], true),
            // Columns of their own kinds: a sex, a class, the number of a region.
            note(&[&["1", "2"], &["1", "2"], &["1", "2", "3", "4", "5", "6", "7", "8"]], true),
            note(&[stars, &["no", "yes"], stars], true),
        ] {
            assert_eq!(others, None);
        }
    }
}
