//! The effective couplings of a run's model, for its page.

use crate::checkpoint::model_of;
use crate::dataset::{Columns, Encoding};
use crate::evaluate::couplings::{Couplings, CouplingsConfig, Gaps, SitePair};
use crate::kernels::Isa;
use crate::model::ModelFile;
use crate::watch::Watch;
use ndarray::Array2;
use std::path::Path;

/// The most sites of a picture.
const MOST_SITES: usize = 400;

/// The most V² H of a model whose couplings are computed for a page: some seconds.
const MOST_WORK: usize = 1 << 25;

/// How strongly the sites of a model are coupled.
#[derive(Clone, Debug)]
pub struct SiteCouplings {
    pub columns: Columns,
    /// Whether all sites are bits, whose scores are couplings of spins.
    pub are_bits: bool,
    /// Whether scores leave out the gap of sequences.
    pub leave_gaps_out: bool,
    /// [`Couplings::scores`] (sites, sites).
    pub scores: Array2<f64>,
    /// All pairs, the strongest first.
    pub pairs: Vec<SitePair>,
}

impl SiteCouplings {
    /// Those of the model of a run; `None` if it has no model, or one of images or of too many sites.
    pub fn of_run(folder: &Path) -> Option<Self> {
        let ModelFile { rbm, provenance, .. } = ModelFile::read(&model_of(folder).ok()?.0).ok()?;
        let units = rbm.visible_units();
        let n_sites = units.n_sites();
        let work = rbm.n_visible().saturating_pow(2).saturating_mul(rbm.n_hidden());
        let is_shown = provenance.image_shape.is_none()
            && (2..=MOST_SITES).contains(&n_sites)
            && work <= MOST_WORK;
        if !is_shown {
            return None;
        }
        let columns = Columns::recorded(&provenance.data, units).ok()?;
        let config = CouplingsConfig::default();
        let found = Couplings::of(&rbm, config, Isa::fastest(), Watch::default()).ok()?;
        let encoding = Encoding::recorded(&provenance.data).ok()?;
        let found = found.with_gaps(Gaps::default(), encoding.columns());
        let (scores, pairs) = (found.scores(), found.strongest());
        let (are_bits, leave_gaps_out) = (units.are_bits(), !found.left_out.is_empty());
        Some(Self { columns, are_bits, leave_gaps_out, scores, pairs })
    }
}
