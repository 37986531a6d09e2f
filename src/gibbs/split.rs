//! How work is split among threads. The split never changes a result.

/// The largest number of rows in a piece of work. More would share tables no better, and whoever wants
/// to stop the work waits for one piece.
const MOST_ROWS: usize = 4096;

/// Number of rows in a piece of work if each panel has `capacity` rows, a multiple of 64: all, to share
/// tables, unless threads would be idle or there are more than 4,096.
pub(crate) fn block_rows(capacity: usize, n_panels: usize) -> usize {
    let mut block = capacity.max(1);
    let is_idle = |block| n_panels.max(1) * (capacity / block) < rayon::current_num_threads();
    while block.is_multiple_of(2) && (block > MOST_ROWS || (block > 8 && is_idle(block))) {
        block /= 2;
    }
    block
}

/// Number of tiles of a panel in a piece of work: all, to share tables, unless threads would be idle.
pub(crate) fn tiles_of_a_piece(tiles_below: usize, n_panels: usize) -> usize {
    let pieces = rayon::current_num_threads().div_ceil(n_panels.max(1));
    (tiles_below / pieces).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_work_for_64_threads() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(64).build().unwrap();
        pool.install(|| {
            for (capacity, n_panels) in [(128, 8), (1024, 8), (128, 13)] {
                assert!(n_panels * (capacity / block_rows(capacity, n_panels)) >= 64);
            }
            // 784 visible units; 500 and 1,024 hidden ones.
            for (tiles_below, n_panels) in [(13_usize, 8), (13, 16)] {
                let pieces = tiles_below.div_ceil(tiles_of_a_piece(tiles_below, n_panels));
                assert!(pieces * n_panels >= 64);
            }
        });
    }
}
