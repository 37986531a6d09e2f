//! The plan of a sweep: its points, the rungs of halving, and who goes on. Nothing here reads or writes.

use super::config::{Search, SweepConfig};
use super::values::Vary;
use crate::error::Result;
use crate::rng::{Purpose, Stream};
use crate::setting::check;
use serde_json::{Map, Value};
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// The most runs of a sweep.
const MOST_RUNS: u64 = 100_000;

/// A random search gives up finding other points after this many draws for each.
const DRAWS_PER_POINT: u64 = 100;

/// The first rung is at one in so many updates of the longest plan, or later: what learns late would be left behind.
const EARLIEST: usize = 9;

/// The values of the settings that vary, by name.
pub type Point = Map<String, Value>;

/// The points of a sweep in the order of their numbers. Runs with the seeds of one point have neighbouring numbers.
///
/// # Errors
/// [`Error::InvalidSetting`](crate::Error::InvalidSetting) if there are too many.
pub fn points(config: &SweepConfig, seed: u64) -> Result<Vec<Point>> {
    let vary = &config.vary;
    let n = match config.search {
        Search::Random(n) => n as u64,
        _ => {
            let sizes = vary.iter().map(|vary| vary.values().map_or(1, <[Value]>::len) as u64);
            sizes.fold(1, u64::saturating_mul)
        }
    };
    let n_runs = n.saturating_mul(config.seeds);
    check("vary", format!("{n_runs} runs"), n_runs <= MOST_RUNS, || {
        format!("at most {MOST_RUNS} runs; give fewer values, or search random:N")
    })?;
    Ok(match config.search {
        Search::Random(n) => drawn(vary, n, seed),
        _ => (0..n).map(|number| combination(vary, number)).collect(),
    })
}

/// The combination of this number; the last setting changes first.
fn combination(vary: &[Vary], mut number: u64) -> Point {
    let mut point = Point::new();
    for vary in vary.iter().rev() {
        let values = vary.values().expect("a grid of listed values");
        let n = values.len() as u64;
        point.insert(vary.name().to_string(), values[(number % n) as usize].clone());
        number /= n;
    }
    point
}

/// Up to `n` points that differ; the draw of a number depends on nothing but the seed and the number.
fn drawn(vary: &[Vary], n: usize, seed: u64) -> Vec<Point> {
    let sizes = vary.iter().map(|vary| Some(vary.values()?.len()));
    // None if a setting has a range.
    let n_all: Option<usize> = sizes.product();
    let (mut points, mut known) = (Vec::new(), BTreeSet::new());
    for index in 0..DRAWS_PER_POINT * n as u64 {
        let mut stream = Stream::new(seed, Purpose::SweepPoint, index);
        let mut value = |vary: &Vary| {
            let share = f64::from(stream.step()[0]) / (f64::from(u32::MAX) + 1.0);
            (vary.name().to_string(), vary.drawn(share))
        };
        let point: Point = vary.iter().map(&mut value).collect();
        if known.insert(serde_json::to_string(&point).expect("plain values")) {
            points.push(point);
        }
        if points.len() == n || Some(points.len()) == n_all {
            break;
        }
    }
    points
}

/// A rung: so far its runs train, and so many points go on from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rung {
    /// Updates from the start of a run; a run whose plan is shorter is done.
    pub updates: u64,
    /// The number of points that go on to the next rung; 1 after the last.
    pub n_kept: usize,
}

/// The rungs of `n` points whose longest plan has `total` updates. The last rung is the end of all runs, for one point
/// or for a few.
pub fn rungs(search: Search, n: usize, total: u64) -> Vec<Rung> {
    let Search::Halving(factor) = search else { return vec![Rung { updates: total, n_kept: 1 }] };
    let mut sizes = vec![n];
    while let Some(&last) = sizes.last()
        && last > 1
        && (sizes.len() == 1 || factor.saturating_pow(sizes.len() as u32) <= EARLIEST)
    {
        sizes.push(last.div_ceil(factor));
    }
    let n_rungs = sizes.len();
    let rung = |at: usize| {
        let shorter = (factor as u64).saturating_pow((n_rungs - 1 - at) as u32);
        let n_kept = sizes.get(at + 1).copied().unwrap_or(1);
        Rung { updates: (total / shorter).max(1), n_kept }
    };
    let mut rungs: Vec<Rung> = (0..n_rungs).map(rung).collect();
    // A plan of few updates has no room for all of them: of rungs at the same update the last decides.
    rungs.dedup_by(|next, rung| {
        let is_same = next.updates == rung.updates;
        if is_same {
            rung.n_kept = next.n_kept;
        }
        is_same
    });
    rungs
}

/// How a point stands at a rung.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    /// The rung that all its runs have reached, from 0; `None` before the first.
    pub rung: Option<usize>,
    /// The mean score of its runs, with a sign that makes more better; `None` if one has none.
    pub score: Option<f64>,
    /// Whether one of these scores is not to be believed.
    pub is_doubtful: bool,
}

impl Standing {
    /// Orders points, the better first: those that got further, then scores that are believed, then higher ones.
    /// Estimates that fail tend to be too high, so a doubtful score comes after all that are believed.
    pub fn compare(&self, other: &Self) -> Ordering {
        let class = |it: &Self| match (it.score.is_some(), it.is_doubtful) {
            (true, false) => 0,
            (true, true) => 1,
            (false, _) => 2,
        };
        let score = |it: &Self| it.score.unwrap_or(f64::NEG_INFINITY);
        let by_rung = other.rung.cmp(&self.rung);
        by_rung.then(class(self).cmp(&class(other))).then(score(other).total_cmp(&score(self)))
    }
}

