//! The examples of a run, and the names of their parts.

use super::config::DataConfig;
use crate::dataset::{
    Binarization, Classes, Dataset, Encoding, Examples, FoundWeights, Labels, LabelsBy,
    MissingMask, Source, Split, WeightsSource,
};
use crate::error::{Error, Remedy, Result};
use crate::evaluate::number_means;
use crate::setting::{by_name, check};
use crate::watch::Watch;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::path::PathBuf;
use std::sync::Arc;

/// A part of a run's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Part {
    /// The training examples.
    Train,
    /// The test data.
    Test,
    /// The examples that training set aside.
    Validation,
}

by_name!(Part, "split", { Train = "train", Test = "test", Validation = "validation" });

/// The examples of a run.
#[derive(Clone, Debug)]
pub struct Data {
    /// The training examples.
    pub training: Arc<Examples>,
    /// The examples that records measure besides: the validation data, else the test data.
    pub held_out: Option<Examples>,
    /// The origin of the data, for the model file.
    pub provenance: Map<String, Value>,
    /// The SHA-256 of the files of the training data and of the test data.
    pub sha256: [Option<String>; 2],
    /// The meaning of integers.
    pub encoding: Encoding,
    /// Notes for the user: on the encoding, if it was inferred, and on missing values.
    pub notes: Vec<String>,
    /// Where the weights were found, and the SHA-256 of their file, if they have one.
    pub weights: Option<(WeightsSource, Option<String>)>,
    /// The SHA-256 of the mask of missing values, if there is one.
    pub missing_mask_sha256: Option<String>,
    /// The SHA-256 of the file of labels, if there is one.
    pub labels_sha256: Option<String>,
}

/// What is read beside the training data, and belongs to their rows.
#[derive(Clone, Debug, Default)]
struct Beside {
    weights: Option<FoundWeights>,
    missing: Option<MissingMask>,
}

impl Data {
    /// Reads the data and binarizes them.
    ///
    /// # Errors
    /// Errors of reading the files; [`Error::Elsewhere`] if a file does not have the SHA-256 of the
    /// settings.
    pub fn read(config: &DataConfig, binarize: Binarization, watch: Watch<'_>) -> Result<Self> {
        let beside = config.beside()?;
        let encoding = config.encoding(beside.weights.as_ref().map(|found| &found.source))?;
        let (all, labels_sha256) = config.read_all("data", encoding, &beside, None)?;
        let weights = beside.weights.map(|found| (found.source, found.sha256));
        let missing_mask_sha256 = beside.missing.map(|mask| mask.sha256().to_string());
        // Equal integers must mean the same in both.
        let classes = all.labels().map(|labels| labels.classes().clone());
        let test = config.read_test("test_data", all.encoding(), classes.as_ref())?;
        let inferred = all.inferred().or(test.as_ref().and_then(Dataset::inferred));
        let column = weights.iter().filter_map(|(source, _)| match source {
            WeightsSource::Column(name) => {
                Some(format!("{}: the column \"{name}\" holds the weights", all.name()))
            }
            WeightsSource::File(_) => None,
        });
        let mut notes: Vec<_> = inferred.into_iter().chain(column).collect();
        let encoding =
            test.as_ref().map_or(all.encoding(), |test| all.encoding().or(test.encoding()));
        if let Some(test) = &test {
            test.check_width(all.n_visible(), "the training data")?;
        }
        let sha256 = |dataset: &Dataset| dataset.sha256().map(str::to_string);
        let sha256 = [sha256(&all), test.as_ref().and_then(sha256)];
        let (training, validation) = config.split(all, watch)?;
        let held_out = validation.or(test);
        notes.extend(
            [Some(&training), held_out.as_ref()]
                .into_iter()
                .flatten()
                .filter_map(Dataset::missing_note),
        );
        let provenance = json!({
            "sha256": training.sha256(),
            "n_examples": training.n_examples(),
            "inverted": config.invert,
            "limit": config.limit,
            "validation": config.validation,
        });
        let Value::Object(mut provenance) = provenance else {
            unreachable!("an object, as written")
        };
        provenance.extend(encoding.facts());
        if let Some(weights) = training.weights() {
            provenance.insert("n_effective".to_string(), json!(weights.n_effective()));
        }
        if let Some(classes) = classes {
            provenance.insert("labels".to_string(), json!(*classes));
        }
        if training.missing().is_some() {
            provenance.insert("n_missing".to_string(), json!(training.n_missing()));
        }
        let binarized = |dataset| Examples::new(dataset, binarize);
        let (training, held_out) = (Arc::new(binarized(training)), held_out.map(binarized));
        if let Some(n_given) = number_means::n_given(&training) {
            provenance.insert(number_means::N_GIVEN.to_string(), json!(n_given));
        }
        Ok(Self {
            training,
            held_out,
            provenance,
            sha256,
            encoding,
            notes,
            weights,
            missing_mask_sha256,
            labels_sha256,
        })
    }
}

