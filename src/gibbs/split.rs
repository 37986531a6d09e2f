//! How work is split among the threads: never what comes out of it.

/// How many rows a piece of work has when `capacity` rows (a multiple of 64) of each panel are
/// split: all, so that they share tables, unless that leaves threads without work.
pub(crate) fn block_rows(capacity: usize, n_panels: usize) -> usize {
    let mut block = capacity;
    while block.is_multiple_of(2)
        && block > 8
        && n_panels * (capacity / block) < rayon::current_num_threads()
    {
        block /= 2;
    }
    block
}

/// The fewest of `n_rows` rows that are worth another thread: `usual`, unless that leaves threads
/// without work.
pub(crate) fn least_rows(n_rows: usize, usual: usize) -> usize {
    usual.min(n_rows / rayon::current_num_threads()).max(1)
}

/// How many of the tiles of a panel a piece of work has: all, so that they share tables, unless
/// that leaves threads without work.
pub(crate) fn tiles_of_a_piece(tiles_below: usize, n_panels: usize) -> usize {
    let pieces = rayon::current_num_threads().div_ceil(n_panels);
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
            assert!(128 / least_rows(128, 16) >= 64);
            // 784 visible units; 500 and 1,024 hidden ones.
            for (tiles_below, n_panels) in [(13_usize, 8), (13, 16)] {
                let pieces = tiles_below.div_ceil(tiles_of_a_piece(tiles_below, n_panels));
                assert!(pieces * n_panels >= 64);
            }
        });
    }
}
