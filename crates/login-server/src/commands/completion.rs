//! `completion`: a script for the operator's shell.
//! Never writes the shell's files; the operator decides where the script goes.

use clap::Args;
use clap_complete::Shell;

use crate::report::{Failure, print};

#[derive(Args, Debug)]
pub(super) struct Completion {
    /// Which shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completion {
    pub(super) fn run(self, mut command: clap::Command) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "login-server", &mut script);
        print(&String::from_utf8_lossy(&script))
    }
}