impl DataConfig {
    /// All training data, including the validation examples, with what belongs to their rows, and the SHA-256
    /// of a file of labels. Errors name the setting `place` as the remedy for a file that has moved.
    fn read_all(
        &self,
        place: &'static str,
        encoding: Encoding,
        beside: &Beside,
        classes: Option<&Arc<Classes>>,
    ) -> Result<(Dataset, Option<String>)> {
        let Beside { weights, missing } = beside;
        let mut found = None;
        let all = || match &self.labels {
            None => self.data.read_masked(Split::Train, encoding, missing.as_ref()),
            Some(name) => {
                let by = LabelsBy { name, classes: classes.cloned(), mask: missing.as_ref() };
                let (all, labels, sha256) = self.data.read_labelled(Split::Train, encoding, by)?;
                found = Some((labels, sha256));
                Ok(all)
            }
        };
        let all = self.prepare(expect(place, &self.data, all, self.sha256.as_ref())?)?;
        let (all, labels_sha256) = match found {
            None => (all, None),
            Some((labels, sha256)) => (all.labelled(labels)?, sha256),
        };
        if let (Some(path), Some(found)) = (&self.labels, &labels_sha256) {
            check_sha256("labels", path, Some(found), self.labels_sha256.as_ref())?;
        }
        let all = match weights {
            Some(FoundWeights { weights, source, .. }) => {
                all.weighted(&source.to_string(), weights)?
            }
            None => all,
        };
        Ok((all, labels_sha256))
    }

    /// The files of weights and of missing values. They must have the SHA-256 of the settings.
    fn beside(&self) -> Result<Beside> {
        let weights = self.weights.as_ref().map(|weights| {
            let expected = self.weights_sha256.as_ref();
            let found = moved("weights", weights.read(&self.data), expected)?;
            check_sha256("weights", &weights.to_string(), found.sha256.as_deref(), expected)?;
            Ok(found)
        });
        let missing = self.missing_mask.as_ref().map(|path| {
            let expected = self.missing_mask_sha256.as_ref();
            let mask = moved("missing_mask", MissingMask::read(path), expected)?;
            let path = path.display().to_string();
            check_sha256("missing_mask", &path, Some(mask.sha256()), expected)?;
            Ok(mask)
        });
        Ok(Beside { weights: weights.transpose()?, missing: missing.transpose()? })
    }

    /// The test data, if there are any: `test_data`, or the test images of MNIST.
    fn read_test(
        &self,
        place: &'static str,
        encoding: Encoding,
        classes: Option<&Arc<Classes>>,
    ) -> Result<Option<Dataset>> {
        let source = match &self.test_data {
            Some(source) => source,
            None if self.data.has_test_split() => &self.data,
            None => return Ok(None),
        };
        let mut found = None;
        let test = || {
            let Some(classes) = classes else { return source.read_split(Split::Test, encoding) };
            let (test, labels) = match &self.test_labels {
                None => source.read_for(Split::Test, encoding, classes, None)?,
                Some(path) => {
                    let labels = Labels::read(path, Some(classes.clone()))?.0;
                    (source.read_split(Split::Test, encoding)?, labels)
                }
            };
            found = Some(labels);
            Ok(test)
        };
        let test = self.prepare(expect(place, source, test, self.test_sha256.as_ref())?)?;
        match found {
            None => Ok(Some(test)),
            Some(labels) => test.labelled(labels).map(Some),
        }
    }

    fn prepare(&self, dataset: Dataset) -> Result<Dataset> {
        let has_columns = dataset.columns().is_some();
        check("invert", self.invert, !(self.invert && has_columns), || {
            "left out for data of categories".to_string()
        })?;
        let dataset = if self.invert { dataset.inverted() } else { dataset };
        match self.image_shape {
            Some((rows, columns)) => dataset.with_image_shape(rows, columns),
            None => Ok(dataset),
        }
    }

