//! The course of a sweep: what is checked before anything runs, and rung after rung.

use super::config::{Search, SweepConfig};
use super::job::{Crew, Job};
use super::plan::{self, Point, Rung};
use super::score::{Scored, Scorer};
use super::table::{Table, run_folder, runs_of, scores, standing};
use super::work::{Event, side_by_side};
use crate::error::Result;
use crate::memory::{self, Bytes, Need};
use crate::monitor::Metric;
use crate::rng::check_seed;
use crate::run::{End, Given, Interval, Session, Settings, Shelf, prepare, section_of};
use crate::setting::check;
use crate::threads::wanted;
use serde_json::Map;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

/// What a sweep tells while it goes on.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum News {
    /// A message for people. What several runs say alike is told once.
    Note(String),
    /// Where the sweep is, several times a second.
    Progress(Progress),
    /// A run has been scored.
    Scored {
        /// Its number.
        number: usize,
        /// The values of the settings that vary.
        values: Map<String, serde_json::Value>,
        /// Its score; `None` if it failed.
        score: Option<f64>,
        /// Where the sweep is.
        progress: Progress,
    },
}

/// Where a sweep is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// Runs that are over: at their end, failed, or left behind at a rung.
    pub n_done: usize,
    /// All runs.
    pub n_runs: usize,
    /// The share of the updates that is done, from 0 to 1.
    pub share: f64,
    /// The best score of a run so far, of those that got furthest.
    pub best: Option<f64>,
}

/// A sweep whose runs could all begin.
pub struct Plan {
    /// The settings of all runs.
    pub settings: Settings,
    config: SweepConfig,
    points: Vec<Point>,
    /// The settings of each point's runs, as their `config.toml` will have them, and their number of updates.
    runs: Vec<(Settings, u64)>,
    rungs: Vec<Rung>,
    scorer: Scorer,
    /// What a user may not expect of it.
    pub notes: Vec<String>,
}

impl Plan {
    /// Plans a sweep, and refuses what any of its runs would refuse.
    ///
    /// # Errors
    /// Errors of data and settings.
    pub fn new(
        mut settings: Settings,
        config: &SweepConfig,
        shelf: &Shelf,
        session: &Session,
    ) -> Result<Self> {
        config.validate()?;
        let seed = settings.train.seed;
        check_seed(seed)?;
        check_seed(seed.saturating_add(config.seeds - 1))?;
        let points = plan::points(config, seed)?;
        let (mut runs, mut epochs, mut scorer) = (Vec::new(), Vec::new(), None);
        let mut bytes = Vec::new();
        for point in &points {
            let prepared = prepare(shelf, at(&settings, point), session)?;
            Scorer::check(config.score, &prepared)?;
            if scorer.is_none() {
                scorer = Some(Scorer::new(config.score, &prepared, session.isa)?);
                // From here on all runs read the same files, by their SHA-256.
                settings.data = prepared.settings.data.clone();
                shelf.keep(&settings.data, settings.train.binarize, &prepared.data);
            }
            let (epoch, total) = (prepared.updates_per_epoch, prepared.total_updates);
            epochs.push(epoch.min(total));
            bytes.extend((0..config.seeds).map(|_| prepared.bytes));
            runs.push((prepared.settings, total));
        }
        check_memory(bytes, wanted(session.threads)?)?;
        let total = runs.iter().map(|(_, total)| *total).max().expect("a point");
        let rungs = plan::rungs(config.search, points.len(), total);
        epochs.into_iter().try_for_each(|epoch| check_first_rung(config, rungs[0], epoch))?;
        let notes = notes(config, points.len());
        let (config, scorer) = (config.clone(), scorer.expect("a point"));
        Ok(Self { settings, config, points, runs, rungs, scorer, notes })
    }

    /// The scores that the runs in the folder of a sweep have.
    ///
    /// # Errors
    /// As [`Table::read`].
    pub fn scores(&self, folder: &Path) -> Result<Vec<Vec<Scored>>> {
        scores(folder, self.points.len() * self.config.seeds as usize)
    }

