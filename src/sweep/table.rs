//! The table of a sweep: its points, best first.

use super::config::SweepConfig;
use super::file::{RUNS, SWEEP, SweepFile, check_is_sweep};
use super::plan::{self, Point, Standing};
use super::score::{self, Scored};
use crate::error::Result;
use crate::monitor::Metric;
use crate::setting::by_name;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fmt;
use std::path::{Path, PathBuf};

/// How far a point has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[non_exhaustive]
pub enum PointState {
    /// All its runs are at their end, and scored.
    Done,
    /// They are scored, but before their end: others went on, or the sweep was stopped.
    Stopped,
    /// One of its runs failed.
    Failed,
    /// They have no score yet.
    Waiting,
}

by_name!(PointState, "state", {
    Done = "done", Stopped = "stopped", Failed = "failed", Waiting = "waiting"
});

/// A point: values of the settings that vary, with its runs and their score.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Row {
    /// The values by the names of the settings.
    pub values: Map<String, Value>,
    /// The numbers of its runs, one for each seed.
    pub runs: Vec<usize>,
    /// The mean score of its runs at the last rung that all have reached; `None` if one has none.
    pub score: Option<f64>,
    /// The standard error of this mean over the seeds; `None` for one seed.
    pub standard_error: Option<f64>,
    /// Whether one of the scores is not to be believed.
    pub is_doubtful: bool,
    /// Updates of a run at this rung.
    pub updates: u64,
    /// How far the point has come.
    pub state: PointState,
    /// Why its first run that failed did.
    pub failure: Option<String>,
}

impl Row {
    /// The names of its runs.
    pub(crate) fn run_names(&self) -> String {
        self.runs.iter().copied().map(run_name).collect::<Vec<_>>().join(" ")
    }

    /// The score with its standard error, for people.
    pub(crate) fn score_text(&self) -> String {
        let error = self.standard_error.map_or(String::new(), |error| format!(" ± {error:.3}"));
        let doubt = if self.is_doubtful { " (doubtful)" } else { "" };
        self.score.map_or("–".to_string(), |score| format!("{score:.3}{error}{doubt}"))
    }
}

/// The points of a sweep, the best first.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Table {
    /// What decides.
    pub metric: Metric,
    /// The settings that vary.
    pub names: Vec<&'static str>,
    /// The points.
    pub rows: Vec<Row>,
}

/// The name of the run of this number: that of its folder in [`RUNS`].
pub fn run_name(number: usize) -> String {
    format!("{number:03}")
}

/// The folder of a run of the sweep in a folder.
pub fn run_folder(sweep: &Path, number: usize) -> PathBuf {
    sweep.join(RUNS).join(run_name(number))
}

/// The scores of each of the first `n` runs of the sweep in a folder.
///
/// # Errors
/// As [`score::read`].
pub fn scores(sweep: &Path, n: usize) -> Result<Vec<Vec<Scored>>> {
    (0..n).map(|number| score::read(&run_folder(sweep, number))).collect()
}

/// The numbers of a point's runs.
pub fn runs_of(point: usize, config: &SweepConfig) -> Vec<usize> {
    let n = config.seeds as usize;
    (point * n..(point + 1) * n).collect()
}

/// How a point stands at a rung, by the scores of its runs.
pub fn standing(metric: Metric, rung: Option<usize>, scores: &[&[Scored]]) -> Standing {
    let Some(at) = rung else { return Standing { rung, score: None, is_doubtful: false } };
    let scores: Vec<&Scored> = scores.iter().map(|scores| &scores[at]).collect();
    let (score, _) = mean(&scores);
    let is_doubtful = scores.iter().any(|scored| scored.is_doubtful);
    Standing { rung, score: score.map(|score| metric.signed(score)), is_doubtful }
}

/// The last rung that all runs of a point have reached.
pub fn reached(scores: &[&[Scored]]) -> Option<usize> {
    scores.iter().map(|scores| scores.len()).min().unwrap_or(0).checked_sub(1)
}

