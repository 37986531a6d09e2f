//! Where the units of a layer stand in panels of 64.
//!
//! The kernels see a layer as *panels* of 64 *places*. Units stand in the order of the data's columns. The
//! places that are left over at the end of a panel are *padding*: no unit stands there.
//!
//! ```text
//!  columns      0 … 20  21 … 41  42 … 62 │ 63 … 83  84 … 104      three sites of 21 units, then two
//!  places       0 … 20  21 … 41  42 … 62   64 … 84  85 … 105      (place 63 is padding)
//!               └────────── panel 0 ─────┘└────── panel 1 ────
//! ```

use std::ops::Range;
use std::sync::Arc;

/// The places of a panel.
pub(crate) const SIDE: usize = u64::BITS as usize;

/// The places of a layer's units.
///
/// A number of units is turned into the layout in which every panel but the last is full:
///
/// ```
/// use harmonium::layout::Layout;
/// let full = Layout::from(70);
/// assert_eq!((full.n_panels(), full.columns(1)), (2, 64..70));
/// let sites = Layout::of_groups([21; 5]);
/// assert_eq!((sites.n_panels(), sites.columns(1)), (2, 63..105));
/// assert_eq!(sites.place(63), 64);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    n_units: usize,
    /// The first column of each panel, then the number of units; none if all panels but the last are full.
    firsts: Option<Arc<[usize]>>,
}

impl From<usize> for Layout {
    fn from(n_units: usize) -> Self {
        Self { n_units, firsts: None }
    }
}

impl From<&Self> for Layout {
    fn from(layout: &Self) -> Self {
        layout.clone()
    }
}

impl Layout {
    /// The layout of groups of units, of these sizes. A group of up to 64 units is in one panel; a larger one
    /// has its panels for itself.
    pub fn of_groups(sizes: impl IntoIterator<Item = usize>) -> Self {
        let (mut firsts, mut n_units, mut room) = (Vec::new(), 0, 0);
        for size in sizes {
            if size > room {
                let panels = (0..size).step_by(SIDE).map(|at| n_units + at);
                firsts.extend(panels);
                room = SIDE.saturating_sub(size);
            } else {
                room -= size;
            }
            n_units += size;
        }
        let is_full = firsts.iter().enumerate().all(|(panel, &first)| first == panel * SIDE);
        firsts.push(n_units);
        Self { n_units, firsts: (!is_full).then(|| firsts.into()) }
    }

    /// Number of units.
    pub fn n_units(&self) -> usize {
        self.n_units
    }

    /// Number of panels.
    pub fn n_panels(&self) -> usize {
        self.firsts.as_ref().map_or(self.n_units.div_ceil(SIDE), |firsts| firsts.len() - 1)
    }

    /// Number of places: 64 a panel.
    pub fn n_places(&self) -> usize {
        self.n_panels() * SIDE
    }

    /// The columns of the data in a panel, from its first place on.
    ///
    /// # Panics
    /// If there is no such panel.
    pub fn columns(&self, panel: usize) -> Range<usize> {
        assert!(panel < self.n_panels(), "panel {panel} of {}", self.n_panels());
        match &self.firsts {
            None => panel * SIDE..self.n_units.min((panel + 1) * SIDE),
            Some(firsts) => firsts[panel]..firsts[panel + 1],
        }
    }

    /// The columns of each panel, in order.
    pub fn panels(&self) -> impl ExactSizeIterator<Item = Range<usize>> + '_ {
        (0..self.n_panels()).map(|panel| self.columns(panel))
    }

    /// The place of a column's unit.
    ///
    /// # Panics
    /// If there is no such column.
    pub fn place(&self, column: usize) -> usize {
        assert!(column < self.n_units, "column {column} of {}", self.n_units);
        match &self.firsts {
            None => column,
            Some(firsts) => {
                let panel = firsts.partition_point(|&first| first <= column) - 1;
                panel * SIDE + column - firsts[panel]
            }
        }
    }

    /// A word with a bit for each unit of a panel, without padding.
    ///
    /// # Panics
    /// As [`columns`](Self::columns).
    pub fn mask(&self, panel: usize) -> u64 {
        ones(self.columns(panel).len())
    }

    /// The word of each panel of a row of bits, which is packed in the order of columns.
    pub(crate) fn words_of_panels<'a>(&'a self, row: &'a [u64]) -> impl Iterator<Item = u64> + 'a {
        self.panels().map(|columns| {
            let (at, shift) = (columns.start / SIDE, columns.start % SIDE);
            let low = row[at] >> shift;
            let high = if columns.len() > SIDE - shift { row[at + 1] << (SIDE - shift) } else { 0 };
            (low | high) & ones(columns.len())
        })
    }

    /// Packs the word of each panel in the order of columns; the bits of `row` are 0 before.
    pub(crate) fn pack(&self, words: impl Iterator<Item = u64>, row: &mut [u64]) {
        for (columns, word) in self.panels().zip(words) {
            let (at, shift) = (columns.start / SIDE, columns.start % SIDE);
            row[at] |= word << shift;
            if columns.len() > SIDE - shift {
                row[at + 1] |= word >> (SIDE - shift);
            }
        }
    }
}

/// A word whose `n` lowest bits are 1, for 1 to 64 bits.
fn ones(n: usize) -> u64 {
    u64::MAX >> (SIDE - n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_not_cut_and_large_ones_stand_alone() {
        let groups = [[21; 6].to_vec(), vec![1, 64, 1], vec![3, 70, 2, 200, 1], vec![64; 2]];
        for sizes in groups {
            let layout = Layout::of_groups(sizes.iter().copied());
            let n_units: usize = sizes.iter().sum();
            assert_eq!(layout.n_units(), n_units);
            let columns: Vec<usize> = layout.panels().flatten().collect();
            assert_eq!(columns, Vec::from_iter(0..n_units), "{sizes:?}");
            let mut first = 0;
            for &size in &sizes {
                let (from, to) = (layout.place(first), layout.place(first + size - 1));
                let (panel, last) = (from / SIDE, to / SIDE);
                assert_eq!(last - panel + 1, size.div_ceil(SIDE), "{sizes:?}");
                if size > SIDE {
                    assert!(from.is_multiple_of(SIDE) && layout.columns(last).end == first + size);
                }
                first += size;
            }
        }
        assert_eq!(Layout::of_groups([1; 130]), Layout::from(130));
        assert_eq!(Layout::of_groups([64, 64, 5]), Layout::from(133));
        assert_ne!(Layout::of_groups([63, 2]), Layout::from(65));
    }

    #[test]
    fn rows_keep_their_bits_from_columns_to_panels_and_back() {
        for layout in
            [Layout::from(130), Layout::of_groups([21; 20]), Layout::of_groups([70, 3, 64])]
        {
            let n = layout.n_units();
            let is_on = |column: usize| (column * column + column / 7).is_multiple_of(3);
            let mut row = vec![0; n.div_ceil(SIDE)];
            (0..n)
                .filter(|&column| is_on(column))
                .for_each(|at| row[at / SIDE] |= 1 << (at % SIDE));
            let words: Vec<u64> = layout.words_of_panels(&row).collect();
            for column in 0..n {
                let place = layout.place(column);
                assert_eq!(
                    words[place / SIDE] >> (place % SIDE) & 1 == 1,
                    is_on(column),
                    "{column}"
                );
            }
            for (panel, word) in words.iter().enumerate() {
                assert_eq!(word & !layout.mask(panel), 0, "padding of panel {panel}");
            }
            let mut back = vec![0; row.len()];
            layout.pack(words.into_iter(), &mut back);
            assert_eq!(back, row);
        }
    }
}
