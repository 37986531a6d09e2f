//! The examples of a run.

use super::config::DataConfig;
use crate::dataset::{Binarization, Dataset, Examples, Split};
use crate::error::{Error, Result};
use serde_json::{Map, Value, json};
use std::path::PathBuf;
use std::sync::Arc;

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
}

impl Data {
    /// Reads the data and makes bits of them.
    ///
    /// # Errors
    /// Whatever is wrong with the files; [`Error::Unsuitable`] for a file that has not the
    /// fingerprint that the settings ask for.
    pub fn read(config: &DataConfig, binarize: Binarization) -> Result<Self> {
        let prepared = |dataset: Dataset| {
            let dataset = if config.invert { dataset.inverted() } else { dataset };
            match config.image_shape {
                Some((rows, columns)) => dataset.with_image_shape(rows, columns),
                None => Ok(dataset),
            }
        };
        let sha256 = config.sha256.as_ref();
        let mut training = prepared(expect("data", config.data.read(), sha256)?)?;
        let test = match &config.test_data {
            Some(source) => Some(source.read_split(Split::Test)),
            None => config.data.has_test_split().then(|| config.data.read_split(Split::Test)),
        };
        let test = test
            .map(|test| prepared(expect("test-data", test, config.test_sha256.as_ref())?))
            .transpose()?;
        if let Some(test) = &test
            && test.n_visible() != training.n_visible()
        {
            return Err(Error::WidthMismatch {
                what: test.name().to_string(),
                found: test.n_visible(),
                other: "the training data",
                expected: training.n_visible(),
            });
        }
        let sha256 = |dataset: &Dataset| dataset.sha256().map(str::to_string);
        let sha256 = [sha256(&training), test.as_ref().and_then(sha256)];
        if let Some(limit) = config.limit {
            training = training.first(limit)?;
        }
        let mut held_out = test;
        if config.validation > 0 {
            let (rest, validation) = training.split_validation(config.validation)?;
            (training, held_out) = (rest, Some(validation));
        }
        let provenance = json!({
            "sha256": training.sha256(),
            "n_examples": training.n_examples(),
            "inverted": config.invert,
            "limit": config.limit,
            "validation": config.validation,
        });
        let Value::Object(provenance) = provenance else { unreachable!("an object, as written") };
        let binarized = |dataset| Examples::new(dataset, binarize);
        let (training, held_out) = (Arc::new(binarized(training)), held_out.map(binarized));
        Ok(Self { training, held_out, provenance, sha256 })
    }
}

/// Refuses data whose file is not the one that was asked for, or not there any more; `flag` says where
/// it is.
fn expect(flag: &str, dataset: Result<Dataset>, sha256: Option<&String>) -> Result<Dataset> {
    let dataset = match (dataset, sha256) {
        (Err(Error::Io { path, action, cause }), Some(_)) => {
            let rule = format!("cannot {action}: {cause}; say where the file is by --{flag}");
            return Err(Error::Unsuitable { path, rule });
        }
        (dataset, _) => dataset?,
    };
    match (dataset.sha256(), sha256) {
        (found, Some(expected)) if found != Some(expected) => {
            let rule = format!(
                "has the SHA-256 {}, but the run was made with {expected}; say where that file is by \
                 --{flag}, or train a new run on this one",
                found.unwrap_or("of no file")
            );
            Err(Error::Unsuitable { path: PathBuf::from(dataset.name()), rule })
        }
        _ => Ok(dataset),
    }
}
