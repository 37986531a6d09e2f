//! Sums of rows whose units are on: `sums[n] += Σ_{i on in state n} row[i]`, exact in any order.
//!
//! [`add_active_rows`] works tile by tile, so that the rows stay in cache, and chooses for each tile the
//! cheaper of two kernels, which give the same bits:
//!
//! - *Gather* adds the rows one by one: one addition of 64 columns for each unit that is on.
//! - *Tables* (the "four Russians" of Arlazarov et al., 1970) hold the 16 possible sums of each four
//!   rows of a tile (11 additions, 15 rows written). Four units of a state then cost one lookup, or
//!   nothing if all four are off.
//!
//! All states share a table, so tables pay if there are many states and many units are on. Where a loop
//! ends is hard to predict for a CPU. So lookups come in fours, the last of which may find zeros; and if
//! more than half of the groups have a unit on, all 16 are looked up.
//!
//! Rows of 16 bits are summed in 16 bits over a tile or, where that might overflow, over half of it
//! ([`Addend::parts`]); sums over tiles have 32 bits.
//!
//! The following were tried on Zen 3 or 4 and are slower: groups of two or three rows; tables of 16 or 32
//! columns, which read the bits two or four times as often; tables of several tiles at once; permutations of
//! registers as tables of five rows (`vpermb`), which take 17 ns for 64 rows of a state where dense lookups
//! take 11; lists of table entries, made once for all panels and sorted by length to avoid
//! mispredicted loop ends. For chains that are swept again with the same weights, adding and
//! subtracting the rows of changed units was slower, too: there are 40 % as many as units that are
//! on in a trained 784-500, but the shorter loops gain little and lose at lower β.

use super::isa::{Isa, dispatch};
use super::tile::{Aligned, Panel, Row, SIDE, Tile, aligned};
use crate::bits::BitPanels;
use crate::fixed::Fixed;
use std::cell::RefCell;
use std::thread::LocalKey;

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

/// The sums of all subsets of each group of four rows, entry `16·group + nibble`, and 16 rows of zeros.
type Table<T> = [Row<T>; TABLE_ROWS];

const TABLE_ROWS: usize = 16 * (GROUPS + 1);

/// A worker's buffer of rows, allocated once: clearing a new one would cost as much as filling it.
type Buffer<T> = RefCell<Aligned<Row<T>>>;

thread_local! {
    static NARROW_TABLE: Buffer<i16> = RefCell::new(aligned([0; SIDE], TABLE_ROWS));
    static WIDE_TABLE: Buffer<i32> = RefCell::new(aligned([0; SIDE], TABLE_ROWS));
    /// A tile whose sums do not fit in 16 bits.
    static WIDENED: Buffer<i32> = RefCell::new(aligned([0; SIDE], SIDE));
}

/// The integers of rows. Sums over some rows of a tile are of this type, sums over tiles are i32.
pub trait Addend: Fixed {
    /// The costs of the kernels, fitted to `cargo bench --bench kernels -- sums` with AVX-512 on Zen 4
    /// and to words of a run on MNIST.
    const COSTS: Costs;

    /// The sum; it wraps.
    fn plus(self, other: Self) -> Self;

    /// The worker's table. Its rows of zeros, the first of each 16 and the last 16, are never written.
    fn table() -> &'static LocalKey<Buffer<Self>>;

    /// The parts of a tile over whose rows, whichever are on, a sum fits in this type: words with the
    /// rows of each part. There is none if not even the sums of a half fit.
    fn parts(isa: Isa, tile: &Tile<Self>) -> Option<&'static [u64]>;
}

/// All rows of a tile.
const WHOLE: [u64; 1] = [u64::MAX];

/// The upper and the lower half of its rows.
const HALVES: [u64; 2] = [u64::MAX >> 32, u64::MAX << 32];

impl Addend for i32 {
    const COSTS: Costs = Costs { fill: 700.0, gather: 6.0, tables: 7.0, lookup: 1.1 };

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self.wrapping_add(other)
    }

    fn table() -> &'static LocalKey<Buffer<Self>> {
        &WIDE_TABLE
    }

    fn parts(_: Isa, _: &Tile<Self>) -> Option<&'static [u64]> {
        Some(&WHOLE)
    }
}

