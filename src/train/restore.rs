//! How a run of training goes on: from its saved state to the same bits, or by another plan.

use super::config::TrainConfig;
use super::range::Range;
use super::trainer::{Trainer, scale};
use crate::dataset::Examples;
use crate::error::Result;
use crate::kernels::Isa;
use crate::model::Rbm;
use crate::setting::check;
use crate::state::{State, bad};
use std::sync::Arc;

impl Trainer {
    /// A run that goes on from the [`state`](Self::state) of one with the same settings on the same
    /// examples, to the same bits on every instruction set.
    ///
    /// # Errors
    /// [`Error::BadState`](crate::Error::BadState) if the state is not one of such a run, and as [`new`](Self::new).
    pub fn restore(
        config: TrainConfig,
        examples: impl Into<Arc<Examples>>,
        state: &State,
        isa: Isa,
    ) -> Result<Self> {
        let examples = examples.into();
        config.validate()?;
        let config = config.for_data(examples.n_examples(), examples.n_visible());
        let sizes = (examples.n_visible(), config.n_hidden());
        let rbm = Rbm::restore("", state, sizes)?;
        let range = Range::restore(state, scale(&examples, config.n_hidden()))?;
        let mut trainer = Self::start(config, examples, &rbm, isa, range)?;
        trainer.updates = state.take_one("updates")?;
        if trainer.updates > trainer.total_updates() {
            let rule = format!("is above the {} updates of the run", trainer.total_updates());
            return Err(bad("updates", rule));
        }
        trainer.optimizer.restore(state)?;
        trainer.gradient.restore(state, sizes.1)?;
        trainer.negative.restore(&trainer.parameters.fixed, state)?;
        if let Some(average) = &mut trainer.average {
            average.restore(state)?;
        }
        trainer.shuffle();
        // What is not taken back, or left over, would show in what is put now.
        match trainer.state().difference(state) {
            None => Ok(trainer),
            Some(name) => Err(bad(&name, "is not as a run with these settings has it")),
        }
    }

    /// All that the next updates depend on, beside settings and examples.
    pub fn state(&self) -> State {
        let mut state = State::default();
        self.parameters.exact.save("", &mut state);
        state.put("updates", &[1], vec![self.updates]);
        self.range.save(&mut state);
        self.optimizer.save(&mut state);
        self.gradient.save(&mut state, self.config.n_hidden());
        self.negative.save(&mut state);
        if let Some(average) = &self.average {
            average.save(&mut state);
        }
        state
    }

    /// The settings under which the run would go on for so many epochs in all.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`](crate::Error::InvalidSetting) if more epochs are done.
    pub fn plan(&self, epochs: usize) -> Result<TrainConfig> {
        let config = TrainConfig { epochs: Some(epochs), updates: None, ..self.config.clone() };
        let n_examples = self.examples.n_examples();
        config.validate()?;
        check("epochs", epochs, config.total_updates(n_examples) >= self.updates, || {
            format!("at least {}: so many are done or begun", self.n_epochs_begun())
        })?;
        Ok(config)
    }

    /// Plans the rest of the run anew, for so many epochs in all: schedule, sweeps and the tail of
    /// an average follow the new plan from the next update on.
    ///
    /// # Errors
    /// As [`plan`](Self::plan).
    pub fn replan(&mut self, epochs: usize) -> Result<()> {
        let config = self.plan(epochs)?;
        let n_examples = self.examples.n_examples();
        if let Some(average) = &mut self.average {
            average.replan(&config, n_examples, self.updates);
        }
        self.config = config;
        Ok(())
    }
}
