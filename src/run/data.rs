//! The examples of a run, and its parts by name.

use super::config::DataConfig;
use crate::dataset::{Binarization, Dataset, Encoding, Examples, Split};
use crate::error::{Error, Remedy, Result};
use crate::setting::by_name;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::path::PathBuf;
use std::sync::Arc;

/// A part of a run's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Part {
    /// What it is trained on.
    Train,
    /// Its test data.
    Test,
    /// What its training set aside.
    Validation,
}

by_name!(Part, "split", { Train = "train", Test = "test", Validation = "validation" });

/// The examples of a run.
#[derive(Clone, Debug)]
pub struct Data {
    /// Those it is trained on.
    pub training: Arc<Examples>,
    /// Those it is reported on.
    pub held_out: Option<Examples>,
    /// Where they come from, for the model file.
    pub provenance: Map<String, Value>,
    /// SHA-256 of the files of the training and of the test data.
    pub sha256: [Option<String>; 2],
    /// What their integers stand for.
    pub encoding: Encoding,
    /// The line that says so, if nobody had.
    pub inferred: Option<String>,
}

impl Data {
    /// Reads the data and makes bits of them.
    ///
    /// # Errors
    /// Whatever is wrong with the files; [`Error::Unsuitable`] for a file that has not the
    /// fingerprint that the settings ask for.
    pub fn read(config: &DataConfig, binarize: Binarization) -> Result<Self> {
        let all = config.read_all("data")?;
        // The same integers mean the same in both.
        let test = config.read_test("test_data", all.encoding())?;
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
        let binarized = |dataset| Examples::new(dataset, binarize);
        let (training, held_out) = (Arc::new(binarized(training)), held_out.map(binarized));
        Ok(Self { training, held_out, provenance, sha256, encoding, inferred })
    }
}

impl DataConfig {
    /// All training data, those to be set aside included, as a run takes them; the setting `place`
    /// says where they are, should they have moved.
    fn read_all(&self, place: &'static str) -> Result<Dataset> {
        let all = self.data.read_split(Split::Train, self.encoding()?);
        self.prepare(expect(place, all, self.sha256.as_ref())?)
    }

    /// The test data, if there are any: those that were named, or the test images of MNIST.
    fn read_test(&self, place: &'static str, encoding: Encoding) -> Result<Option<Dataset>> {
        let source = match &self.test_data {
            Some(source) => source,
            None if self.data.has_test_split() => &self.data,
            None => return Ok(None),
        };
        let test = source.read_split(Split::Test, encoding);
        self.prepare(expect(place, test, self.test_sha256.as_ref())?).map(Some)
    }

    fn prepare(&self, dataset: Dataset) -> Result<Dataset> {
        let dataset = if self.invert { dataset.inverted() } else { dataset };
        match self.image_shape {
            Some((rows, columns)) => dataset.with_image_shape(rows, columns),
            None => Ok(dataset),
        }
    }

    /// What is trained on, and what is set aside.
    fn split(&self, all: Dataset) -> Result<(Dataset, Option<Dataset>)> {
        let all = match self.limit {
            Some(limit) => all.first(limit)?,
            None => all,
        };
        if self.validation == 0 {
            return Ok((all, None));
        }
        let (training, validation) = all.split_validation(self.validation)?;
        Ok((training, Some(validation)))
    }

    /// One part of the data, as a run takes it; none if there is no such part. The setting `place`
    /// says where its file is, should it have moved.
    ///
    /// # Errors
    /// Whatever is wrong with the file; [`Error::Unsuitable`] for one that has not the fingerprint that
    /// the settings ask for.
    pub fn read_part(&self, part: Part, place: &'static str) -> Result<Option<Dataset>> {
        match part {
            Part::Test => self.read_test(place, self.encoding()?),
            Part::Train => Ok(Some(self.split(self.read_all(place)?)?.0)),
            Part::Validation if self.validation == 0 => Ok(None),
            Part::Validation => Ok(self.split(self.read_all(place)?)?.1),
        }
    }

    /// The part that these data are, by the SHA-256 of their file: the test data, or, if all of it was
    /// trained on, the training data.
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

    /// The part that the run's model is judged by: the test data; else the validation examples; else,
    /// as there are no others, the training data.
    pub fn judged_by(&self) -> Part {
        if self.test_data.is_some() || self.data.has_test_split() {
            Part::Test
        } else if self.validation > 0 {
            Part::Validation
        } else {
            Part::Train
        }
    }

    /// The part that the run is watched by while it is trained: validation examples come first, as
    /// whoever chooses by the test data has none left to judge by.
    pub fn watched_by(&self) -> Part {
        if self.validation > 0 { Part::Validation } else { self.judged_by() }
    }
}

/// Refuses data whose file is not the one that was asked for, or not there any more; the setting `place`
/// says where it is.
fn expect(
    place: &'static str,
    dataset: Result<Dataset>,
    sha256: Option<&String>,
) -> Result<Dataset> {
    let remedy = Remedy::of(place);
    let dataset = match (dataset, sha256) {
        (Err(Error::Io { path, action, cause }), Some(_)) => {
            let rule = format!("cannot {action}: {cause}");
            return Err(Error::Elsewhere { path, rule, remedy });
        }
        (dataset, _) => dataset?,
    };
    match (dataset.sha256(), sha256) {
        (found, Some(expected)) if found != Some(expected) => {
            let rule = format!(
                "has the SHA-256 {}, but the run was made with {expected}, which only a new run can \
                 change",
                found.unwrap_or("of no file")
            );
            Err(Error::Elsewhere { path: PathBuf::from(dataset.name()), rule, remedy })
        }
        _ => Ok(dataset),
    }
}
