//! What the `user` and `client` commands share: the state folder and the database in it.
//! Never needs a running server, and never disturbs one.

use std::path::{Path, PathBuf};

use clap::Args;
use login_common::UnixTime;
use login_issuer::{Administration, AdministrationError, PasswordPolicy, store::SqliteStore};
use serde_json::{Map, Value};

use super::Output;
use crate::{
    report::{Failure, print},
    system::files::{self, FileError},
};

/// The database of the embedded issuer, in the state folder.
pub(super) const DATABASE: &str = "issuer.db";

#[derive(Args, Debug)]
pub(super) struct StateFolder {
    /// The folder that `serve` was given; it is made if it does not exist
    #[arg(long, value_name = "DIR")]
    state_dir: PathBuf,
}

impl StateFolder {
    /// Runs `work` on the database.
    pub(super) fn administer<T>(
        &self,
        what: &str,
        work: impl FnOnce(&Administration<'_>) -> Result<T, AdministrationError>,
    ) -> Result<T, Failure> {
        let store = open_store(&self.state_dir)?;
        let administration = Administration::new(&store, PasswordPolicy::RECOMMENDED);
        work(&administration).map_err(|fault| failure(what, &fault))
    }
}

/// `list`, of people or of machines.
#[derive(Args, Debug)]
pub(super) struct List {
    /// How to print it
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
    #[command(flatten)]
    state: StateFolder,
}

/// One of them.
pub(super) struct Listed {
    pub(super) name: String,
    pub(super) groups: Vec<String>,
    pub(super) created_at: UnixTime,
}

impl List {
    /// Prints what `all` finds. `key` is what their names are called, `what` is for an error.
    pub(super) fn run(
        &self,
        key: &str,
        what: &str,
        all: impl FnOnce(&Administration<'_>) -> Result<Vec<Listed>, AdministrationError>,
    ) -> Result<(), Failure> {
        let all = self.state.administer(what, all)?;
        match self.output {
            Output::Text => {
                let mut rows = vec![[key.to_uppercase(), "GROUPS".to_owned(), "ADDED".to_owned()]];
                rows.extend(all.into_iter().map(|listed| {
                    [listed.name, listed.groups.join(","), listed.created_at.to_rfc3339()]
                }));
                print(&table(&rows))
            }
            Output::Json => {
                let all = all.into_iter().map(|listed| {
                    Map::from_iter([
                        (key.to_owned(), Value::from(listed.name)),
                        ("groups".to_owned(), Value::from(listed.groups)),
                        ("createdAt".to_owned(), Value::from(listed.created_at.to_rfc3339())),
                    ])
                });
                print(&format!("{}\n", all.collect::<Value>()))
            }
        }
    }
}

/// Opens or makes the database in `folder`.
pub(super) fn open_store(folder: &Path) -> Result<SqliteStore, Failure> {
    let failed = || {
        let place = folder.display();
        Failure::runtime(format!("could not open the issuer's database in `{place}`"))
    };
    files::make_private_folder(folder)
        .map_err(|fault: FileError| failed().because(&fault).hint("check `--state-dir`"))?;
    SqliteStore::open(&folder.join(DATABASE)).map_err(|fault| failed().because(&fault))
}

/// What the operator typed is wrong, or the store failed.
pub(super) fn failure(what: &str, fault: &AdministrationError) -> Failure {
    let message = format!("could not {what}");
    let failure = match fault {
        AdministrationError::Store(_) | AdministrationError::Crypto(_) => Failure::runtime(message),
        AdministrationError::UserName(_)
        | AdministrationError::GroupName
        | AdministrationError::TooManyGroups
        | AdministrationError::ClientLooksLikeUser(_)
        | AdministrationError::PasswordTooShort { .. }
        | AdministrationError::PasswordTooLong
        | AdministrationError::UserExists(_)
        | AdministrationError::NoSuchUser(_)
        | AdministrationError::ClientExists(_)
        | AdministrationError::NoSuchClient(_)
        | AdministrationError::BuiltInClient(_) => Failure::configuration(message),
    };
    failure.because(fault)
}

/// Lines with aligned columns.
fn table(rows: &[[String; 3]]) -> String {
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
    };
    let (first, second) = (width(0).unwrap_or(0), width(1).unwrap_or(0));
    let line = |[one, two, three]: &[String; 3]| format!("{one:first$}  {two:second$}  {three}\n");
    rows.iter().map(line).collect()
}