    /// Trains the runs in the folder of a sweep, rung after rung, and adds their scores to those that they have: all
    /// ranks of the session together. Returns how the session ended.
    ///
    /// # Errors
    /// Those of the runs.
    pub fn train(
        &self,
        folder: &Path,
        scores: &mut Vec<Vec<Scored>>,
        shelf: &Shelf,
        session: &Session,
        tell: &mut dyn FnMut(News),
    ) -> Result<End> {
        let threads = wanted(session.threads)?;
        let end = session.stop_after.and_then(|interval| match interval {
            Interval::Time(time) => Instant::now().checked_add(time),
            _ => None,
        });
        let crew = Crew { shelf, scorer: &self.scorer, session, threads, end };
        let mut course = Course { plan: self, folder, scores, updates: 0, told: BTreeSet::new() };
        course.train(&crew, tell)
    }

    /// The points, by these scores of their runs.
    pub fn table(&self, scores: &[Vec<Scored>]) -> Table {
        Table::new(&self.config, &self.points, scores)
    }
}

/// Checks that there is memory for the runs that go side by side: with so many threads the largest at worst.
fn check_memory(mut bytes: Vec<Bytes>, threads: usize) -> Result<()> {
    bytes.sort_unstable();
    let n = threads.min(bytes.len());
    let needed = bytes.into_iter().rev().take(n).sum();
    memory::check(|| format!("training {n} runs side by side"), &[Need::new(needed, &["threads"])])
}

/// What a user may not expect of a sweep of so many points.
fn notes(config: &SweepConfig, n: usize) -> Vec<String> {
    let nothing = config.vary.is_empty();
    let nothing = nothing.then(|| {
        "nothing varies; give settings with their values, such as vary learning_rate=0.02,0.05,0.1".to_string()
    });
    let fewer = match config.search {
        Search::Random(wanted) if n < wanted => Some(format!(
            "the search has {n} points, not {wanted}: there are no others, or they were not found"
        )),
        _ => None,
    };
    nothing.into_iter().chain(fewer).collect()
}

/// The settings of a point's runs.
fn at(settings: &Settings, point: &Point) -> Settings {
    let of = |section: &str| -> Map<_, _> {
        let own = |name: &String| section_of(name).is_some_and(|(its, _)| its == section);
        point.iter().filter(|(name, _)| own(name)).map(|(k, v)| (k.clone(), v.clone())).collect()
    };
    let (data, train, run) = (Map::new(), of("train"), of("run"));
    settings.clone().overridden(Given { data: &data, train: &train, run: &run })
}

/// Refuses a rung before the first record of a run, after so many updates, if runs are scored by their records.
fn check_first_rung(config: &SweepConfig, Rung { updates, .. }: Rung, record: u64) -> Result<()> {
    let is_measured = config.score == Metric::LogLikelihood || updates >= record;
    check("search", config.search, is_measured, || {
        format!(
            "grid or random:N, or have more epochs: the first rung is update {updates}, and {} is \
             first measured after update {record}",
            config.score
        )
    })
}

/// A sweep in one session.
struct Course<'a> {
    plan: &'a Plan,
    folder: &'a Path,
    /// The scores of each run.
    scores: &'a mut Vec<Vec<Scored>>,
    /// Updates of the rungs before this one.
    updates: u64,
    /// The notes that were told.
    told: BTreeSet<String>,
}

