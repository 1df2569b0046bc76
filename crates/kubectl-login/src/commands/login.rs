//! `login`: signs in now, for the given options, for the current context's user, or at a server.
//! Never prints a token; reports on stderr who signed in and until when.

use clap::{Arg, ArgMatches, Command};
use login_protocols::oauth2::error::presentable;

use super::{
    chosen::{self, Chosen},
    server, user_entry,
};
use crate::{options::target::Target, renewal::Renewal, report::Failure, system::System};

/// Its arguments.
pub fn definition() -> Command {
    let command = user_entry::with_options(chosen::with_options(Command::new("login")));
    let command = ["name", "replace", "dry-run"].into_iter().fold(command, |command, option| {
        command.mut_arg(option, |argument| argument.requires("server"))
    });
    command
        .about("Sign in now, with these options or those of the current context's user")
        .mut_arg("context", |context| {
            context.help(
                "The kubeconfig context whose user is meant [default: the current one]; with a \
                 server's address, the one that shall use the new entry",
            )
        })
        .arg(Arg::new("server").value_name("SERVER-URL").conflicts_with("client-id").help(
            "The address of a login-server: learn from it where and how to sign in, and \
                     write that into the kubeconfig",
        ))
}

/// Signs in.
pub fn run(system: &System<'_>, matches: &ArgMatches) -> Result<(), Failure> {
    if let Some(address) = matches.get_one::<String>("server") {
        return server::run(system, matches, address);
    }
    let chosen = Chosen::of(system, matches)?;
    chosen.within(system, |system| sign_in(system, &chosen.target))
}

/// Signs in and reports it.
pub fn sign_in(system: &System<'_>, target: &Target) -> Result<(), Failure> {
    let issued = Renewal::new(system, target, None).sign_in()?;
    let who = issued.name.map(|name| format!(" as `{}`", presentable(&name))).unwrap_or_default();
    let lasting =
        if issued.refresh_token.is_some() { ", renewed by itself after that" } else { "" };
    system.terminal.say(&format!(
        "Signed in to {}{who} until {}{lasting}.",
        target.issuer, issued.lifetime.valid_until
    ));
    Ok(())
}
