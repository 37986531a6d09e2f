//! `harmonium evaluate` of single values, for examples that lack some: of those that they have, or of those of `--truth`.

use super::evaluate::{Evaluate, Scored, class_score};
use super::input::{limited, say_inferred};
use super::output::{print, print_text};
use super::rows::Rows;
use crate::bits::BitMatrix;
use crate::dataset::{Dataset, Encoding, WeightedBits};
use crate::error::{Error, Result};
use crate::evaluate::{Entries, EntryReport, VALUES};
use crate::gibbs::{FixedModel, FixedWeights};
use crate::kernels::Isa;
use crate::model::{ModelFile, Rbm};
use crate::monitor::LogFormat;
use crate::monitor::terminal::note;
use crate::run::{GivenData, Part, training_examples};
use crate::setting::check;
use crate::watch::Watch;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// The values that are asked for, and the name of their data.
struct Truth {
    /// (N, V)
    asked: WeightedBits,
    name: String,
}

impl Evaluate {
    /// Scores single values. With `missing = absent` the examples have no common log Z.
    pub(super) fn predict_values(&self, file: &ModelFile, scored: Scored, isa: Isa) -> Result<()> {
        let Scored { visible, rows, subject, to_classify, .. } = scored;
        let encoding = Encoding::recorded(&file.provenance.data)?;
        let entries = Entries::new(&file.rbm, isa).columns(encoding.columns());
        let training = training_examples(&self.model, file)?;
        let entries = match training.filter(|data| data.units() == *file.rbm.visible_units()) {
            Some(training) => entries.training(&training),
            None => entries,
        };
        let truth = self.truth(file, &visible, &rows)?;
        let asked = truth.as_ref().map_or(&visible, |truth| &truth.asked);
        let report = entries.score(&visible, asked, Watch::default())?;
        // A site without a value is no part of the example's model: its units are off.
        let weights = FixedWeights::of(&file.rbm, isa);
        let model = FixedModel { rbm: &file.rbm, weights: &weights };
        let classes = to_classify.map(|examples| class_score(model, &examples, self.seed));
        let classes = classes.transpose()?.flatten();
        let report = EntryReport {
            error: classes.as_ref().map(|score| score.error.into()),
            log_loss: classes.as_ref().map(|score| score.log_loss.into()),
            subject: Some(subject),
            truth: truth.map(|truth| truth.name),
            ..report
        };
        if self.json { print(report.to_json()) } else { print_text(&report.to_string(), VALUES) }
    }

    /// The values of `--truth` that the examples (N, V) lack.
    fn truth(
        &self,
        file: &ModelFile,
        visible: &WeightedBits,
        rows: &Rows,
    ) -> Result<Option<Truth>> {
        let Some(source) = &self.truth else { return Ok(None) };
        let beside = self.reading.beside();
        let reading = self.reading.reading();
        let GivenData { dataset, .. } =
            Part::Test.read_beside(source, &file.provenance, beside, reading)?;
        check("truth", source, dataset.labels().is_none(), || {
            "left out for a model with labels".to_string()
        })?;
        say_inferred(&dataset);
        let n_rows = visible.bits().n_rows();
        let (dataset, of_examples) = self.joined(dataset, &file.rbm, rows, n_rows)?;
        let name = dataset.name().to_string();
        let bits = dataset.bits().ok_or_else(|| {
            let rule = "must have bits or categories as values".to_string();
            Error::Unsuitable { path: name.clone().into(), rule }
        })?;
        let has = |n: usize, unit| {
            let lacks = |row| dataset.missing().is_some_and(|missing| missing.get(row, unit));
            of_examples[n].is_some_and(|row| !lacks(row))
        };
        let is_known = |n, unit| visible.missing().is_none_or(|missing| !missing.get(n, unit));
        let of_site = |site: Range<usize>| {
            let is_twice = |&n: &usize| has(n, site.start) && is_known(n, site.start);
            (0..n_rows).filter(is_twice).count()
        };
        let of_unit = |is_of: &dyn Fn(usize, usize) -> bool| {
            BitMatrix::from_fn(n_rows, bits.n_columns(), is_of)
        };
        let others = of_unit(&|n, unit| !has(n, unit) || is_known(n, unit));
        let is_on = |n: usize, unit| of_examples[n].is_some_and(|row| bits.get(row, unit));
        let asked = of_unit(&|n, unit| !others.get(n, unit) && is_on(n, unit));
        match dataset.units().sites().map(of_site).sum::<usize>() {
            n if n > 0 && others != of_unit(&|_, _| true) => {
                say(&format!("{name}: {n} values that --data has, too, do not count"));
            }
            _ => {}
        }
        let asked = WeightedBits::new(asked, None).lacking(Some(others));
        Ok(Some(Truth { asked, name }))
    }

    /// These data, and the row in them of each of the `n` examples: that of its name, where a column names the rows of
    /// both, else that of its number.
    fn joined(
        &self,
        dataset: Dataset,
        rbm: &Rbm,
        rows: &Rows,
        n: usize,
    ) -> Result<(Dataset, Vec<Option<usize>>)> {
        let unsuitable = |path: &str, rule| Err(Error::Unsuitable { path: path.into(), rule });
        let theirs = Rows::of(&dataset);
        let (Some(own), Some(theirs)) = (rows.names_of_examples(), theirs.names_of_examples())
        else {
            let of_one = [("--data", rows, &theirs), (dataset.name(), &theirs, rows)];
            let of_one = of_one.into_iter().find(|(_, lacks, has)| {
                lacks.names_of_examples().is_none() && has.names_of_examples().is_some()
            });
            if let Some((lacking, _, has)) = of_one {
                let rule = format!(
                    "has no column \"{}\" of names of rows, by which the rows of both are found; rename its column of names",
                    has.heading()
                );
                return unsuitable(lacking, rule);
            }
            if let Some(of_examples) = rows.if_of(dataset.n_examples()) {
                dataset.check_width(rbm.n_visible(), "the model")?;
                return Ok((dataset, of_examples.iter().copied().map(Some).collect()));
            }
            let found = self.limit.unwrap_or(usize::MAX).min(dataset.n_examples());
            if found != n {
                let rule = format!(
                    "has another number of rows than --data: {found}, not {n}; give --id to find rows by their names"
                );
                return unsuitable(dataset.name(), rule);
            }
            return Ok((limited(dataset, self.limit, rbm)?, (0..n).map(Some).collect()));
        };
        for (data, names) in [("--data", &own), (dataset.name(), &theirs)] {
            let mut seen = HashSet::new();
            if let Some(name) = names.iter().find(|name| !seen.insert(**name)) {
                return unsuitable(data, format!("has two rows of the name \"{name}\""));
            }
        }
        // Rows that are left out, as their weight is 0, are in --data, too.
        let own_rows = rows.names().unwrap_or_default();
        let rows: HashMap<_, _> = theirs.iter().copied().zip(0..).collect();
        let found: Vec<_> = own.iter().map(|name| rows.get(name).copied()).collect();
        let all: HashSet<_> = own_rows.iter().map(String::as_str).collect();
        match theirs.iter().filter(|name| !all.contains(**name)).count() {
            n if n > 0 && self.limit.is_none() => {
                say(&format!("{}: {n} rows that --data lacks are left out", dataset.name()))
            }
            _ => {}
        }
        dataset.check_width(rbm.n_visible(), "the model")?;
        Ok((dataset, found))
    }
}

fn say(text: &str) {
    note(LogFormat::Text, text);
}
