//! The commands: one file and one row each.
//! Never implements a protocol: commands combine options, renewal and output.

pub mod command_line;
pub mod examples;

pub mod chosen;
pub mod cluster;
pub mod failure;
pub mod session_state;

pub mod doctor;
pub mod get_token;
pub mod login;
pub mod logout;
pub mod server;
pub mod setup;
pub mod status;
pub mod user_entry;
pub mod whoami;

pub mod clean;
pub mod convert;

pub mod completion;
pub mod man;
pub mod version;

use clap::{ArgMatches, Command};

use crate::{report::Failure, system::System};

/// A command.
pub struct Entry {
    /// Its name, arguments and help.
    pub definition: fn() -> Command,
    /// Runs it.
    pub run: fn(&System<'_>, &ArgMatches) -> Result<(), Failure>,
}

// recipe: command of the client
/// Every command, in the order of the help text.
pub static COMMANDS: &[Entry] = &[
    Entry { definition: get_token::definition, run: get_token::run },
    Entry { definition: login::definition, run: login::run },
    Entry { definition: logout::definition, run: logout::run },
    Entry { definition: status::definition, run: status::run },
    Entry { definition: whoami::definition, run: whoami::run },
    Entry { definition: doctor::definition, run: doctor::run },
    Entry { definition: setup::definition, run: setup::run },
    Entry { definition: convert::definition, run: convert::run },
    Entry { definition: clean::definition, run: clean::run },
    Entry { definition: completion::definition, run: completion::run },
    Entry { definition: man::definition, run: man::run },
    Entry { definition: version::definition, run: version::run },
];
