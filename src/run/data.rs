//! The examples of a run, and the names of their parts.

use super::config::DataConfig;
use crate::dataset::{
    Beside, Binarization, Categories, Classes, ColumnSource, DataBeside, Dataset, Encoding,
    Examples, Found, MissingMask, Source, Split,
};
use crate::error::{Error, Remedy, Result};
use crate::evaluate::number_means;
use crate::setting::{by_name, check};
use crate::watch::Watch;
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
    pub held_out: Option<Arc<Examples>>,
    /// The origin of the data, for the model file.
    pub provenance: Map<String, Value>,
    /// The files of the training data.
    pub files: Files,
    /// The files of the test data.
    pub test_files: Files,
    /// The meaning of integers.
    pub encoding: Encoding,
    /// Notes for the user: on the encoding, if it was inferred, and on missing values.
    pub notes: Vec<String>,
}

/// Where data and what belongs to their rows were found.
#[derive(Clone, Debug, Default)]
pub struct Files {
    /// The SHA-256 of the file of the data, if they have one.
    pub sha256: Option<String>,
    /// The labels.
    pub labels: Option<FoundAt>,
    /// The weights.
    pub weights: Option<FoundAt>,
    /// The SHA-256 of the mask of missing values.
    pub missing_mask_sha256: Option<String>,
}

/// Where labels or weights were found: a file with its SHA-256, or a column.
pub type FoundAt = Found<()>;

impl Data {
    /// Reads the data and binarizes them.
    ///
    /// # Errors
    /// Errors of reading the files; [`Error::Elsewhere`] if a file does not have the SHA-256 of the
    /// settings.
    pub fn read(config: &DataConfig, binarize: Binarization, watch: Watch<'_>) -> Result<Self> {
        let (all, files) = config.training().read(config, config.encoding()?, config.beside())?;
        // Equal integers, labels and columns must mean the same in both.
        let classes = all.labels().map(|labels| labels.classes().clone());
        let mut facts = Beside::facts(files.labels.as_ref(), files.weights.as_ref());
        // Where columns have names, those that an encoding left out are known, too.
        let has_names = all.columns().is_some_and(|columns| columns.header().is_some());
        let of_training = match has_names {
            true => Beside { ignored: &config.ignore, ..config.beside() },
            false => config.beside(),
        };
        facts.extend(of_training.facts_of_others());
        facts.extend(Beside::unit_names_fact(&all));
        let beside = Beside::default().for_model(&facts, classes.as_ref());
        let test = config.test().map(|test| test.read(config, all.encoding(), beside));
        let (test, test_files) = test.transpose()?.unzip();
        let test_files = test_files.unwrap_or_default();
        let test_name = test.as_ref().map_or("", Dataset::name);
        let test_note = match (&files.weights, &test_files.weights) {
            (_, Some(found)) => found.column_note(test_name, "weights"),
            (Some(_), None) if test.is_some() => {
                Some(format!("{test_name}: all rows count alike; those of training have weights"))
            }
            (_, None) => None,
        };
        let inferred = all.inferred().or(test.as_ref().and_then(Dataset::inferred));
        let of_column = |weights: &FoundAt| weights.column_note(all.name(), "weights");
        let column = files.weights.as_ref().and_then(of_column);
        let mut notes: Vec<_> = inferred.into_iter().chain(column).chain(test_note).collect();
        let encoding =
            test.as_ref().map_or(all.encoding(), |test| all.encoding().or(test.encoding()));
        if let Some(test) = &test {
            test.check_width(all.n_visible(), "the training data")?;
        }
        notes.extend(all.marks_note());
        let (all, empty) = all.with_values()?;
        let (test, test_empty) = match test.map(Dataset::with_values).transpose()? {
            Some((test, empty)) => (Some(test), empty),
            None => (None, None),
        };
        notes.extend(empty.into_iter().chain(test_empty));
        let (training, validation) = config.split(all, watch)?;
        let held_out = validation.or(test);
        for part in [Some(&training), held_out.as_ref()].into_iter().flatten() {
            notes.extend(part.missing_note().into_iter().chain(part.unlabelled_note()));
        }
        if config.categories == Some(Categories::Auto) {
            notes.extend(training.scale_note());
        }
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
        provenance.extend(facts);
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
        let training = Arc::new(binarized(training));
        let held_out = held_out.map(|held_out| Arc::new(binarized(held_out)));
        if let Some(n_given) = number_means::n_given(&training) {
            provenance.insert(number_means::N_GIVEN.to_string(), json!(n_given));
        }
        Ok(Self { training, held_out, provenance, files, test_files, encoding, notes })
    }
}