impl Addend for i16 {
    const COSTS: Costs = Costs { fill: 660.0, gather: 11.0, tables: 12.0, lookup: 0.9 };

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self.wrapping_add(other)
    }

    fn table() -> &'static LocalKey<Buffer<Self>> {
        &NARROW_TABLE
    }

    fn parts(isa: Isa, tile: &Tile<Self>) -> Option<&'static [u64]> {
        match reach(isa, tile) {
            [whole, _] if whole < i16::MAX => Some(&WHOLE),
            [_, half] if half < i16::MAX => Some(&HALVES),
            _ => None,
        }
    }
}

dispatch! {
    /// The largest magnitude of a sum over any rows of a tile, and of a half of them. It saturates.
    fn reach(isa, tile: &Tile<i16>) -> [i16; 2] = reach_body
}

#[inline(always)]
fn reach_body(tile: &Tile<i16>) -> [i16; 2] {
    let (mut of_whole, mut of_half) = ([[0_i16; SIDE]; 2], 0);
    for rows in tile.as_chunks::<{ SIDE / 2 }>().0 {
        // The sums of the positive and of the negative integers bound all others.
        let [mut above, mut below] = [[0_i16; SIDE]; 2];
        for row in rows {
            for j in 0..SIDE {
                above[j] = above[j].saturating_add(row[j].max(0));
                below[j] = below[j].saturating_sub(row[j].min(0));
            }
        }
        for (of_whole, of_half) in of_whole.iter_mut().zip([above, below]) {
            for j in 0..SIDE {
                of_whole[j] = of_whole[j].saturating_add(of_half[j]);
            }
        }
        of_half = above.into_iter().chain(below).fold(of_half, i16::max);
    }
    [of_whole.as_flattened().iter().fold(0, |most, &x| x.max(most)), of_half]
}

/// Adds to the sums of every state the rows of `panel` whose units are on in that state. If there is a
/// `start`, the sums begin with this row, whatever they were.
///
/// # Panics
/// If the sums of a target pass the row capacity of its states, or it has fewer panels than `panel`
/// has tiles.
pub fn add_active_rows<T: Addend>(
    isa: Isa,
    panel: Panel<'_, T>,
    start: Option<&Row<i32>>,
    targets: &mut [Target<'_>],
) {
    for target in targets.iter() {
        let end = target.first + target.sums.len();
        assert!(end <= target.states.row_capacity(), "a sum without a state");
        let end = target.first_panel + panel.n_tiles();
        assert!(end <= target.states.n_panels(), "a row without a unit");
    }
    for (at, tile) in panel.tiles().enumerate() {
        let kernel = Kernel::cheaper::<T>(at, targets);
        add_tile(isa, tile, kernel, Place { at, start: start.filter(|_| at == 0) }, targets);
    }
}

/// A way to add the rows of a tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernel {
    /// Row by row.
    Gather,
    /// By the table of the tile.
    Tables,
}

