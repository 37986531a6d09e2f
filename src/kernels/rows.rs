//! Sums of rows whose units are on: `sums[n] += Σ_{i on in state n} row[i]`, exact in any order.
//!
//! Two kernels give the same bits, and [`add_active_rows`] chooses the cheaper one. Both work tile by
//! tile, so that the rows stay in cache.
//!
//! - *Gather* adds the rows one by one: one addition of 64 columns for each unit that is on.
//! - *Tables* (the "four Russians" of Arlazarov et al., 1970) hold the 16 possible sums of each four
//!   rows of a tile (11 additions, 15 rows written). Four units of a state then cost one lookup, or
//!   nothing if all four are off.
//!
//! All states share a table, so tables pay if there are many states and many units are on.
//!
//! The following were tried on Zen 3 and are slower: groups of two or three rows; tables of 16 or 32
//! columns, which fit the L1 cache, but read the bits two or four times as often; tables of several
//! tiles at once; lists of table entries, made once for all panels and sorted by length to avoid
//! mispredicted loop ends. For chains that are swept again with the same weights, adding and
//! subtracting the rows of changed units was slower, too: there are 40 % as many as units that are
//! on in a trained 784-500, but the shorter loops gain little and lose at lower β.

use super::isa::{Isa, dispatch};
use super::tile::{Aligned, Panel, Row, SIDE, Tile, aligned};
use crate::bits::BitPanels;
use std::cell::RefCell;

/// States of one layer (rows, units) and a row of sums for each.
pub struct Target<'a> {
    /// The states. Their panel `first_panel + t` selects the rows of tile `t`.
    pub states: &'a BitPanels,
    /// The panel of states for the first tile.
    pub first_panel: usize,
    /// The state for the first row of sums.
    pub first: usize,
    /// The sums, one row for each state from `first` on.
    pub sums: &'a mut [Row<i32>],
}

/// Number of groups of four rows in a tile.
const GROUPS: usize = SIDE / 4;

/// The sums of all subsets of each group of four rows: entry `16·group + nibble`.
type Table = [Row<i32>; 16 * GROUPS];

thread_local! {
    /// The table of each worker, allocated once: clearing a new one would cost as much as filling it.
    static TABLE: RefCell<Aligned<Row<i32>>> = RefCell::new(aligned([0; SIDE], 16 * GROUPS));
}

/// Adds to the sums of every state the rows of `panel` whose units are on in that state.
///
/// # Panics
/// If the sums of a target pass the row capacity of its states, or it has fewer panels than `panel`
/// has tiles.
pub fn add_active_rows(isa: Isa, panel: Panel<'_>, targets: &mut [Target<'_>]) {
    for target in targets.iter() {
        let end = target.first + target.sums.len();
        assert!(end <= target.states.row_capacity(), "a sum without a state");
        let end = target.first_panel + panel.n_tiles();
        assert!(end <= target.states.n_panels(), "a row without a unit");
    }
    if tables_pay(panel.n_tiles(), targets) {
        lookup(isa, panel, targets);
    } else {
        gather(isa, panel, targets);
    }
}

/// Whether tables cost less than gathering, estimated from a sample of the words. The costs were
/// fitted to `cargo bench --bench kernels -- '^(gather|tables)/'` on Zen 4 with AVX-512, for 256
/// states of 784 units at densities of 5, 13 and 25 % (1.23 ns an addition, 1.36 ns a lookup,
/// 0.84 µs a table).
fn tables_pay(n_tiles: usize, targets: &[Target<'_>]) -> bool {
    /// Cost of filling the table of a tile, in additions of a row.
    const FILL: usize = 600;
    /// Cost of five lookups, in the same unit: entries come from the L2 cache, rows from the L1 cache.
    const FIVE_LOOKUPS: usize = 6;
    /// Approximate number of words sampled from each target.
    const SAMPLE: usize = 64;
    let (mut lookups, mut additions, mut n_states) = (0, 0, 0);
    for Target { states, first_panel, first, sums } in targets {
        let n_words = n_tiles * sums.len();
        let stride = n_words.div_ceil(SAMPLE).max(1);
        // Every stride-th word of the tiles in order. An odd stride samples each tile differently.
        let sampled = (0..n_words).step_by(stride | 1);
        let n_sampled = sampled.len().max(1);
        let (mut groups, mut ones) = (0, 0);
        for at in sampled {
            let word = states.panel(first_panel + at / sums.len())[first + at % sums.len()];
            groups += active_groups(word).count_ones() as usize;
            ones += word.count_ones() as usize;
        }
        lookups += groups * n_words / n_sampled;
        additions += ones * n_words / n_sampled;
        n_states += sums.len();
    }
    n_states > 0 && FIVE_LOOKUPS * lookups / 5 + FILL * n_tiles < additions
}

/// Sets bit 4·g if any unit of group g of four is on.
#[inline(always)]
fn active_groups(word: u64) -> u64 {
    /// The lowest bit of every group.
    const LOWEST: u64 = 0x1111_1111_1111_1111;
    let pairs = word | word >> 1;
    (pairs | pairs >> 2) & LOWEST
}

/// [`add_active_rows`], row by row.
pub fn gather(isa: Isa, panel: Panel<'_>, targets: &mut [Target<'_>]) {
    for (at, tile) in panel.tiles().enumerate() {
        for target in targets.iter_mut() {
            let words = &target.states.panel(target.first_panel + at)[target.first..];
            gather_tile(isa, tile, words, target.sums);
        }
    }
}