    /// Splits the data into training and validation examples.
    fn split(&self, all: Dataset, watch: Watch<'_>) -> Result<(Dataset, Option<Dataset>)> {
        let all = match self.limit {
            Some(limit) => all.first(limit)?,
            None => all,
        };
        let all = match self.reweight {
            Some(share) => all.reweighted_under(share, watch)?,
            None => all,
        };
        if self.validation == 0 {
            return Ok((all, None));
        }
        let (training, validation) = all.split_validation(self.validation)?;
        Ok((training, Some(validation)))
    }

    /// Reads one part of the data as a model records them in `facts`; `None` if the run has no such part.
    /// Errors name the setting `data` as the remedy for a file that has moved.
    ///
    /// # Errors
    /// Errors of reading the file; [`Error::Elsewhere`] if it does not have the SHA-256 of the settings.
    pub fn read_part(&self, part: Part, facts: &Map<String, Value>) -> Result<Option<Dataset>> {
        let recorded = Encoding::recorded(facts)?;
        let classes = Classes::recorded(facts)?;
        let encoding = || Ok::<_, Error>(recorded.clone().or(self.encoding(None)?));
        let split = || {
            let beside = self.beside()?;
            let weights = beside.weights.as_ref().map(|found| &found.source);
            let encoding = recorded.clone().or(self.encoding(weights)?);
            let all = self.read_all("data", encoding, &beside, classes.as_ref())?;
            self.split(all.0, Watch::default())
        };
        match part {
            Part::Test => self.read_test("data", encoding()?, classes.as_ref()),
            Part::Train => Ok(Some(split()?.0)),
            Part::Validation if self.validation == 0 => Ok(None),
            Part::Validation => Ok(split()?.1),
        }
    }

    /// The part whose file has the SHA-256 of these data: the test data, or the training data if the
    /// run trained on the whole file.
    pub fn part_of(&self, dataset: &Dataset) -> Option<Part> {
        let is =
            |sha256: &Option<String>| sha256.is_some() && sha256.as_deref() == dataset.sha256();
        // What a run read beside the file is not known of a given one.
        let has_more = self.missing_mask.is_some()
            || self.weights.is_some()
            || self.reweight.is_some()
            || self.labels_sha256.is_some();
        let is_whole = self.validation == 0 && self.limit.is_none() && !has_more;
        if is(&self.test_sha256) {
            Some(Part::Test)
        } else {
            (is_whole && is(&self.sha256)).then_some(Part::Train)
        }
    }

    /// The part on which the run's model is evaluated: the test data, else the validation examples,
    /// else the training data.
    pub fn judged_by(&self) -> Part {
        if self.test_data.is_some() || self.data.has_test_split() {
            Part::Test
        } else if self.validation > 0 {
            Part::Validation
        } else {
            Part::Train
        }
    }

    /// The part on which records measure a run: the validation examples come first, because test data
    /// that were used to choose a model can no longer judge it.
    pub fn watched_by(&self) -> Part {
        if self.validation > 0 { Part::Validation } else { self.judged_by() }
    }
}

/// Reads data, which must have this SHA-256. The error names the setting `place` as the remedy.
fn expect(
    place: &'static str,
    source: &Source,
    read: impl FnOnce() -> Result<Dataset>,
    sha256: Option<&String>,
) -> Result<Dataset> {
    let remedy = Remedy::of(place);
    if *source == Source::Stdin && sha256.is_some() {
        let rule = "held the data when the run began, and cannot be read again".to_string();
        return Err(Error::Elsewhere { path: "standard input".into(), rule, remedy });
    }
    let dataset = moved(place, read(), sha256)?;
    check_sha256(place, dataset.name(), dataset.sha256(), sha256)?;
    Ok(dataset)
}

/// What was read from a file of this SHA-256. If the file cannot be read, it may have moved.
fn moved<T>(place: &'static str, read: Result<T>, sha256: Option<&String>) -> Result<T> {
    match read {
        Err(Error::Io { path, action, cause }) if sha256.is_some() => {
            let rule = format!("cannot {action}: {cause}");
            Err(Error::Elsewhere { path, rule, remedy: Remedy::of(place) })
        }
        read => read,
    }
}

/// Refuses a file that does not have this SHA-256.
fn check_sha256(
    place: &'static str,
    name: &str,
    found: Option<&str>,
    expected: Option<&String>,
) -> Result<()> {
    match expected {
        Some(expected) if found != Some(expected) => {
            let rule = format!(
                "has {}, but the run was made with SHA-256 {expected}, which only a new run can change",
                found.map_or("no SHA-256".to_string(), |found| format!("the SHA-256 {found}"))
            );
            Err(Error::Elsewhere { path: PathBuf::from(name), rule, remedy: Remedy::of(place) })
        }
        _ => Ok(()),
    }
}
