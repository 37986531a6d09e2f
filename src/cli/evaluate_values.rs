//! `harmonium evaluate` of single values, for examples that lack some: of those that they have, or of those of `--truth`.

use super::evaluate::{Evaluate, Scored, class_score};
use super::input::{limited, say_inferred};
use super::output::{print, print_text};
use crate::bits::BitMatrix;
use crate::dataset::{Encoding, WeightedBits};
use crate::error::{Error, Result};
use crate::evaluate::{Entries, EntryReport, VALUES};
use crate::gibbs::{FixedModel, FixedWeights};
use crate::kernels::Isa;
use crate::model::ModelFile;
use crate::run::{Part, training_examples};
use crate::setting::check;
use crate::watch::Watch;

/// The values that are asked for, and the name of their data.
struct Truth {
    /// (N, V)
    asked: WeightedBits,
    name: String,
}

impl Evaluate {
    /// Scores single values. With `missing = absent` the examples have no common log Z.
    pub(super) fn predict_values(&self, file: &ModelFile, scored: Scored, isa: Isa) -> Result<()> {
        let Scored { visible, subject, to_classify, .. } = scored;
        let encoding = Encoding::recorded(&file.provenance.data)?;
        let entries = Entries::new(&file.rbm, isa).columns(encoding.columns());
        let training = training_examples(&self.model, file)?;
        let entries = match training.filter(|data| data.units() == *file.rbm.visible_units()) {
            Some(training) => entries.training(&training),
            None => entries,
        };
        let truth = self.truth(file, &visible)?;
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
    fn truth(&self, file: &ModelFile, visible: &WeightedBits) -> Result<Option<Truth>> {
        let Some(source) = &self.truth else { return Ok(None) };
        let dataset = Part::Test.read(source, &file.provenance)?;
        check("truth", source, dataset.labels().is_none(), || {
            "left out for a model with labels".to_string()
        })?;
        say_inferred(&dataset);
        let dataset = limited(dataset, self.limit, &file.rbm)?;
        let (found, n_rows) = (dataset.n_examples(), visible.bits().n_rows());
        let name = dataset.name().to_string();
        if found != n_rows {
            let rule = format!("has another number of rows than --data: {found}, not {n_rows}");
            return Err(Error::Unsuitable { path: name.into(), rule });
        }
        let bits = dataset.bits();
        let bits = bits.ok_or_else(|| Error::Unsuitable {
            path: name.clone().into(),
            rule: "must have bits or categories as values".to_string(),
        })?;
        let (known, lacking) = (visible.missing(), dataset.missing());
        let is_asked = |n: usize, unit: usize| {
            let has = lacking.is_none_or(|lacking| !lacking.get(n, unit));
            has && known.is_some_and(|known| known.get(n, unit))
        };
        let others = BitMatrix::from_fn(n_rows, bits.n_columns(), |n, unit| !is_asked(n, unit));
        let asked = WeightedBits::new(bits.clone().without(&others), None).lacking(Some(others));
        Ok(Some(Truth { asked, name }))
    }
}