/// [`add_active_rows`], with tables of four rows.
pub fn lookup(isa: Isa, panel: Panel<'_>, targets: &mut [Target<'_>]) {
    TABLE.with_borrow_mut(|table| {
        let table = table.first_chunk_mut().expect("room for a table");
        for (at, tile) in panel.tiles().enumerate() {
            fill(isa, tile, table);
            for target in targets.iter_mut() {
                let words = &target.states.panel(target.first_panel + at)[target.first..];
                lookup_tile(isa, table, words, target.sums);
            }
        }
    });
}

// The sums of a state stay in registers while its rows are added. The compiler does this only if the
// sums and the rows are reference arguments of one function, which shows that they do not overlap.

dispatch! {
    /// Adds to the sums of every state the rows of a tile that its word selects.
    fn gather_tile(isa, tile: &Tile<i32>, words: &[u64], sums: &mut [Row<i32>]) = gather_tile_body
}

#[inline(always)]
fn gather_tile_body(tile: &Tile<i32>, words: &[u64], sums: &mut [Row<i32>]) {
    for (sum, &word) in sums.iter_mut().zip(words) {
        if word != 0 {
            let mut total = *sum;
            add_ones(&mut total, tile, word);
            *sum = total;
        }
    }
}

dispatch! {
    /// [`gather_tile`] from the table of a tile.
    fn lookup_tile(isa, table: &Table, words: &[u64], sums: &mut [Row<i32>]) = lookup_tile_body
}

#[inline(always)]
fn lookup_tile_body(table: &Table, words: &[u64], sums: &mut [Row<i32>]) {
    for (sum, &word) in sums.iter_mut().zip(words) {
        if word != 0 {
            let mut total = *sum;
            add_nibbles(&mut total, table, word);
            *sum = total;
        }
    }
}

/// Adds the row of every bit of `word` that is set.
#[inline(always)]
fn add_ones(total: &mut Row<i32>, tile: &Tile<i32>, word: u64) {
    let mut rest = word;
    while rest != 0 {
        add(total, &tile[rest.trailing_zeros() as usize % SIDE]);
        rest &= rest - 1;
    }
}

/// Adds the entry of every nibble of `word` that is not 0.
#[inline(always)]
fn add_nibbles(total: &mut Row<i32>, table: &Table, word: u64) {
    let mut rest = active_groups(word);
    while rest != 0 {
        let bit = rest.trailing_zeros() as usize;
        let nibble = (word >> bit) as usize & 15;
        add(total, &table[(4 * bit + nibble) % table.len()]);
        rest &= rest - 1;
    }
}

dispatch! {
    /// Fills the table of a tile.
    fn fill(isa, tile: &Tile<i32>, table: &mut Table) = fill_body
}

#[inline(always)]
fn fill_body(tile: &Tile<i32>, table: &mut Table) {
    let (groups, _) = tile.as_chunks::<4>();
    let (entries, _) = table.as_chunks_mut::<16>();
    for ([a, b, c, d], entry) in groups.iter().zip(entries) {
        for j in 0..SIDE {
            let (a, b, c, d) = (a[j], b[j], c[j], d[j]);
            let (ab, cd) = (a.wrapping_add(b), c.wrapping_add(d));
            entry[1][j] = a;
            entry[2][j] = b;
            entry[3][j] = ab;
            entry[4][j] = c;
            entry[5][j] = a.wrapping_add(c);
            entry[6][j] = b.wrapping_add(c);
            entry[7][j] = ab.wrapping_add(c);
            entry[8][j] = d;
            entry[9][j] = a.wrapping_add(d);
            entry[10][j] = b.wrapping_add(d);
            entry[11][j] = ab.wrapping_add(d);
            entry[12][j] = cd;
            entry[13][j] = a.wrapping_add(cd);
            entry[14][j] = b.wrapping_add(cd);
            entry[15][j] = ab.wrapping_add(cd);
        }
    }
}

