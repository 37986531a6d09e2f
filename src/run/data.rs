//! The examples of a run, and the names of their parts.

use super::config::DataConfig;
use crate::dataset::{
    Binarization, Classes, Dataset, Encoding, Examples, Labels, Source, Split, WeightsFile,
};
use crate::error::{Error, Remedy, Result};
use crate::setting::{by_name, check};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
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
    /// The note on the encoding, if it was inferred.
    pub inferred: Option<String>,
    /// The SHA-256 of the file of weights, if there is one.
    pub weights_sha256: Option<String>,
    /// The SHA-256 of the file of labels, if there is one.
    pub labels_sha256: Option<String>,
}

impl Data {
    /// Reads the data and binarizes them.
    ///
    /// # Errors
    /// Errors of reading the files; [`Error::Elsewhere`] if a file does not have the SHA-256 of the
    /// settings.
    pub fn read(config: &DataConfig, binarize: Binarization) -> Result<Self> {
        let weights = config.weights_file()?;
        let (all, labels_sha256) =
            config.read_all("data", config.encoding()?, weights.as_ref(), None)?;
        let weights_sha256 = weights.map(|file| file.sha256);
        // Equal integers must mean the same in both.
        let classes = all.labels().map(|labels| labels.classes().clone());
        let test = config.read_test("test_data", all.encoding(), classes.as_ref())?;
        let inferred = all.inferred().or(test.as_ref().and_then(Dataset::inferred));
        let encoding =
            test.as_ref().map_or(all.encoding(), |test| all.encoding().or(test.encoding()));
        if let Some(test) = &test {
            test.check_width(all.n_visible(), "the training data")?;
        }
        let sha256 = |dataset: &Dataset| dataset.sha256().map(str::to_string);
        let sha256 = [sha256(&all), test.as_ref().and_then(sha256)];
        let (training, validation) = config.split(all)?;
        let held_out = validation.or(test);
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
        let binarized = |dataset| Examples::new(dataset, binarize);
        let (training, held_out) = (Arc::new(binarized(training)), held_out.map(binarized));
        Ok(Self {
            training,
            held_out,
            provenance,
            sha256,
            encoding,
            inferred,
            weights_sha256,
            labels_sha256,
        })
    }
}

impl DataConfig {
    /// All training data, including the validation examples, with their labels and weights, and the SHA-256 of a
    /// file of labels. Errors name the setting
    /// `place` as the remedy for a file that has moved.
    fn read_all(
        &self,
        place: &'static str,
        encoding: Encoding,
        weights: Option<&WeightsFile>,
        classes: Option<&Arc<Classes>>,
    ) -> Result<(Dataset, Option<String>)> {
        let mut found = None;
        let all = || match &self.labels {
            None => self.data.read_split(Split::Train, encoding),
            Some(labels) => {
                let classes = classes.cloned();
                let (all, labels, sha256) =
                    self.data.read_labelled(Split::Train, encoding, labels, classes)?;
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
            expect_file(Path::new(path), found, self.labels_sha256.as_ref())?;
        }
        let all = match (&self.weights, weights) {
            (Some(path), Some(file)) => all.weighted(&path.display().to_string(), &file.weights)?,
            _ => all,
        };
        Ok((all, labels_sha256))
    }

    /// The file of weights, if there is one. It must have the SHA-256 of the settings.
    fn weights_file(&self) -> Result<Option<WeightsFile>> {
        let Some(path) = &self.weights else { return Ok(None) };
        let file = WeightsFile::read(path)?;
        expect_file(path, &file.sha256, self.weights_sha256.as_ref())?;
        Ok(Some(file))
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
                None => source.read_for(Split::Test, encoding, classes)?,
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
    fn split(&self, all: Dataset) -> Result<(Dataset, Option<Dataset>)> {
        let all = match self.limit {
            Some(limit) => all.first(limit)?,
            None => all,
        };
        let all = match self.reweight {
            Some(share) => all.reweighted(share)?,
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
        let encoding = Encoding::recorded(facts)?.or(self.encoding()?);
        let classes = Classes::recorded(facts)?;
        let split = |encoding| {
            let weights = self.weights_file()?;
            let all = self.read_all("data", encoding, weights.as_ref(), classes.as_ref())?;
            self.split(all.0)
        };
        match part {
            Part::Test => self.read_test("data", encoding, classes.as_ref()),
            Part::Train => Ok(Some(split(encoding)?.0)),
            Part::Validation if self.validation == 0 => Ok(None),
            Part::Validation => Ok(split(encoding)?.1),
        }
    }

    /// The part whose file has the SHA-256 of these data: the test data, or the training data if the
    /// run trained on the whole file.
    pub fn part_of(&self, dataset: &Dataset) -> Option<Part> {
        let is =
            |sha256: &Option<String>| sha256.is_some() && sha256.as_deref() == dataset.sha256();
        let is_whole = self.validation == 0 && self.limit.is_none();
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

/// Checks that a file beside the data has the SHA-256 of the settings, if these have one.
fn expect_file(path: &Path, found: &str, expected: Option<&String>) -> Result<()> {
    let Some(expected) = expected.filter(|sum| *sum != found) else { return Ok(()) };
    let rule = format!(
        "has the SHA-256 {found}, but the run was made with SHA-256 {expected}; put that file back, or \
         begin a new run"
    );
    Err(Error::Unsuitable { path: path.into(), rule })
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
    let dataset = match (read(), sha256) {
        (Err(Error::Io { path, action, cause }), Some(_)) => {
            let rule = format!("cannot {action}: {cause}");
            return Err(Error::Elsewhere { path, rule, remedy });
        }
        (dataset, _) => dataset?,
    };
    match (dataset.sha256(), sha256) {
        (found, Some(expected)) if found != Some(expected) => {
            let rule = format!(
                "has {}, but the run was made with SHA-256 {expected}, which only a new run can change",
                found.map_or("no SHA-256".to_string(), |found| format!("the SHA-256 {found}"))
            );
            Err(Error::Elsewhere { path: PathBuf::from(dataset.name()), rule, remedy })
        }
        _ => Ok(dataset),
    }
}
