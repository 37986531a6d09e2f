//! What the launcher of an MPI job says of its size, to programs that take part in the job and to those that do not.

use crate::error::Result;
use crate::setting::invalid;

/// The variables in which a launcher gives the number of processes, those of the innermost launcher first: Open MPI
/// starts its daemons by `srun`, and so does Hydra, the launcher of MPICH and Intel MPI.
const VARIABLES: [&str; 3] = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", STEP_SIZE];

/// The number of tasks of a step of Slurm. A batch script has `SLURM_NTASKS` and `SLURM_PROCID`, too, though it is
/// one process; only `srun` sets this one.
const STEP_SIZE: &str = "SLURM_STEP_NUM_TASKS";

/// Slurm gives the steps that it makes itself numbers from here on. One of them is the shell of `salloc`, which is one
/// process whatever the number of tasks.
const FIRST_STEP_OF_SLURM: u32 = 0xffff_fff0;

/// What a launcher says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Launch {
    /// The variable that says it.
    variable: &'static str,
    /// The number of processes.
    size: usize,
}

impl Launch {
    fn find(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let step = variable("SLURM_STEP_ID").and_then(|text| text.parse().ok());
        let is_launched = step.is_none_or(|step: u32| step < FIRST_STEP_OF_SLURM);
        let names = VARIABLES.into_iter().filter(|name| *name != STEP_SIZE || is_launched);
        names
            .filter_map(|name| Some(Self { variable: name, size: variable(name)?.parse().ok()? }))
            .next()
    }
}

/// The number of processes that the launcher has started, by the variables of the environment. `None` if none of them
/// says it, as for a program that was started alone.
///
/// ```
/// use harmonium::ranks::launcher::size;
/// assert_eq!(size(|name| (name == "PMI_SIZE").then(|| "4".to_string())), Some(4));
/// assert_eq!(size(|_| None), None);
/// ```
pub fn size(variable: impl Fn(&str) -> Option<String>) -> Option<usize> {
    Launch::find(variable).map(|launch| launch.size)
}

/// Checks that the processes of a launcher work on one run together. `asked` says whether this one was asked to take
/// part (`--mpi`), and `world` how many there are by MPI, once it is known.
///
/// # Errors
/// [`Error::InvalidSetting`](crate::Error::InvalidSetting) if it was asked and this build has no MPI, if it was not and
/// there are others, and if MPI knows fewer processes than the launcher.
pub fn check(asked: bool, world: Option<usize>) -> Result<()> {
    let launch = Launch::find(|name| std::env::var(name).ok());
    judge(asked && cfg!(not(feature = "mpi")), asked, world, launch)
}

fn judge(lacks_mpi: bool, asked: bool, world: Option<usize>, launch: Option<Launch>) -> Result<()> {
    if lacks_mpi {
        let rule = "false in this build, which has no MPI; build with `cargo build --release --features mpi`";
        return Err(invalid("mpi", true, rule));
    }
    let Some(Launch { variable, size }) = launch else { return Ok(()) };
    let refuse = |rule: String| Err(invalid(variable, size, rule));
    match world {
        _ if !asked && size > 1 => refuse(format!(
            "1 without --mpi, as {size} processes would do the same and write the same files; add --mpi for one run \
             on all of them, or unset {variable} for a run of each"
        )),
        // More than the launcher says are no harm: an old variable may have come from a shell.
        Some(world) if world < size => refuse(format!(
            "{world}, the number of processes that MPI knows: the launcher is not of the MPI that this program was \
             built with; use the mpirun of that MPI (for srun, `srun --mpi=list` names what can be given to --mpi), \
             or build the program anew with MPICC=the mpicc of the launcher's MPI"
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(environment: &[(&str, &str)]) -> Option<(&'static str, usize)> {
        let value = |name: &str| environment.iter().find(|(key, _)| *key == name);
        let launch = Launch::find(|name| value(name).map(|(_, value)| value.to_string()));
        launch.map(|launch| (launch.variable, launch.size))
    }

    #[test]
    fn the_innermost_launcher_says_the_size() {
        assert_eq!(found(&[]), None);
        let open_mpi = ("OMPI_COMM_WORLD_SIZE", "8");
        let step = [("SLURM_STEP_NUM_TASKS", "2"), ("SLURM_STEP_ID", "0"), ("SLURM_PROCID", "1")];
        assert_eq!(found(&[&step[..], &[open_mpi]].concat()), Some(("OMPI_COMM_WORLD_SIZE", 8)));
        assert_eq!(found(&[&step[..], &[("PMI_SIZE", "6")]].concat()), Some(("PMI_SIZE", 6)));
        assert_eq!(found(&step), Some(("SLURM_STEP_NUM_TASKS", 2)));
        assert_eq!(found(&[("PMI_SIZE", "many")]), None);
    }

    #[test]
    fn scripts_and_shells_of_slurm_are_one_process() {
        let script = [("SLURM_NTASKS", "16"), ("SLURM_PROCID", "0"), ("SLURM_JOB_ID", "7")];
        assert_eq!(found(&script), None);
        let shell = [("SLURM_STEP_NUM_TASKS", "16"), ("SLURM_STEP_ID", "4294967290")];
        assert_eq!(found(&shell), None);
        assert_eq!(found(&[&shell[..], &[("PMI_SIZE", "3")]].concat()), Some(("PMI_SIZE", 3)));
    }

    #[test]
    fn processes_that_do_not_work_together_are_refused() {
        let launch = Some(Launch { variable: "PMI_SIZE", size: 4 });
        let error = |lacks_mpi, asked, world, launch| {
            let error = judge(lacks_mpi, asked, world, launch).unwrap_err();
            assert!(error.is_misuse());
            error.to_string()
        };
        let found = error(true, true, None, None);
        assert!(found.starts_with("mpi is true, but must be false in this build"), "{found}");
        assert!(found.contains("--features mpi"), "{found}");
        let found = error(false, false, None, launch);
        assert!(found.starts_with("PMI_SIZE is 4, but must be 1 without --mpi"), "{found}");
        let found = error(false, true, Some(1), launch);
        assert!(found.starts_with("PMI_SIZE is 4, but must be 1, the number"), "{found}");
        let one = Some(Launch { variable: "PMI_SIZE", size: 1 });
        for (asked, world, launch) in [
            (false, None, None),
            (false, None, one),
            (true, None, launch),
            (true, Some(4), launch),
            (true, Some(4), one),
            (true, Some(4), None),
        ] {
            judge(false, asked, world, launch).unwrap();
        }
    }

    #[test]
    fn a_build_without_mpi_says_so() {
        assert_eq!(check(true, None).is_err(), cfg!(not(feature = "mpi")));
    }
}
