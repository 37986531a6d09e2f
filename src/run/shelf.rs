//! The data of several runs in one process, which are in memory once.

use super::config::DataConfig;
use super::data::Data;
use crate::dataset::Binarization;
use crate::error::Result;
use crate::watch::Watch;
use std::sync::{Mutex, PoisonError};

/// Data that were read. Equal settings give the same data.
#[derive(Debug, Default)]
pub(crate) struct Shelf(Mutex<Vec<Kept>>);

#[derive(Debug)]
struct Kept {
    config: DataConfig,
    binarize: Binarization,
    data: Data,
}

impl Shelf {
    /// The data of a run, as [`Data::read`] reads them. A run that needs data that another reads waits for them.
    ///
    /// # Errors
    /// As [`Data::read`].
    pub fn read(
        &self,
        config: &DataConfig,
        binarize: Binarization,
        watch: Watch<'_>,
    ) -> Result<Data> {
        // A model to start from is no part of the data.
        let config = DataConfig { init: None, init_sha256: None, ..config.clone() };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = all.iter().find(|k| k.config == config && k.binarize == binarize) {
            return Ok(kept.data.clone());
        }
        let data = Data::read(&config, binarize, watch)?;
        all.push(Kept { config, binarize, data: data.clone() });
        Ok(data)
    }

    /// Keeps data under the settings that a run has recorded of them, too.
    pub fn keep(&self, config: &DataConfig, binarize: Binarization, data: &Data) {
        let config = DataConfig { init: None, init_sha256: None, ..config.clone() };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(Kept { config, binarize, data: data.clone() });
    }
}
