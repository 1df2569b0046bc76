//! `user`: users that may sign in at the embedded issuer.
//! Never takes a password as an argument: arguments are visible to every process.

use std::{
    io::{IsTerminal as _, Read as _},
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use login_common::Secret;
use login_issuer::{NewUser, User};
use zeroize::Zeroizing;

use super::administration::{
    List, Listed, Listing, NewGroups, StateFolder, check_groups, warn_of_reserved,
};
use crate::{
    report::{Failure, remark},
    system::{clock::Clock, files},
};

const MAX_PASSWORD_FILE: u64 = 4096;

#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// Add a person
    Add(Add),
    /// List everybody
    List(List),
    /// Remove a person and end their sessions
    Delete(Delete),
    /// Replace a password and end the person's sessions
    SetPassword(SetPassword),
    /// Replace the groups of a person
    SetGroups(SetGroups),
    /// End the sessions of a person, who may sign in again
    EndSessions(EndSessions),
}

#[derive(Args, Debug)]
pub(super) struct Add {
    /// What they type to sign in
    name: String,
    /// A group they are in; may be given several times
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    #[command(flatten)]
    password: PasswordSource,
    #[command(flatten)]
    state: StateFolder,
}

#[derive(Args, Debug)]
pub(super) struct Delete {
    /// Whom
    name: String,
    #[command(flatten)]
    state: StateFolder,
}

#[derive(Args, Debug)]
pub(super) struct SetPassword {
    /// Whose
    name: String,
    #[command(flatten)]
    password: PasswordSource,
    #[command(flatten)]
    state: StateFolder,
}

#[derive(Args, Debug)]
pub(super) struct SetGroups {
    /// Whose
    name: String,
    #[command(flatten)]
    groups: NewGroups,
    /// End the person's sessions, too: else tokens given out keep the old groups to their end
    #[arg(long)]
    end_sessions: bool,
    #[command(flatten)]
    state: StateFolder,
}

#[derive(Args, Debug)]
pub(super) struct EndSessions {
    /// Whose
    name: String,
    #[command(flatten)]
    state: StateFolder,
}

#[derive(Args, Debug)]
struct PasswordSource {
    /// A file with the password, or `-` for stdin; without it the terminal is asked
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

const LISTING: Listing = Listing { kind: "UserList", key: "name", what: "list users" };

impl UserCommand {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Add(command) => command.run(),
            Self::List(command) => command
                .run(&LISTING, |people| Ok(people.users()?.into_iter().map(listed).collect())),
            Self::Delete(command) => command.run(),
            Self::SetPassword(command) => command.run(),
            Self::SetGroups(command) => command.run(),
            Self::EndSessions(command) => command.run(),
        }
    }
}

impl Add {
    fn run(self) -> Result<(), Failure> {
        check_groups(&self.groups)?;
        let password = self.password.read()?;
        let user = NewUser { name: self.name, password, groups: self.groups };
        let what = format!("add user `{}`", user.name);
        self.state.begin(&what, |people| people.add_user(&user, Clock::HOST.now()))?;
        remark(&format!("user `{}` was added", user.name));
        warn_of_reserved(Some(&user.name), &user.groups);
        Ok(())
    }
}

impl Delete {
    fn run(self) -> Result<(), Failure> {
        let what = format!("delete user `{}`", self.name);
        self.state.administer(&what, |people| people.delete_user(&self.name, Clock::HOST.now()))?;
        remark(&format!(
            "user `{}` was deleted; tokens of sessions end within seconds, others run to their end",
            self.name
        ));
        Ok(())
    }
}

impl SetPassword {
    fn run(self) -> Result<(), Failure> {
        let password = self.password.read()?;
        let what = format!("set the password of user `{}`", self.name);
        let now = Clock::HOST.now();
        self.state.administer(&what, |people| people.set_password(&self.name, &password, now))?;
        remark(&format!("user `{}` has a new password; their sessions are ended", self.name));
        Ok(())
    }
}

impl SetGroups {
    fn run(self) -> Result<(), Failure> {
        let (name, groups) = (&self.name, self.groups.names());
        check_groups(groups)?;
        let what = format!("set the groups of user `{name}`");
        let ended = self.state.administer(&what, |people| {
            people.set_user_groups(name, groups)?;
            self.end_sessions.then(|| people.end_user_sessions(name, Clock::HOST.now())).transpose()
        })?;
        remark(&match ended {
            None => format!(
                "user `{name}` has new groups from the next refresh on; tokens given out keep the \
                 old ones to their end, or until `login-server user end-sessions {name}`"
            ),
            Some(count) => {
                format!("user `{name}` has new groups; {} ended within seconds", sessions(count))
            }
        });
        warn_of_reserved(None, groups);
        Ok(())
    }
}

impl EndSessions {
    fn run(self) -> Result<(), Failure> {
        let name = &self.name;
        let what = format!("end the sessions of user `{name}`");
        let now = Clock::HOST.now();
        let count = self.state.administer(&what, |people| people.end_user_sessions(name, now))?;
        remark(&format!(
            "{} of user `{name}` ended; their tokens end within seconds",
            sessions(count)
        ));
        Ok(())
    }
}

fn sessions(count: usize) -> String {
    match count {
        1 => "1 session".to_owned(),
        count => format!("{count} sessions"),
    }
}

impl PasswordSource {
    fn read(&self) -> Result<Secret, Failure> {
        match self.password_file.as_deref() {
            Some(path) if path == Path::new("-") => {
                let mut text = Zeroizing::new(String::new());
                std::io::stdin().lock().take(MAX_PASSWORD_FILE).read_to_string(&mut text).map_err(
                    |fault| {
                        Failure::runtime("could not read the password from stdin").because(&fault)
                    },
                )?;
                Ok(one_line(&text))
            }
            Some(path) => {
                let text = files::read_text(path, MAX_PASSWORD_FILE).map_err(|fault| {
                    Failure::configuration("could not read the password").because(&fault)
                })?;
                Ok(one_line(&Zeroizing::new(text)))
            }
            None if std::io::stdin().is_terminal() => ask(),
            None => Err(Failure::configuration("there is no terminal to ask for the password")
                .hint("give `--password-file FILE`, or `--password-file -` to read it from stdin")),
        }
    }
}

fn listed(user: User) -> Listed {
    let User { id: subject, name, groups, created_at } = user;
    Listed { name, groups, created_at, subject }
}

fn ask() -> Result<Secret, Failure> {
    let failed =
        |fault: std::io::Error| Failure::runtime("could not read the password").because(&fault);
    let first = Secret::new(rpassword::prompt_password("Password: ").map_err(failed)?);
    let second = Secret::new(rpassword::prompt_password("Again: ").map_err(failed)?);
    if first.same_as(&second) {
        Ok(first)
    } else {
        Err(Failure::configuration("the two passwords are not the same"))
    }
}

/// The content without the newline that editors and `echo` add.
fn one_line(text: &str) -> Secret {
    let text = text.strip_suffix('\n').unwrap_or(text);
    Secret::new(text.strip_suffix('\r').unwrap_or(text))
}
