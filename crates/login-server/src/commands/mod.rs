//! The command line: one file per command.
//! Never holds a rule that a running server needs too.

mod administration;
mod check_config;
mod client;
mod completion;
mod dev;
pub mod explain;
mod man;
mod print;
mod serve;
mod user;
mod version;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};
use login_review::config::Problem;
use serde_json::Value;

use crate::{
    config::{
        document::API_VERSION,
        load::{Loaded, load},
    },
    report::{Failure, print, remark},
    system::tracked_files::TrackedFiles,
};

/// Tells kube-apiserver whose token it has, and can issue the tokens itself.
#[derive(Debug, Parser)]
#[command(name = "login-server", version, about, max_term_width = 100)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

// recipe: command of the server
#[derive(Debug, Subcommand)]
enum Command {
    /// Answer TokenReviews, and serve the embedded issuer if one is configured
    Serve(serve::Serve),
    /// Start everything on loopback with nothing to configure, to try it or to develop
    Dev(dev::Dev),
    /// Check the configuration files and report every fault at once
    CheckConfig(check_config::CheckConfig),
    /// Tell check by check what the server would say to a token, and what to do next
    Explain(explain::Explain),
    /// Print the files that kube-apiserver, kubeadm and kubectl need
    #[command(subcommand)]
    Print(print::Print),
    /// Administer the people who may sign in at the embedded issuer
    #[command(subcommand)]
    User(user::UserCommand),
    /// Administer the machines that may ask the embedded issuer for tokens
    #[command(subcommand)]
    Client(client::ClientCommand),
    /// Tell which build this is
    Version(version::Version),
    /// Print a completion script
    Completion(completion::Completion),
    /// Write manual pages into a folder
    Man(man::Man),
}

/// For whom a command prints.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Output {
    /// For people
    #[default]
    Text,
    /// For programs: one line of JSON
    Json,
}

/// Parses and runs the command line. Usage faults end the process with exit code 2.
pub fn run() -> Result<ExitCode, Failure> {
    login_common::process::keep_memory_private();
    let done = match CommandLine::parse().command {
        Command::Explain(command) => return command.run(),
        Command::CheckConfig(command) => return command.run(),
        Command::Serve(command) => command.run(),
        Command::Dev(command) => command.run(),
        Command::Print(command) => command.run(),
        Command::User(command) => command.run(),
        Command::Client(command) => command.run(),
        Command::Version(command) => command.run(),
        Command::Completion(command) => command.run(CommandLine::command()),
        Command::Man(command) => command.run(CommandLine::command()),
    };
    done.map(|()| ExitCode::SUCCESS)
}

/// The files that say who is accepted.
#[derive(Args, Debug)]
struct ConfigurationFiles {
    /// This program's own configuration (`kind: LoginServerConfiguration`)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Kubernetes' `AuthenticationConfiguration`, as kube-apiserver takes it
    #[arg(long, value_name = "FILE")]
    authentication_config: Option<PathBuf>,
}

impl ConfigurationFiles {
    /// Reads both; prints warnings to stderr, and returns all faults as one failure.
    fn load(&self) -> Result<Loaded, Failure> {
        self.load_through(&TrackedFiles::default())
    }

    /// The same; `files` records what was read.
    fn load_through(&self, files: &TrackedFiles) -> Result<Loaded, Failure> {
        let loaded = load(files, self.config.as_deref(), self.authentication_config.as_deref())
            .map_err(|problems: Vec<Problem>| Failure::problems(&problems))?;
        for warning in &loaded.warnings {
            remark(&format!("warning: {warning}"));
        }
        Ok(loaded)
    }
}

/// Prints a JSON document, with version and kind like those of `kubectl-login`.
fn print_document(kind: &str, content: Value) -> Result<(), Failure> {
    let mut document = content;
    if let Some(members) = document.as_object_mut() {
        members.insert("apiVersion".to_owned(), API_VERSION.into());
        members.insert("kind".to_owned(), kind.into());
    }
    print(&format!("{document}\n"))
}

/// The tokio runtime of a server.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|fault| Failure::runtime("could not start the runtime").because(&fault))
}

/// Binds a socket inside the runtime.
async fn bind(address: std::net::SocketAddr) -> Result<tokio::net::TcpListener, Failure> {
    tokio::net::TcpListener::bind(address).await.map_err(|fault| {
        Failure::runtime(format!("could not listen on `{address}`")).because(&fault)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }
}
