//! What a run ends with: the model and, for images, pictures of its filters and of its chains.

use super::folder::{Folder, LAST_MODEL, MODEL};
use crate::error::Result;
use crate::gibbs::Image;
use crate::model::{ModelFile, Provenance, Rbm};
use crate::monitor::Writer;
use crate::monitor::pictures::{self, Grey};
use crate::train::{Algorithm, Trainer};
use crate::whole_file;

/// Most images of a picture.
const MOST_IMAGES: usize = 150;

/// Sweeps from the data to the pictures of samples that contrastive divergence leaves.
pub const CD_SWEEPS: usize = 1000;

/// Writes the results of a run whose model is `best` or, without it, that of the trainer.
///
/// # Errors
/// As [`Writer::write`].
pub fn write(
    folder: &Folder,
    trainer: &Trainer,
    best: Option<&Rbm>,
    provenance: &Provenance,
    writer: &Writer,
) -> Result<()> {
    let last = trainer.model();
    let rbm = best.unwrap_or(&last);
    if let Some(shape) = provenance.image_shape {
        writer.write(folder.join("filters.png"), pictures::filters(rbm, shape, MOST_IMAGES))?;
        let mut chains = trainer.chains().clone();
        if trainer.config().algorithm == Algorithm::Cd {
            // They are near the last mini-batch: lead them to the model.
            let image = Image::new(&last)?;
            (0..CD_SWEEPS).for_each(|_| chains.sweep(&image));
        }
        let chains = chains.hidden();
        let shown = last.mean_visible(&chains.rows(0..chains.n_rows().min(MOST_IMAGES)))?;
        let samples = pictures::grid(shown.view(), shape, Grey::Unit);
        writer.write(folder.join("samples.png"), samples)?;
    }
    let file = |rbm: &Rbm| ModelFile { rbm: rbm.clone(), provenance: provenance.clone() };
    let last_model = folder.join(LAST_MODEL);
    if trainer.average().is_some() {
        writer.write(last_model, file(&trainer.rbm()).to_bytes())?;
    } else {
        // An average that begins anew under another plan leaves one behind.
        writer.send(move || whole_file::remove(&last_model))?;
    }
    writer.write(folder.join(MODEL), file(rbm).to_bytes())
}
