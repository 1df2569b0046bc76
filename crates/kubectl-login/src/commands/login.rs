//! `login`: signs in now, for the given options or for the current context's user.
//! Never prints a token; says on stderr who signed in and until when.

use clap::{ArgMatches, Command};
use login_protocols::oauth2::error::presentable;

use super::chosen::{self, Chosen};
use crate::{options::target::Target, renewal::Renewal, report::Failure, system::System};

/// Its arguments.
pub fn definition() -> Command {
    chosen::with_options(Command::new("login"))
        .about("Sign in now, with these options or those of the current context's user")
}

/// Signs in.
pub fn run(system: &System<'_>, matches: &ArgMatches) -> Result<(), Failure> {
    let chosen = Chosen::of(system, matches)?;
    chosen.within(system, |system| sign_in(system, &chosen.target))
}

/// Signs in and says so.
pub fn sign_in(system: &System<'_>, target: &Target) -> Result<(), Failure> {
    let issued = Renewal::new(system, target, false).sign_in()?;
    let who = issued.name.map(|name| format!(" as `{}`", presentable(&name))).unwrap_or_default();
    let lasting =
        if issued.refresh_token.is_some() { ", renewed by itself after that" } else { "" };
    system.terminal.say(&format!(
        "Signed in to {}{who} until {}{lasting}.",
        target.issuer, issued.lifetime.valid_until
    ));
    Ok(())
}