impl Kernel {
    /// The cheaper kernel for tile `at`, estimated from a sample of the words.
    fn cheaper<T: Addend>(at: usize, targets: &[Target<'_>]) -> Self {
        /// Approximate number of words that are sampled.
        const SAMPLE: usize = 12;
        let n_states: usize = targets.iter().map(|target| target.sums.len()).sum();
        let (mut n_sampled, mut not_empty, mut groups, mut ones) = (0, 0, 0, 0);
        for Target { states, first_panel, first, sums } in targets {
            let words = &states.panel(first_panel + at)[*first..][..sums.len()];
            // An odd stride does not fall in step with the data.
            for &word in words.iter().step_by((n_states / SAMPLE) | 1) {
                n_sampled += 1;
                not_empty += u32::from(word != 0);
                groups += active_groups(word).count_ones();
                ones += word.count_ones();
            }
        }
        let Costs { fill, gather, tables, lookup } = T::COSTS;
        let share = n_states as f32 / n_sampled.max(1) as f32;
        let [not_empty, groups, ones] = [not_empty, groups, ones].map(|n| n as f32 * share);
        let by_tables = fill + not_empty * tables + groups * lookup;
        if by_tables < not_empty * gather + ones { Self::Tables } else { Self::Gather }
    }
}

/// What the kernels cost, in additions of a row by gathering.
pub struct Costs {
    /// The table of a tile.
    fill: f32,
    /// A state of which any unit is on, by each kernel, apart from what follows.
    gather: f32,
    tables: f32,
    /// A lookup.
    lookup: f32,
}

/// Sets bit 4·g if any unit of group g of four is on.
#[inline(always)]
fn active_groups(word: u64) -> u64 {
    /// The lowest bit of every group.
    const LOWEST: u64 = 0x1111_1111_1111_1111;
    let pairs = word | word >> 1;
    (pairs | pairs >> 2) & LOWEST
}

/// [`add_active_rows`] with one kernel.
pub fn add_active_rows_by<T: Addend>(
    isa: Isa,
    kernel: Kernel,
    panel: Panel<'_, T>,
    start: Option<&Row<i32>>,
    targets: &mut [Target<'_>],
) {
    for (at, tile) in panel.tiles().enumerate() {
        add_tile(isa, tile, kernel, Place { at, start: start.filter(|_| at == 0) }, targets);
    }
}

/// Where a tile is, and what its sums begin with.
#[derive(Clone, Copy)]
struct Place<'a> {
    at: usize,
    start: Option<&'a Row<i32>>,
}

fn add_tile<T: Addend>(
    isa: Isa,
    tile: &Tile<T>,
    kernel: Kernel,
    place: Place<'_>,
    targets: &mut [Target<'_>],
) {
    match T::parts(isa, tile) {
        Some(parts) => add_parts(isa, tile, kernel, parts, place, targets),
        None => with_widened(tile, |tile| add_parts(isa, tile, kernel, &WHOLE, place, targets)),
    }
}

fn add_parts<T: Addend>(
    isa: Isa,
    tile: &Tile<T>,
    kernel: Kernel,
    parts: &[u64],
    place: Place<'_>,
    targets: &mut [Target<'_>],
) {
    match kernel {
        Kernel::Gather => each_part(parts, place, targets, |words, part, start, sums| {
            gather_tile(isa, tile, words, part, start, sums);
        }),
        Kernel::Tables => T::table().with_borrow_mut(|table| {
            let table = table.first_chunk_mut().expect("room for a table");
            fill(isa, tile, table);
            each_part(parts, place, targets, |words, part, start, sums| {
                lookup_tile(isa, table, words, part, start, sums);
            });
        }),
    }
}

/// Calls `add` with the words and the sums of each target for a tile, and each part of the tile.
fn each_part(
    parts: &[u64],
    Place { at, start }: Place<'_>,
    targets: &mut [Target<'_>],
    mut add: impl FnMut(&[u64], u64, Option<&Row<i32>>, &mut [Row<i32>]),
) {
    for target in targets {
        let words = &target.states.panel(target.first_panel + at)[target.first..];
        let starts = std::iter::once(start).chain(std::iter::repeat(None));
        parts.iter().zip(starts).for_each(|(&part, start)| add(words, part, start, target.sums));
    }
}

/// Calls `use_tile` with the same integers in 32 bits.
fn with_widened<T: Addend>(tile: &Tile<T>, use_tile: impl FnOnce(&Tile<i32>)) {
    WIDENED.with_borrow_mut(|wide| {
        let wide = wide.first_chunk_mut().expect("room for a tile");
        for (to, from) in wide.iter_mut().zip(tile) {
            *to = from.map(T::widened);
        }
        use_tile(wide);
    });
}

// The sums of a state stay in registers while its rows are added. The compiler does this only if the
// sums and the rows are reference arguments of one function, which shows that they do not overlap.

dispatch! {
    /// Adds to the sums of every state the rows of a tile that its word selects, of those in `part`.
    fn gather_tile<; T: Addend>(isa, tile: &Tile<T>, words: &[u64], part: u64,
        start: Option<&Row<i32>>, sums: &mut [Row<i32>]) = gather_tile_body
}

#[inline(always)]
fn gather_tile_body<T: Addend>(
    tile: &Tile<T>,
    words: &[u64],
    part: u64,
    start: Option<&Row<i32>>,
    sums: &mut [Row<i32>],
) {
    for (sum, &word) in sums.iter_mut().zip(words) {
        let mut rest = word & part;
        if rest == 0 {
            begin(sum, start);
            continue;
        }
        let mut total = [T::default(); SIDE];
        while rest != 0 {
            add(&mut total, &tile[rest.trailing_zeros() as usize % SIDE]);
            rest &= rest - 1;
        }
        add_widened(sum, start, &total);
    }
}

dispatch! {
    /// [`gather_tile`] from the table of a tile.
    fn lookup_tile<; T: Addend>(isa, table: &Table<T>, words: &[u64], part: u64,
        start: Option<&Row<i32>>, sums: &mut [Row<i32>]) = lookup_tile_body
}

#[inline(always)]
fn lookup_tile_body<T: Addend>(
    table: &Table<T>,
    words: &[u64],
    part: u64,
    start: Option<&Row<i32>>,
    sums: &mut [Row<i32>],
) {
    /// The number of lookups before the loop may end.
    const AT_A_TIME: usize = 4;
    /// The most groups that are looked up one by one.
    const MOST: u32 = 8;
    let (groups, _) = table.as_chunks::<16>();
    for (sum, &word) in sums.iter_mut().zip(words) {
        let word = word & part;
        let mut rest = active_groups(word);
        if rest == 0 {
            begin(sum, start);
            continue;
        }
        let mut total = [T::default(); SIDE];
        if rest.count_ones() > MOST {
            for (group, entries) in groups[..GROUPS].iter().enumerate() {
                add(&mut total, &entries[(word >> (4 * group)) as usize & 15]);
            }
        } else {
            while rest != 0 {
                for _ in 0..AT_A_TIME {
                    // If no group is left, `bit` is 64, and the entry is one of the rows of zeros.
                    let bit = rest.trailing_zeros();
                    let nibble = word.wrapping_shr(bit) as usize & 15;
                    add(&mut total, &table[4 * bit as usize + nibble]);
                    rest &= rest.wrapping_sub(1);
                }
            }
        }
        add_widened(sum, start, &total);
    }
}

dispatch! {
    /// Fills the table of a tile.
    fn fill<; T: Addend>(isa, tile: &Tile<T>, table: &mut Table<T>) = fill_body
}

#[inline(always)]
fn fill_body<T: Addend>(tile: &Tile<T>, table: &mut Table<T>) {
    let (groups, _) = tile.as_chunks::<4>();
    let (entries, _) = table.as_chunks_mut::<16>();
    for ([a, b, c, d], entry) in groups.iter().zip(entries) {
        for j in 0..SIDE {
            let (a, b, c, d) = (a[j], b[j], c[j], d[j]);
            let (ab, cd) = (a.plus(b), c.plus(d));
            entry[1][j] = a;
            entry[2][j] = b;
            entry[3][j] = ab;
            entry[4][j] = c;
            entry[5][j] = a.plus(c);
            entry[6][j] = b.plus(c);
            entry[7][j] = ab.plus(c);
            entry[8][j] = d;
            entry[9][j] = a.plus(d);
            entry[10][j] = b.plus(d);
            entry[11][j] = ab.plus(d);
            entry[12][j] = cd;
            entry[13][j] = a.plus(cd);
            entry[14][j] = b.plus(cd);
            entry[15][j] = ab.plus(cd);
        }
    }
}

#[inline(always)]
fn add<T: Addend>(total: &mut Row<T>, addend: &Row<T>) {
    for j in 0..SIDE {
        total[j] = total[j].plus(addend[j]);
    }
}

#[inline(always)]
fn begin(sum: &mut Row<i32>, start: Option<&Row<i32>>) {
    if let Some(start) = start {
        *sum = *start;
    }
}

#[inline(always)]
fn add_widened<T: Addend>(sum: &mut Row<i32>, start: Option<&Row<i32>>, total: &Row<T>) {
    begin(sum, start);
    for j in 0..SIDE {
        sum[j] = sum[j].wrapping_add(total[j].widened());
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

    /// Rows of integers, one after the other, and where they come from.
    struct Rows<T> {
        name: &'static str,
        value: fn(usize) -> T,
    }

    /// Any integers.
    const WIDE: Rows<i32> = Rows { name: "32 bits", value: |at| noise(at) as i32 };

    /// 16-bit integers of which 64, 32, or fewer fit in a sum of 16 bits.
    const NARROW: [Rows<i16>; 3] = [
        Rows { name: "16 bits, whole", value: |at| (noise(at) % 511) as i16 - 255 },
        Rows { name: "16 bits, halves", value: |at| (noise(at) % 2800) as i16 - 1400 },
        Rows { name: "16 bits, widened", value: |at| noise(at) as i16 },
    ];

    fn check(n_rows: usize, n_states: usize, percent_on: u64) {
        check_rows(&WIDE, n_rows, n_states, percent_on);
        NARROW.iter().for_each(|rows| check_rows(rows, n_rows, n_states, percent_on));
    }

    /// Compares both kernels on every instruction set with the naive sum.
    fn check_rows<T: Addend>(rows: &Rows<T>, n_rows: usize, n_states: usize, percent_on: u64) {
        let values: Vec<Vec<T>> =
            (0..n_rows).map(|i| (0..SIDE).map(|j| (rows.value)(i * SIDE + j)).collect()).collect();
        let on = BitMatrix::from_fn(n_states, n_rows, |n, i| {
            noise(7 * n_rows * n + i + 99) % 100 < percent_on
        });
        let states = BitPanels::from_matrix(&on);
        let start = vec![vec![-5; SIDE]; n_states];
        let first: Row<i32> = [-5; SIDE];

        let mut expected = start.clone();
        let state_rows: Vec<Vec<bool>> =
            (0..n_states).map(|n| (0..n_rows).map(|i| on.get(n, i)).collect()).collect();
        let widened = values.iter().map(|row| row.iter().map(|x| x.widened()).collect());
        naive::add_active_rows(&widened.collect::<Vec<_>>(), &state_rows, &mut expected);

        // Every second tile belongs to another panel and must not be used.
        let n_tiles = n_rows.div_ceil(SIDE);
        let mut tiles = vec![[[T::default(); SIDE]; SIDE]; 2 * n_tiles];
        for (at, tile) in tiles.iter_mut().enumerate().filter(|(at, _)| at % 2 == 1) {
            *tile = [[(rows.value)(at + 1); SIDE]; SIDE];
        }
        for (i, row) in values.iter().enumerate() {
            tiles[2 * (i / SIDE)][i % SIDE].copy_from_slice(row);
        }
        let panel = Panel::new(&tiles[..2 * n_tiles - 1], 2);

        for isa in Isa::available() {
            for kernel in [Kernel::Gather, Kernel::Tables] {
                // The sums either are at their start, or begin with it.
                let is_at_start = n_states.is_multiple_of(2);
                let mut sums = vec![if is_at_start { first } else { [7; SIDE] }; n_states];
                let start = (!is_at_start).then_some(&first);
                let mut targets =
                    [Target { states: &states, first_panel: 0, first: 0, sums: &mut sums }];
                add_active_rows_by(isa, kernel, panel, start, &mut targets);
                let found: Vec<Vec<i32>> = sums.iter().map(|row| row.to_vec()).collect();
                assert!(
                    found == expected,
                    "{}, {}, {kernel:?}: {n_rows} rows, {n_states} states, {percent_on} % on",
                    rows.name,
                    isa.name()
                );
            }
        }
    }

    /// The sums of a tile are taken in 16 bits exactly up to the largest sum that these hold.
    #[test]
    fn a_tile_is_summed_in_16_bits_as_far_as_its_sums_fit() {
        let parts = |of_row: fn(usize) -> i16| {
            let tile: Tile<i16> = std::array::from_fn(|i| {
                let mut row = [0; SIDE];
                row[7] = of_row(i);
                row
            });
            let found = Isa::available().into_iter().map(|isa| <i16 as Addend>::parts(isa, &tile));
            let found: Vec<_> = found.collect();
            assert!(found.windows(2).all(|pair| pair[0] == pair[1]));
            found[0]
        };
        // 64 · 511 = 32,704, and one more row of 62 is 32,766.
        assert_eq!(parts(|_| 511), Some(&WHOLE[..]));
        assert_eq!(
            parts(|i| if i == 0 { -511 } else { -511 - i16::from(i == 5) * 62 }),
            Some(&WHOLE[..])
        );
        assert_eq!(parts(|i| 511 + i16::from(i == 5) * 63), Some(&HALVES[..]));
        // Integers of both signs cancel in no subset.
        assert_eq!(parts(|i| if i % 2 == 0 { 1023 } else { -1023 }), Some(&WHOLE[..]));
        assert_eq!(parts(|i| if i % 2 == 0 { 1024 } else { -1023 }), Some(&HALVES[..]));
        assert_eq!(parts(|_| -1023), Some(&HALVES[..]));
        assert_eq!(parts(|_| 1024), None);
        assert_eq!(parts(|i| if i == 40 { i16::MIN } else { 0 }), None);
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
            None,
            &mut [
                Target { states: &one, first_panel: 0, first: 0, sums: &mut sums_one },
                Target { states: &other, first_panel: 0, first: 1, sums: &mut sums_other },
            ],
        );
        assert_eq!(sums_one, [[3 * 64; SIDE]; 2]);
        assert!((0..59).all(|n| sums_other[n] == [1 + 3 * (n as i32 + 1); SIDE]));
    }
}