/// The numbers of all points, the best first; equal ones by their numbers.
pub fn ranked(standings: &[Standing]) -> Vec<usize> {
    let mut numbers: Vec<usize> = (0..standings.len()).collect();
    // The sort is stable.
    numbers.sort_by(|&one, &other| standings[one].compare(&standings[other]));
    numbers
}

/// The points that go on: the best `n` of those at a rung, in the order of their numbers. One without a score never
/// does.
pub fn kept(standings: &[Standing], at: &[usize], n: usize) -> Vec<usize> {
    let may = |&number: &usize| at.contains(&number) && standings[number].score.is_some();
    let mut kept: Vec<usize> = ranked(standings).into_iter().filter(may).take(n).collect();
    kept.sort_unstable();
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    fn config(search: &str, vary: &[&str]) -> SweepConfig {
        let vary = vary.iter().map(|text| text.parse().unwrap()).collect();
        SweepConfig { vary, search: search.parse().unwrap(), ..SweepConfig::default() }
    }

    fn standing(score: f64) -> Standing {
        Standing { rung: Some(0), score: Some(score), is_doubtful: false }
    }

    #[test]
    fn a_grid_has_every_combination_once_and_the_last_changes_first() {
        let all = points(&config("grid", &["hidden=3,5", "centering=true,false"]), 0).unwrap();
        let found: Vec<_> = all
            .iter()
            .map(|point| (point["hidden"].as_u64(), point["centering"].as_bool()))
            .collect();
        let expected = [(3, true), (3, false), (5, true), (5, false)];
        assert_eq!(found, expected.map(|(n, b)| (Some(n), Some(b))));
        assert_eq!(points(&config("halving", &["hidden=3,5"]), 0).unwrap().len(), 2);
        assert_eq!(points(&config("grid", &[]), 0).unwrap(), [Point::new()]);
        let many = ["hidden=1..1000:lin:1000", "batch_size=1..1000:lin:1000"];
        let error = points(&config("grid", &many), 0).unwrap_err().to_string();
        assert!(error.starts_with("vary is 1000000 runs, but must be at most 100000"), "{error}");
    }

    #[test]
    fn a_random_search_is_reproducible_and_its_points_differ() {
        let wide = config("random:50", &["learning_rate=0.01..1:log", "hidden=10..30:lin"]);
        let all = points(&wide, 7).unwrap();
        assert_eq!((all.len(), points(&wide, 7).unwrap() == all), (50, true));
        assert!(points(&wide, 8).unwrap() != all);
        // A longer search begins as the shorter one.
        let longer = points(&SweepConfig { search: Search::Random(60), ..wide }, 7).unwrap();
        assert_eq!(longer[..50], all);
        let rate = |point: &Point| point["learning_rate"].as_f64().unwrap();
        assert!(all.iter().all(|point| (0.01..=1.0).contains(&rate(point))));
        // Half of them lie below the middle of the logarithms: Binomial(50, 1/2) has the deviation 3.5.
        let low = all.iter().filter(|point| rate(point) < 0.1).count();
        assert!((11..=39).contains(&low), "{low}");
        // There are four, and all are found.
        let few = points(&config("random:50", &["hidden=3,5", "gibbs_steps=1,2"]), 0).unwrap();
        assert_eq!(few.len(), 4);
    }

    #[test]
    fn rungs_lead_to_the_end_of_the_plan() {
        let of = |search: &str, n, total| -> Vec<_> {
            let rungs = rungs(search.parse().unwrap(), n, total);
            rungs.iter().map(|rung| (rung.updates, rung.n_kept)).collect()
        };
        assert_eq!(of("grid", 27, 2700), [(2700, 1)]);
        assert_eq!(of("halving", 27, 2700), [(300, 9), (900, 3), (2700, 1)]);
        assert_eq!(of("halving", 10, 90), [(10, 4), (30, 2), (90, 1)]);
        assert_eq!(of("halving:2", 4, 1000), [(250, 2), (500, 1), (1000, 1)]);
        assert_eq!(of("halving", 1, 1000), [(1000, 1)]);
        // Rungs before the first update are one.
        assert_eq!(of("halving", 27, 5), [(1, 3), (5, 1)]);
        // The first is not before a ninth, unless one factor is more.
        assert_eq!(of("halving:2", 32, 1000), [(125, 16), (250, 8), (500, 4), (1000, 1)]);
        assert_eq!(of("halving:20", 40, 1000), [(50, 2), (1000, 1)]);
    }

    #[test]
    fn the_best_go_on_and_ties_go_to_the_lower_number() {
        let scores = [-3.0, -1.0, -2.0, -1.0, -2.0].map(standing);
        assert_eq!(ranked(&scores), [1, 3, 2, 4, 0]);
        let all = [0, 1, 2, 3, 4];
        assert_eq!(kept(&scores, &all, 3), [1, 2, 3]);
        assert_eq!(kept(&scores, &[0, 4], 1), [4]);
        let mut judged = scores;
        judged[1].is_doubtful = true;
        judged[3].score = None;
        judged[0].rung = Some(1);
        assert_eq!(ranked(&judged), [0, 2, 4, 1, 3]);
        // One that failed never goes on, even where there is room.
        assert_eq!(kept(&judged, &all, 5), [0, 1, 2, 4]);
    }
}