/// The mean of scores and its standard error; `None` if one is missing.
fn mean(scores: &[&Scored]) -> (Option<f64>, Option<f64>) {
    let n = scores.len() as f64;
    let values: Option<Vec<f64>> = scores.iter().map(|scored| scored.score).collect();
    let Some(values) = values else { return (None, None) };
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|x| (x - mean) * (x - mean)).sum();
    (Some(mean), (values.len() > 1).then(|| (squares / (n - 1.0) / n).sqrt()))
}

impl Table {
    /// The table of the sweep in a folder, as far as its runs are scored.
    ///
    /// # Errors
    /// [`Error::Unsuitable`](crate::Error::Unsuitable) if it holds no sweep; as [`SweepFile::read`], and errors of
    /// reading scores.
    pub fn read(folder: &Path) -> Result<Self> {
        check_is_sweep(folder)?;
        let file = SweepFile::read(&folder.join(SWEEP))?;
        let points = plan::points(&file.sweep, file.runs.settings.train.seed)?;
        let n_runs = points.len() * file.sweep.seeds as usize;
        Ok(Self::new(&file.sweep, &points, &scores(folder, n_runs)?))
    }

    /// The table of these points, by the scores of their runs.
    pub(super) fn new(config: &SweepConfig, points: &[Point], scores: &[Vec<Scored>]) -> Self {
        let of = |point: usize| -> Vec<&[Scored]> {
            runs_of(point, config).into_iter().map(|number| &scores[number][..]).collect()
        };
        let standings: Vec<_> = (0..points.len())
            .map(|point| standing(config.score, reached(&of(point)), &of(point)))
            .collect();
        let row = |point: usize| {
            let of = of(point);
            let at = reached(&of);
            let reached: Vec<&Scored> =
                at.into_iter().flat_map(|at| of.iter().map(move |scores| &scores[at])).collect();
            let failure =
                of.iter().flat_map(|scores| scores.iter()).find_map(|s| s.failure.clone());
            let (score, standard_error) = match at {
                Some(_) => mean(&reached),
                None => (None, None),
            };
            Row {
                values: points[point].clone(),
                runs: runs_of(point, config),
                score,
                standard_error,
                is_doubtful: standings[point].is_doubtful,
                updates: reached.iter().map(|scored| scored.updates).max().unwrap_or(0),
                state: match &failure {
                    Some(_) => PointState::Failed,
                    None if reached.is_empty() => PointState::Waiting,
                    None if reached.iter().all(|scored| scored.is_last) => PointState::Done,
                    None => PointState::Stopped,
                },
                failure,
            }
        };
        Self {
            metric: config.score,
            names: config.vary.iter().map(super::Vary::name).collect(),
            rows: plan::ranked(&standings).into_iter().map(row).collect(),
        }
    }

    /// The best point, if one has a score.
    pub fn best(&self) -> Option<&Row> {
        self.rows.first().filter(|row| row.score.is_some())
    }

    /// The table as CSV: a column for each setting that varies, then the score.
    pub fn to_csv(&self) -> String {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let score = self.metric.to_string();
        let header = ["rank"].into_iter().chain(self.names.iter().copied());
        let rest = [&score, "standard_error", "doubtful", "seeds", "updates", "state", "runs"];
        let figure = |x: Option<f64>| x.map_or(String::new(), |x| x.to_string());
        writer.write_record(header.chain(rest)).expect("writing to memory does not fail");
        for (rank, row) in (1..).zip(&self.rows) {
            let values = self.names.iter().map(|name| value_text(&row.values[*name]));
            let record = [rank.to_string()].into_iter().chain(values).chain([
                figure(row.score),
                figure(row.standard_error),
                row.is_doubtful.to_string(),
                row.runs.len().to_string(),
                row.updates.to_string(),
                row.state.to_string(),
                row.run_names(),
            ]);
            writer.write_record(record).expect("writing to memory does not fail");
        }
        let bytes = writer.into_inner().expect("writing to memory does not fail");
        String::from_utf8(bytes).expect("text")
    }
}

/// A value of a setting as a user types it.
pub(crate) fn value_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_string)
}

