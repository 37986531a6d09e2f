//! Saving and restoring an ascent: a restored one continues to the same bits.

use super::ascent::Ascent;
use super::outset::Outset;
use super::range::Range;
use super::timetable::Timetable;
use crate::error::Result;
use crate::kernels::Isa;
use crate::model::Rbm;
use crate::state::{State, bad};
use crate::units::Units;

impl Ascent {
    /// An ascent that continues from the [`state`](Self::state) of another with the same settings.
    ///
    /// # Errors
    /// [`Error::BadState`](crate::Error::BadState) if the state does not come from such a run.
    pub(super) fn restore(
        timetable: Timetable,
        outset: &Outset,
        state: &State,
        isa: Isa,
    ) -> Result<Self> {
        let hidden = Units::bits(timetable.config.n_hidden());
        let rbm = Rbm::restore("", state, [&outset.units, &hidden])?;
        let range = Range::restore(state, outset.scale(hidden.n_units()))?;
        let mut ascent = Self::within(timetable, outset, &rbm, range, isa)?;
        ascent.updates = state.get_one("updates")?;
        if ascent.updates > ascent.timetable().total_updates {
            let rule =
                format!("is above the {} updates of the run", ascent.timetable().total_updates);
            return Err(bad("updates", rule));
        }
        ascent.optimizer.restore(state)?;
        ascent.gradient.restore(state, hidden.n_units())?;
        ascent.negative.restore(&ascent.parameters.fixed, state)?;
        if let Some(completion) = &mut ascent.completion {
            completion.restore(state)?;
        }
        if let Some(average) = &mut ascent.average {
            average.restore(state)?;
        }
        // Saving again finds arrays that are missing, superfluous or of another shape.
        match ascent.state().difference(state) {
            None => Ok(ascent),
            Some(name) => Err(bad(&name, "does not fit a run with these settings")),
        }
    }

    /// Everything on which the next updates depend, apart from settings and mini-batches.
    pub fn state(&self) -> State {
        let mut state = State::default();
        self.parameters.exact.save("", &mut state);
        state.put("updates", &[1], vec![self.updates]);
        self.range.save(&mut state);
        self.optimizer.save(&mut state);
        self.gradient.save(&mut state, self.parameters.fixed.n_hidden());
        self.negative.save(&mut state);
        if let Some(completion) = &self.completion {
            completion.save(&mut state);
        }
        if let Some(average) = &self.average {
            average.save(&mut state);
        }
        state
    }
}
