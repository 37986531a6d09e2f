//! The ranks on which a command runs.

#[cfg(feature = "mpi")]
use crate::error::Error;
use crate::error::Result;
#[cfg(feature = "mpi")]
use crate::monitor::terminal;
use crate::ranks::{Ranks, launcher};
use crate::run;
use crate::setting::invalid;
use clap::Args;
use std::time::Duration;

#[derive(Clone, Copy, Debug, Args)]
pub struct RankFlags {
    /// Work together with the other processes of an MPI job, started by `mpirun -n 4 harmonium …` or `srun`; the result
    /// does not depend on their number
    #[arg(long)]
    mpi: bool,
    /// With *mpi*, end the job if the other processes do not answer for this time inside an update, as one was lost
    #[arg(long, value_name = "TIME", value_parser = time, default_value = "10m", requires = "mpi")]
    rank_timeout: Duration,
}

/// Does the work of a command on all ranks of its job, or on one. An error of one rank of several ends them all.
///
/// # Errors
/// Those of the launch, and of the work of a process that is alone.
pub fn on_ranks<T>(
    flags: &RankFlags,
    command: &str,
    work: impl FnOnce(Ranks) -> Result<T>,
) -> Result<T> {
    launcher::check(flags.mpi, None)?;
    #[cfg(feature = "mpi")]
    if flags.mpi {
        let (_job, ranks) = crate::ranks::mpi::Job::begin(flags.rank_timeout)?;
        if ranks.rank() > 0 {
            terminal::silence();
        }
        return match work(ranks.clone()) {
            Err(error) if ranks.are_several() => end_all(&error, ranks.rank(), command),
            done => done,
        };
    }
    let _ = (command, flags.rank_timeout);
    work(Ranks::default())
}

/// Ends the job with the error of this rank.
#[cfg(feature = "mpi")]
fn end_all(error: &Error, rank: usize, command: &str) -> ! {
    /// The time that a rank has to tell of its error, and to end all.
    const TURN: Duration = Duration::from_secs(2);
    // Rank 0 tells of an error that all have, and any rank of its own before others say that it failed.
    let (turns, who) = match (error, rank) {
        (Error::Ranks { .. }, _) => (2, format!("rank {rank}: ")),
        (_, 0) => (0, String::new()),
        _ => (1, format!("rank {rank}: ")),
    };
    std::thread::sleep(TURN * turns);
    eprintln!("error: {who}{}", super::door::message(error, Some(command)));
    crate::ranks::mpi::abort(super::exit_code(error).into())
}

/// A time such as `10m`.
fn time(text: &str) -> Result<Duration> {
    run::parse_time(text)
        .ok_or_else(|| invalid("rank_timeout", text, "above 0, such as 30s, 10m or 2h"))
}