/// A file of a run: the setting that names it, its place, and the SHA-256 that it must have.
struct Fixed<'a, T> {
    setting: &'static str,
    at: Option<&'a T>,
    sha256: Option<&'a String>,
    /// Whether only `harmonium resume` can name another place, not the command that reads it.
    is_of_run: bool,
}

/// The settings of the training data or of the test data.
struct Given<'a> {
    data: Fixed<'a, Source>,
    split: Split,
    labels: Fixed<'a, ColumnSource>,
    weights: Fixed<'a, ColumnSource>,
    mask: Fixed<'a, PathBuf>,
}

impl<'a, T> Fixed<'a, T> {
    fn of(setting: &'static str, at: Option<&'a T>, sha256: &'a Option<String>) -> Self {
        Self { setting, at, sha256: sha256.as_ref(), is_of_run: false }
    }

    /// The same file, read by a command on the run.
    fn of_run(self) -> Self {
        Self { is_of_run: true, ..self }
    }

    /// Refuses what was found in a file `name` with another SHA-256.
    fn check(&self, name: &str, found: Option<&str>) -> Result<()> {
        match self.sha256 {
            Some(expected) if found != Some(expected) => {
                let found = found.map_or("no SHA-256".into(), |sum| format!("the SHA-256 {sum}"));
                let rule = format!(
                    "has {found}, but the run was made with SHA-256 {expected}, which only a new run can change"
                );
                Err(self.elsewhere(name.into(), rule))
            }
            _ => Ok(()),
        }
    }

    /// The error for a file that is not what it was.
    fn elsewhere(&self, path: PathBuf, rule: String) -> Error {
        if self.is_of_run {
            let flag = self.setting.replace('_', "-");
            let rule = format!(
                "{rule}; give the run the path of that file with `harmonium resume RUN --{flag} PATH`"
            );
            return Error::Unsuitable { path, rule };
        }
        Error::Elsewhere { path, rule, remedy: Remedy::of(self.setting) }
    }

    /// The error for a file that cannot be read. One of a known SHA-256 may have moved.
    fn moved(&self, error: Error) -> Error {
        match error {
            Error::Io { path, action, cause } if self.sha256.is_some() => {
                self.elsewhere(path, format!("cannot {action}: {cause}"))
            }
            error => error,
        }
    }
}

impl Fixed<'_, ColumnSource> {
    fn is_at(&self, file: &Path) -> bool {
        matches!(self.at, Some(ColumnSource::File(path)) if path == file)
    }

    /// Where values were found. Their file must have the SHA-256 of the settings.
    fn found<T>(&self, found: Option<&Found<T>>) -> Result<Option<FoundAt>> {
        let Some(Found { source, sha256, .. }) = found else { return Ok(None) };
        self.check(&source.to_string(), sha256.as_deref())?;
        Ok(Some(Found { values: (), source: source.clone(), sha256: sha256.clone() }))
    }
}

