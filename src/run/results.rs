//! The results of a run: the model and, for images, pictures of its filters and samples.

use super::files::{FILTERS, LAST_MODEL, MODEL, SAMPLES};
use super::folder::Folder;
use crate::error::{Error, Result};
use crate::model::{ModelFile, Provenance};
use crate::monitor::Writer;
use crate::pictures::{self, Grey};
use crate::train::Trainer;
use crate::watch::Watch;
use crate::whole_file;

/// The largest number of images in a picture.
const MOST_IMAGES: usize = 150;

/// After contrastive divergence, the sweeps from the data to the samples that are shown.
pub const CD_SWEEPS: usize = 1000;

/// Writes the results of a run. `model` is the trainer's, or the best of the run. After contrastive
/// divergence, a run that is interrupted does not wait for samples to show, and has none.
///
/// # Errors
/// As [`Writer::write`].
pub fn write(
    folder: &Folder,
    trainer: &Trainer,
    model: ModelFile,
    writer: &Writer,
    watch: Watch<'_>,
) -> Result<()> {
    if let Some(shape) = model.provenance.image_shape {
        let filters = pictures::filters(&model.rbm, shape, MOST_IMAGES);
        writer.write(folder.join(FILTERS), filters)?;
        let (mut chains, weights) = (trainer.chains().clone(), trainer.fixed_weights());
        // Chains of contrastive divergence are near the last mini-batch; these sweeps lead them to the model.
        let are_samples = trainer.config().algorithm.chains_are_samples();
        let n_sweeps = if are_samples { 0 } else { CD_SWEEPS };
        let path = folder.join(SAMPLES);
        match (0..n_sweeps).try_for_each(|_| chains.sweep_watched(&weights, watch)) {
            // The discriminative objective needs no chains.
            Ok(()) if chains.n_chains() == 0 => {}
            Ok(()) => {
                let chains = chains.hidden();
                let chains = chains.rows(0..chains.n_rows().min(MOST_IMAGES));
                let shown = weights.visible_given_hidden().means(&chains)?;
                writer.write(path, pictures::grid(shown.view(), shape, Grey::Unit))?;
            }
            // Samples of an earlier session are not of this model.
            Err(Error::Interrupted) => writer.send(move || whole_file::remove(&path))?,
            Err(error) => return Err(error),
        }
    }
    let last_model = folder.join(LAST_MODEL);
    if trainer.average().is_some() {
        // The last parameters are not the best ones.
        let provenance = Provenance { best_epoch: None, ..model.provenance.clone() };
        let last = ModelFile { rbm: trainer.current(), provenance, ..model.clone() };
        writer.write(last_model, last.to_bytes())?;
    } else {
        // If a new plan restarts the average, the file of the earlier one is still there.
        writer.send(move || whole_file::remove(&last_model))?;
    }
    writer.write(folder.join(MODEL), model.to_bytes())
}
