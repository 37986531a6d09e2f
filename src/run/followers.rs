//! A run on several ranks: rank 0 has the folder and leads, the others get settings and state from it, and read the
//! data for themselves.

use super::config::{RunConfig, Session};
use super::data::Data;
use super::files::SETTINGS;
use super::settings::{Settings, SettingsFile};
use crate::dataset::Source;
use crate::error::{Error, Result};
use crate::layout::SIDE;
use crate::monitor::Monitor;
use crate::ranks::Ranks;
use crate::setting::check;
use crate::state::State;
use crate::threads::in_pool;
use crate::train::Trainer;
use std::path::Path;

/// The name of the state on its way to the others.
const KEY: &str = "harmonium";

/// What updates are for: the run, or a trial of its speed.
const RUN: &[u8] = b"run";
const TRIAL: &[u8] = b"trial";

/// Refuses, before anything is read, what several ranks cannot do.
pub fn check_settings(settings: &Settings, session: &Session) -> Result<()> {
    if !session.ranks.are_several() {
        return Ok(());
    }
    let data = &settings.data.data;
    check("data", data, *data != Source::Stdin, || {
        "a file, which each rank reads, with several ranks".to_string()
    })
}

/// The trainer of a rank: what follows the course of the parameters needs them whole.
fn spread(trainer: Trainer, run: &RunConfig, ranks: &Ranks) -> Trainer {
    let trainer = trainer.spread(ranks.clone());
    match (run.ladder, run.online_log_z) {
        (None, None) => trainer,
        _ => trainer.keep_whole(),
    }
}

/// Begins the updates of rank 0 together with the others.
pub fn lead(
    trainer: Trainer,
    settings: &Settings,
    session: &Session,
    monitors: &mut [&mut dyn Monitor],
) -> Result<Trainer> {
    let ranks = &session.ranks;
    if !ranks.are_several() {
        return Ok(trainer);
    }
    let (n_ranks, n_panels) = (ranks.size(), trainer.config().n_hidden().div_ceil(SIDE));
    let mut note =
        format!("{n_ranks} ranks, this one with {}", threads(rayon::current_num_threads()));
    if n_ranks > n_panels {
        note += &format!(
            "; weights are split by 64 hidden units, so those from rank {n_panels} on have none"
        );
    }
    monitors.iter_mut().for_each(|monitor| monitor.note(&note));
    tell(trainer, settings, ranks, RUN)
}

/// Begins updates of rank 0 together with the others before the run, which then still wait for it.
pub fn lead_trial(trainer: Trainer, settings: &Settings, session: &Session) -> Result<Trainer> {
    session.ranks.all(Ok(()))?;
    tell(trainer, settings, &session.ranks, TRIAL)
}

/// Sends the others what they need to hold the same trainer.
fn tell(trainer: Trainer, settings: &Settings, ranks: &Ranks, purpose: &[u8]) -> Result<Trainer> {
    // With the plan that the trainer follows now.
    let settings = Settings { train: trainer.config().clone(), ..settings.clone() };
    ranks.tell(purpose.to_vec())?;
    ranks.tell(settings.to_toml(None).into_bytes())?;
    ranks.tell(trainer.state().to_safetensors(KEY, String::new()))?;
    ranks.all(Ok(()))?;
    Ok(spread(trainer, &settings.run, ranks))
}

fn threads(n: usize) -> String {
    if n == 1 { "1 thread".to_string() } else { format!("{n} threads") }
}

/// The work of a rank above 0: it does what rank 0 asks until the session is over.
///
/// # Errors
/// [`Error::Ranks`] if another rank fails; those of reading the data. A training that diverges is no error here, as
/// rank 0 reports it.
pub fn follow(session: &Session) -> Result<()> {
    in_pool(session.threads, || {
        let ranks = &session.ranks;
        loop {
            if ranks.all(Ok(())).is_err() {
                // Rank 0 could not begin, and says why.
                return Ok(());
            }
            let is_trial = ranks.tell(Vec::new())? == TRIAL;
            let settings = ranks.tell(Vec::new())?;
            let state = ranks.tell(Vec::new())?;
            let trainer = ranks.all(trainer(&settings, &state, session))?;
            match trainer.follow(&|| session.interrupt.wish()) {
                Ok(()) | Err(Error::Diverged { .. }) if is_trial => {}
                Err(Error::Diverged { .. }) => return Ok(()),
                done => return done,
            }
        }
    })
}

/// The trainer of these settings in this state.
fn trainer(settings: &[u8], state: &[u8], session: &Session) -> Result<Trainer> {
    let garbled =
        |what: String| Error::Ranks { what: format!("rank 0 has sent no settings: {what}") };
    let text = std::str::from_utf8(settings).map_err(|cause| garbled(cause.to_string()))?;
    let Settings { data, train, run } = SettingsFile::parse(Path::new(SETTINGS), text)?.settings;
    let (state, _) = State::from_safetensors(KEY, state).map_err(garbled)?;
    let data = Data::read(&data, train.binarize, session.interrupt.watch())?;
    let trainer = Trainer::restore(train, data.training, &state, session.isa)?;
    Ok(spread(trainer, &run, &session.ranks))
}