impl Given<'_> {
    /// Reads the data as the settings say, with what belongs to their rows; `known` is what is known of training.
    fn read(
        &self,
        config: &DataConfig,
        encoding: Encoding,
        known: Beside<'_>,
    ) -> Result<(Dataset, Files)> {
        let Self { data, split, labels, weights, mask } = self;
        let source = data.at.expect("data");
        let found_mask = mask.at.map(|path| MissingMask::read(path)).transpose();
        let found_mask = found_mask.map_err(|error| mask.moved(error))?;
        let mask_sha256 = found_mask.as_ref().map(|found| found.sha256().to_string());
        if let Some(path) = mask.at {
            mask.check(&path.display().to_string(), mask_sha256.as_deref())?;
        }
        if *source == Source::Stdin && data.sha256.is_some() {
            let rule = "held the data when the run began, and cannot be read again".to_string();
            return Err(data.elsewhere("standard input".into(), rule));
        }
        let mask = found_mask.as_ref();
        let weighs_as_training = true;
        let beside =
            Beside { labels: labels.at, weights: weights.at, mask, weighs_as_training, ..known };
        let found = source.read_beside(*split, encoding, beside).map_err(|error| match &error {
            Error::Io { path, .. } if labels.is_at(path) => labels.moved(error),
            Error::Io { path, .. } if weights.is_at(path) => weights.moved(error),
            _ => data.moved(error),
        })?;
        data.check(found.dataset.name(), found.dataset.sha256())?;
        let files = Files {
            sha256: found.dataset.sha256().map(str::to_string),
            labels: labels.found(found.labels.as_ref())?,
            weights: weights.found(found.weights.as_ref())?,
            missing_mask_sha256: mask_sha256,
        };
        let dataset = config.prepare(found.dataset)?;
        Ok((DataBeside { dataset, ..found }.joined()?, files))
    }
}

impl DataConfig {
    /// The training data, including the validation examples.
    fn training(&self) -> Given<'_> {
        Given {
            data: Fixed::of("data", Some(&self.data), &self.sha256),
            split: Split::Train,
            labels: Fixed::of("labels", self.labels.as_ref(), &self.labels_sha256),
            weights: Fixed::of("weights", self.weights.as_ref(), &self.weights_sha256),
            mask: Fixed::of("missing_mask", self.missing_mask.as_ref(), &self.missing_mask_sha256),
        }
    }

    /// The test data, if there are any: `test_data`, or those that come with the data.
    fn test(&self) -> Option<Given<'_>> {
        let own = Some(&self.data).filter(|data| data.has_test_split());
        let at = Some(self.test_data.as_ref().or(own)?);
        // Without labels of training those of the test data have no meaning.
        let labels = self.test_labels.as_ref().filter(|_| self.labels.is_some());
        let (mask, mask_sha256) = (self.test_missing_mask.as_ref(), &self.test_missing_mask_sha256);
        Some(Given {
            data: Fixed::of("test_data", at, &self.test_sha256),
            split: Split::Test,
            labels: Fixed::of("test_labels", labels, &self.test_labels_sha256),
            weights: Fixed::of("weights", None, &None),
            mask: Fixed::of("test_missing_mask", mask, mask_sha256),
        })
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

    /// Reads one part of the data as a model records them in `facts`, with a note for the user on examples without any
    /// value, which are left out as in training; `None` if the run has no such part.
    /// Errors name the setting `data` as the remedy for data that have moved, and `harmonium resume` as that for
    /// what belongs to their rows.
    ///
    /// # Errors
    /// Errors of reading the file; [`Error::Elsewhere`] if it does not have the SHA-256 of the settings, or
    /// [`Error::Unsuitable`] if those of the labels, the weights or the mask do not.
    pub fn read_part(
        &self,
        part: Part,
        facts: &Map<String, Value>,
    ) -> Result<Option<(Dataset, Option<String>)>> {
        let recorded = Encoding::recorded(facts)?;
        let classes = Classes::recorded(facts)?;
        let known = Beside::default().for_model(facts, classes.as_ref());
        let read = |given: Given<'_>| {
            // A command that reads a run's data names other data by `data`.
            let data = Fixed { setting: "data", ..given.data };
            let encoding = recorded.clone().or(self.encoding()?);
            let (labels, weights) = (given.labels.of_run(), given.weights.of_run());
            let given = Given { data, labels, weights, mask: given.mask.of_run(), ..given };
            given.read(self, encoding, known).map(|(all, _)| all)
        };
        // As in training.
        let read = |given| read(given)?.with_values();
        if part == Part::Test {
            return self.test().map(read).transpose();
        }
        let (all, empty) = read(self.training())?;
        let (training, validation) = self.split(all, Watch::default())?;
        let found = if part == Part::Train { Some(training) } else { validation };
        Ok(found.map(|found| (found, empty)))
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
        let is_whole_test = self.test_missing_mask.is_none() && self.test_labels.is_none();
        if is_whole_test && is(&self.test_sha256) {
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
