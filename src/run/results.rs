//! What a run ends with: the model and, for images, pictures of its filters and of its chains.

use super::files::{FILTERS, LAST_MODEL, MODEL, SAMPLES};
use super::folder::Folder;
use crate::error::Result;
use crate::model::ModelFile;
use crate::monitor::Writer;
use crate::pictures::{self, Grey};
use crate::train::Trainer;
use crate::whole_file;

/// Most images of a picture.
const MOST_IMAGES: usize = 150;

/// Sweeps from the data to the pictures of samples that contrastive divergence leaves.
pub const CD_SWEEPS: usize = 1000;

/// Writes the results of a run whose model is `model`: that of the trainer, or the best there was.
///
/// # Errors
/// As [`Writer::write`].
pub fn write(folder: &Folder, trainer: &Trainer, model: ModelFile, writer: &Writer) -> Result<()> {
    if let Some(shape) = model.provenance.image_shape {
        let filters = pictures::filters(&model.rbm, shape, MOST_IMAGES);
        writer.write(folder.join(FILTERS), filters)?;
        let (mut chains, weights) = (trainer.chains().clone(), trainer.fixed_weights());
        if !trainer.config().algorithm.chains_are_samples() {
            // They are near the last mini-batch: lead them to the model.
            (0..CD_SWEEPS).for_each(|_| chains.sweep(&weights));
        }
        let chains = chains.hidden();
        let chains = chains.rows(0..chains.n_rows().min(MOST_IMAGES));
        let shown = weights.visible_given_hidden().means(&chains)?;
        let samples = pictures::grid(shown.view(), shape, Grey::Unit);
        writer.write(folder.join(SAMPLES), samples)?;
    }
    let last_model = folder.join(LAST_MODEL);
    if trainer.average().is_some() {
        let last = ModelFile { rbm: trainer.current(), ..model.clone() };
        writer.write(last_model, last.to_bytes())?;
    } else {
        // An average that begins anew under another plan leaves one behind.
        writer.send(move || whole_file::remove(&last_model))?;
    }
    writer.write(folder.join(MODEL), model.to_bytes())
}