impl Course<'_> {
    fn train(&mut self, crew: &Crew<'_>, tell: &mut dyn FnMut(News)) -> Result<End> {
        let plan = self.plan;
        let mut active: Vec<usize> = (0..plan.points.len()).collect();
        let mut from = 0;
        for (at, rung) in plan.rungs.iter().enumerate() {
            let is_last = at + 1 == plan.rungs.len();
            let jobs = self.jobs(&active, at, from);
            let already =
                self.n_updates(&active, from, rung.updates) - jobs.iter().map(length).sum::<u64>();
            let planned = self.n_planned(active.len(), at);
            let place = Place { active: active.clone(), already, planned };
            if let Some(end) =
                side_by_side(jobs, crew, &mut |event| self.hear(event, &place, tell))?
            {
                return Ok(end);
            }
            self.updates += self.n_updates(&active, from, rung.updates);
            from = rung.updates;
            if !is_last {
                let standings: Vec<_> = (0..plan.points.len())
                    .map(|point| {
                        let scores = self.scores_of(point);
                        let rung = active.contains(&point).then_some(at);
                        standing(plan.config.score, rung, &scores)
                    })
                    .collect();
                active = plan::kept(&standings, &active, rung.n_kept);
            }
        }
        Ok(End::Done)
    }

    fn scores_of(&self, point: usize) -> Vec<&[Scored]> {
        runs_of(point, &self.plan.config).into_iter().map(|run| &self.scores[run][..]).collect()
    }

    /// The work that is left at a rung.
    fn jobs(&self, active: &[usize], at: usize, from: u64) -> Vec<Job> {
        let Plan { config, runs, rungs, .. } = self.plan;
        let job = |point: usize, number: usize| {
            let (settings, total) = &runs[point];
            let mut settings = settings.clone();
            settings.train.seed += (number % config.seeds as usize) as u64;
            Job {
                number,
                folder: run_folder(self.folder, number),
                settings,
                from: from.min(*total),
                until: rungs[at].updates.min(*total),
                rung: rungs[at].updates,
                total: *total,
                is_last: at + 1 == rungs.len(),
                before: self.scores[number].clone(),
            }
        };
        let all = active.iter().flat_map(|&point| {
            runs_of(point, config).into_iter().map(move |number| (point, number))
        });
        let left = all.filter(|(_, number)| self.scores[*number].len() <= at);
        left.map(|(point, number)| job(point, number)).collect()
    }

    /// The updates of these points' runs from one rung to another.
    fn n_updates(&self, points: &[usize], from: u64, until: u64) -> u64 {
        let of = |&point: &usize| {
            let total = self.plan.runs[point].1;
            until.min(total).saturating_sub(from.min(total))
        };
        self.plan.config.seeds * points.iter().map(of).sum::<u64>()
    }

    /// The updates of the whole sweep, with `n` points at a rung: those that were made, and about those to come.
    fn n_planned(&self, n: usize, at: usize) -> u64 {
        let Plan { config, rungs, .. } = self.plan;
        let (mut n, mut from, mut sum) = (n as u64, 0, self.updates);
        for (number, rung) in rungs.iter().enumerate() {
            if number >= at {
                sum += config.seeds * n * (rung.updates - from);
                n = rung.n_kept as u64;
            }
            from = rung.updates;
        }
        sum
    }

    fn hear(&mut self, event: Event, place: &Place, tell: &mut dyn FnMut(News)) {
        match event {
            Event::Note(text) => {
                if self.told.insert(text.clone()) {
                    tell(News::Note(text));
                }
            }
            Event::Updates(updates) => tell(News::Progress(self.progress(place, updates))),
            Event::Scored { number, scored, updates } => {
                let score = scored.score;
                self.scores[number].push(scored);
                let values = self.plan.points[number / self.plan.config.seeds as usize].clone();
                tell(News::Scored {
                    number,
                    values,
                    score,
                    progress: self.progress(place, updates),
                });
            }
        }
    }

    fn progress(&self, place: &Place, updates: u64) -> Progress {
        let Place { active, already, planned } = place;
        let n_runs = self.scores.len();
        let n_active = active.len() * self.plan.config.seeds as usize;
        let is_over = |scores: &&Vec<Scored>| {
            scores.last().is_some_and(|last| last.is_last || last.failure.is_some())
        };
        let of_active = active.iter().flat_map(|&point| runs_of(point, &self.plan.config));
        let n_over = of_active.map(|run| &self.scores[run]).filter(is_over).count();
        let metric = self.plan.config.score;
        let most = self.scores.iter().map(Vec::len).max().unwrap_or(0);
        let furthest = self.scores.iter().filter(|scores| scores.len() == most);
        let scores = furthest.filter_map(|scores| scores.last()?.score);
        let best = scores.max_by(|a, b| metric.signed(*a).total_cmp(&metric.signed(*b)));
        Progress {
            n_done: n_runs - n_active + n_over,
            n_runs,
            share: ((self.updates + already + updates) as f64 / *planned as f64).min(1.0),
            best,
        }
    }
}

/// The place of a rung in the whole sweep.
struct Place {
    /// The points at it.
    active: Vec<usize>,
    /// Updates of its runs that were scored by an earlier session.
    already: u64,
    /// Updates of the whole sweep.
    planned: u64,
}

fn length(job: &Job) -> u64 {
    job.until - job.from
}