#[inline(always)]
fn add(total: &mut Row<i32>, addend: &Row<i32>) {
    for j in 0..SIDE {
        total[j] = total[j].wrapping_add(addend[j]);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Isa, naive};
    use super::*;
    use crate::bits::BitMatrix;

    /// A repeatable pseudo-random number for inputs of tests.
    fn noise(at: usize) -> u64 {
        let word = (at as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (word ^ word >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 16
    }

    /// Compares both kernels on every instruction set with the naive sum.
    fn check(n_rows: usize, n_states: usize, percent_on: u64) {
        let values: Vec<Vec<i32>> =
            (0..n_rows).map(|i| (0..SIDE).map(|j| noise(i * SIDE + j) as i32).collect()).collect();
        let on = BitMatrix::from_fn(n_states, n_rows, |n, i| {
            noise(7 * n_rows * n + i + 99) % 100 < percent_on
        });
        let states = BitPanels::from_matrix(&on);
        let start = vec![vec![-5; SIDE]; n_states];

        let mut expected = start.clone();
        let state_rows: Vec<Vec<bool>> =
            (0..n_states).map(|n| (0..n_rows).map(|i| on.get(n, i)).collect()).collect();
        naive::add_active_rows(&values, &state_rows, &mut expected);

        // Every second tile belongs to another panel and must not be used.
        let n_tiles = n_rows.div_ceil(SIDE);
        let mut tiles = vec![[[i32::MAX; SIDE]; SIDE]; 2 * n_tiles];
        for (i, row) in values.iter().enumerate() {
            tiles[2 * (i / SIDE)][i % SIDE].copy_from_slice(row);
        }
        let panel = Panel::new(&tiles[..2 * n_tiles - 1], 2);

        for isa in Isa::available() {
            for by_table in [false, true] {
                let mut sums: Vec<Row<i32>> =
                    start.iter().map(|row| row.as_slice().try_into().unwrap()).collect();
                let mut targets =
                    [Target { states: &states, first_panel: 0, first: 0, sums: &mut sums }];
                if by_table {
                    lookup(isa, panel, &mut targets);
                } else {
                    gather(isa, panel, &mut targets);
                }
                let found: Vec<Vec<i32>> = sums.iter().map(|row| row.to_vec()).collect();
                assert!(
                    found == expected,
                    "{}, tables {by_table}: {n_rows} rows, {n_states} states, {percent_on} % on",
                    isa.name()
                );
            }
        }
    }

    #[test]
    fn both_kernels_equal_the_naive_sum_at_every_size() {
        for n_rows in 1..=70 {
            for n_states in [1, 2, 3, 65] {
                check(n_rows, n_states, 30);
            }
        }
        for n_rows in [127, 128, 129, 260] {
            check(n_rows, 5, 50);
        }
    }

    #[test]
    fn both_kernels_equal_the_naive_sum_at_every_density() {
        for percent_on in (0..=100).step_by(5) {
            check(100, 9, percent_on);
        }
    }

    #[test]
    fn rows_of_several_targets_share_a_table() {
        let tile = [[[3; SIDE]; SIDE]];
        let one = BitPanels::from_matrix(&BitMatrix::from_fn(2, SIDE, |_, _| true));
        let other = BitPanels::from_matrix(&BitMatrix::from_fn(60, SIDE, |n, i| i < n));
        let (mut sums_one, mut sums_other) = ([[0; SIDE]; 2], [[1; SIDE]; 59]);
        add_active_rows(
            Isa::BASELINE,
            Panel::new(&tile, 1),
            &mut [
                Target { states: &one, first_panel: 0, first: 0, sums: &mut sums_one },
                Target { states: &other, first_panel: 0, first: 1, sums: &mut sums_other },
            ],
        );
        assert_eq!(sums_one, [[3 * 64; SIDE]; 2]);
        assert!((0..59).all(|n| sums_other[n] == [1 + 3 * (n as i32 + 1); SIDE]));
    }
}
