//! `harmonium completions`.

use super::help;
use super::output::print;
use crate::error::Result;
use clap::Args;
use clap_complete::Shell;

#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub fn run(self) -> Result<()> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut help::command(), "harmonium", &mut script);
        print(String::from_utf8_lossy(&script).trim_end())
    }
}