/// The table in columns, for people.
impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = ["rank".to_string(), self.metric.to_string()].into_iter();
        let header = header.chain(self.names.iter().map(ToString::to_string));
        let header: Vec<_> =
            header.chain(["state", "updates", "runs"].map(str::to_string)).collect();
        let row = |(rank, row): (usize, &Row)| -> Vec<String> {
            let score = row.score_text();
            let values = self.names.iter().map(|name| value_text(&row.values[*name]));
            let rest = [row.state.to_string(), row.updates.to_string(), row.run_names()];
            [rank.to_string(), score].into_iter().chain(values).chain(rest).collect()
        };
        let rows: Vec<_> = [header].into_iter().chain((1..).zip(&self.rows).map(row)).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
        let widths: Vec<_> = (0..rows[0].len()).map(|column| width(column).unwrap_or(0)).collect();
        for (at, row) in rows.iter().enumerate() {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            let line = cells.collect::<Vec<_>>().join("  ");
            write!(f, "{}{}", if at > 0 { "\n" } else { "" }, line.trim_end())?;
        }
        if self.rows.len() > 1 && self.rows.iter().all(|row| row.runs.len() == 1) {
            f.write_str(
                "\none seed a point: ranks may be chance; --seeds 3 shows how far seeds differ",
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scored(rung: u64, score: f64) -> Scored {
        Scored { rung, updates: rung, score: Some(score), is_last: rung == 90, ..Scored::default() }
    }

    fn config(seeds: u64) -> SweepConfig {
        let vary = vec!["hidden=3,5,7".parse().unwrap()];
        SweepConfig { vary, seeds, ..SweepConfig::default() }
    }

    #[test]
    fn points_are_ranked_by_the_mean_over_their_seeds() {
        let config = config(2);
        let points = plan::points(&config, 0).unwrap();
        let of = |scores: [f64; 6]| scores.map(|score| vec![scored(90, score)]).to_vec();
        let table = Table::new(&config, &points, &of([-3.0, -5.0, -1.0, -2.0, -1.5, -1.5]));
        let found: Vec<_> =
            table.rows.iter().map(|row| (row.score, row.standard_error, &row.runs[..])).collect();
        // The mean of -1 and -2 is that of -1.5 and -1.5: the lower number is first.
        let expected: [(_, _, &[usize]); 3] = [
            (Some(-1.5), Some(0.5), &[2, 3]),
            (Some(-1.5), Some(0.0), &[4, 5]),
            (Some(-4.0), Some(1.0), &[0, 1]),
        ];
        assert_eq!(found, expected);
        assert_eq!(
            table.to_csv().lines().take(2).collect::<Vec<_>>(),
            [
                "rank,hidden,log_likelihood,standard_error,doubtful,seeds,updates,state,runs",
                "1,5,-1.5,0.5,false,2,90,done,002 003"
            ]
        );
        assert!(
            table.to_string().contains("\n1     -1.500 ± 0.500  5       done   90       002 003"),
            "{table}"
        );
    }

    #[test]
    fn a_failed_seed_a_doubtful_score_and_a_run_that_waits_come_last() {
        let config = config(1);
        let points = plan::points(&config, 0).unwrap();
        let failed = Scored { failure: Some("diverged".into()), score: None, ..scored(30, 0.0) };
        let scores =
            [vec![scored(30, -9.0)], vec![failed], vec![scored(30, -20.0), scored(90, -8.0)]];
        let states = |scores: &[Vec<Scored>]| -> Vec<_> {
            let table = Table::new(&config, &points, scores);
            table.rows.iter().map(|row| (row.runs[0], row.state)).collect()
        };
        let (done, stopped) = (PointState::Done, PointState::Stopped);
        assert_eq!(states(&scores), [(2, done), (0, stopped), (1, PointState::Failed)]);
        let doubtful = Scored { is_doubtful: true, ..scored(90, -1.0) };
        let scores = [vec![doubtful], vec![scored(90, -5.0)], Vec::new()];
        assert_eq!(states(&scores), [(1, done), (0, done), (2, PointState::Waiting)]);
    }
}
