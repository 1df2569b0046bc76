//! `man`: manual pages, one per command.
//! Never overwrites anything but its own pages.

use std::path::PathBuf;

use clap::Args;

use crate::report::Failure;

#[derive(Args, Debug)]
pub(super) struct Man {
    /// An existing folder
    directory: PathBuf,
}

impl Man {
    pub(super) fn run(self, command: clap::Command) -> Result<(), Failure> {
        clap_mangen::generate_to(command, &self.directory).map_err(|fault| {
            let place = self.directory.display();
            Failure::runtime(format!("could not write manual pages into `{place}`")).because(&fault)
        })
    }
}
