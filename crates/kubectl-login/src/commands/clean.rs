//! `clean`: removes every session on this host, as int128/kubelogin's command of that name does.
//! Never notifies an issuer: `logout --all` does.

use clap::{ArgMatches, Command};
use login_cache::{sessions, store::Directory};

use super::chosen;
use crate::{
    report::{Failure, NotWritten},
    system::{
        System,
        keyring::{self, Prompt},
    },
};

/// Its arguments.
pub fn definition() -> Command {
    chosen::with_options(Command::new("clean"))
        .hide(true)
        .about("Forget every session on this machine without revoking it at its issuer")
        .after_help("`logout --all` also ends them at their issuers.")
}

/// Removes all sessions.
pub fn run(system: &System<'_>, matches: &ArgMatches) -> Result<(), Failure> {
    let Some(directory) = chosen::cache_directory(system, matches)? else {
        system.terminal.say("No session was kept.");
        return Ok(());
    };
    let directory = Directory::new(directory);
    let secrets = keyring::refresh_secrets(system.environment, &directory, Prompt::Answered);
    let records = sessions::list(&directory);
    for record in &records {
        sessions::forget(&secrets, &record.key).map_err(|error| NotWritten {
            what: format!("the end of the session at {}", record.issuer),
            source: std::io::Error::other(error),
        })?;
    }
    system.terminal.say(&match records.len() {
        0 => "No session was kept.".to_owned(),
        1 => "One session was forgotten; it was not revoked at its issuer.".to_owned(),
        count => {
            format!("{count} sessions were forgotten; they were not revoked at their issuers.")
        }
    });
    Ok(())
}
