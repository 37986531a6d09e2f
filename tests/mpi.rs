//! The processes of an MPI job train the model of one process, to the bit. By itself this is a job of one. It is one of
//! three by
//!
//! ```text
//! cargo test --features mpi --test mpi --config 'target."cfg(all())".runner = ["mpirun", "-n", "3"]'
//! ```
//!
//! With an argument `lost` or `panics`, rank 1 does not answer or panics.

mod rank_cases;

use harmonium::error::{Error, Result};
use harmonium::ranks::Ranks;
use harmonium::ranks::mpi::Job;
use rank_cases::{begun, cases, train};
use std::ops::Range;
use std::thread;
use std::time::Duration;

/// The most bytes that are sent at once: all; so few that parts of all tests are cut, and not at the borders of their
/// numbers; less than a number.
const LARGEST_PIECES: [usize; 3] = [1 << 30, 37, 1];

fn main() -> Result<()> {
    let asked = |name: &str| std::env::args().any(|argument| argument == name);
    let (job, ranks) = Job::begin(Duration::from_secs(if asked("lost") { 2 } else { 60 }))?;
    if asked("lost") {
        lose_rank_1(&ranks);
    }
    if asked("panics") {
        assert_ne!(ranks.rank(), 1, "this rank panics");
        // Without an end, as between two updates.
        ranks.meet()?;
    }
    for largest in LARGEST_PIECES {
        let ranks = job.ranks(largest);
        panels_of_all_ranks_come_together(&ranks);
        parts_are_exchanged(&ranks);
        numbers_are_joined(&ranks);
        a_failure_of_one_rank_is_one_of_all(&ranks);
    }
    for largest in [LARGEST_PIECES[0], 1000] {
        the_model_is_that_of_one_process(&job.ranks(largest))?;
    }
    assert!(Job::begin(Duration::MAX).is_err(), "MPI begins twice");
    if ranks.rank() == 0 {
        println!("all cases passed on {} ranks", ranks.size());
    }
    Ok(())
}

/// The others wait for rank 1, first between two updates, as long as it needs, then inside one.
fn lose_rank_1(ranks: &Ranks) {
    if ranks.rank() == 1 {
        thread::sleep(Duration::from_secs(4));
    }
    ranks.largest(0).unwrap();
    eprintln!("rank {} has waited", ranks.rank());
    if ranks.rank() == 1 {
        thread::sleep(Duration::from_secs(600));
    }
    ranks.sum(&mut [1]).unwrap();
}

fn panels_of_all_ranks_come_together(ranks: &Ranks) {
    const PANELS: usize = 9;
    let value = |panel: usize, at: usize| (1000 + panel * 10 + at) as u64;
    let own = ranks.own(PANELS);
    let filled = |scale: u64| -> Vec<u64> {
        let of_panel = |panel| {
            let is_own = own.contains(&panel);
            (0..7).map(move |at| if is_own { scale * value(panel, at) } else { 0 })
        };
        (0..PANELS).flat_map(of_panel).collect()
    };
    let (mut one, mut other) = (filled(1), filled(2));
    ranks.share(&mut [&mut one, &mut other], PANELS, |rank| ranks.part(rank, PANELS)).unwrap();
    let whole: Vec<_> = (0..PANELS).flat_map(|p| (0..7).map(move |at| value(p, at))).collect();
    assert_eq!(one, whole);
    assert_eq!(other, whole.iter().map(|x| 2 * x).collect::<Vec<_>>());
}

/// Every rank has its rows of a matrix, and gets its columns.
fn parts_are_exchanged(ranks: &Ranks) {
    const ROWS: usize = 25;
    const COLUMNS: usize = 21;
    let value = |at: usize| 3 * at as i16 + 1;
    let (rows, columns) = (ranks.own(ROWS), ranks.own(COLUMNS));
    let mut all: Vec<i16> = (0..ROWS * COLUMNS)
        .map(|at| if rows.contains(&(at / COLUMNS)) { value(at) } else { 0 })
        .collect();
    let pieces = |rows: Range<usize>, columns: Range<usize>| {
        rows.map(move |row| row * COLUMNS + columns.start..row * COLUMNS + columns.end)
    };
    let to = |rank| pieces(rows.clone(), ranks.part(rank, COLUMNS));
    let from = |rank| pieces(ranks.part(rank, ROWS), columns.clone());
    ranks.exchange(&mut all, to, from).unwrap();
    let own = (0..ROWS * COLUMNS).filter(|at| columns.contains(&(at % COLUMNS)));
    own.for_each(|at| assert_eq!(all[at], value(at)));
}

fn numbers_are_joined(ranks: &Ranks) {
    let (rank, size) = (ranks.rank(), ranks.size());
    let mut sums: Vec<_> = (0..20).map(|at| (at * rank) as i64 - 1).collect();
    ranks.sum(&mut sums).unwrap();
    let sum = |at: usize| (at * size * (size - 1) / 2) as i64 - size as i64;
    assert_eq!(sums, (0..20).map(sum).collect::<Vec<_>>());
    assert_eq!(ranks.most(rank as u32).unwrap(), (size - 1) as u32);
    assert_eq!(ranks.largest(u32::MAX - rank as u32).unwrap(), u32::MAX);
    if rank == size - 1 {
        ranks.wish(7);
    }
    ranks.most(5).unwrap();
    assert_eq!(ranks.heard(), if size > 1 { 7 } else { 0 });
    ranks.most(5).unwrap();
    assert_eq!(ranks.heard(), 0);
    let word = if rank == 0 { b"all".to_vec() } else { b"nothing".to_vec() };
    assert_eq!(ranks.tell(word).unwrap(), b"all");
}

fn a_failure_of_one_rank_is_one_of_all(ranks: &Ranks) {
    let result = if ranks.rank() == 1 { Err(Error::Interrupted) } else { Ok(()) };
    let found = ranks.all(result);
    match (ranks.rank(), ranks.size()) {
        (_, 1) => found.unwrap(),
        (1, _) => assert!(matches!(found, Err(Error::Interrupted))),
        _ => assert_eq!(found.unwrap_err().to_string(), "rank 1 failed"),
    }
}

/// Rank 0 trains alone, then with the others.
fn the_model_is_that_of_one_process(ranks: &Ranks) -> Result<()> {
    for (name, config, examples) in cases() {
        let start = || begun(name, &config, &examples);
        let total = start()?.total_updates();
        let together = train(ranks.clone(), total, start)?;
        if let Some(together) = together {
            let alone = train(Ranks::default(), total, start)?.expect("the state of rank 0");
            let size = ranks.size();
            assert_eq!(together.difference(&alone), None, "{name}: {size} ranks");
        }
    }
    Ok(())
}
