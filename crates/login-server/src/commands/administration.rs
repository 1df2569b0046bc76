//! Shared by the `user` and `client` commands: the state folder and its database.
//! Never needs a running server, and never disturbs one.

use std::path::{Path, PathBuf};

use clap::Args;
use login_common::UnixTime;
use login_issuer::{
    Administration, AdministrationError, PasswordPolicy,
    store::{SqliteStore, StoreError, StoreFault},
};
use login_review::guard;
use serde_json::{Map, Value, json};

use super::{Output, print_document};
use crate::{
    report::{Failure, print, remark},
    system::{
        files::{self, FileError},
        ownership,
    },
};

/// The database of the embedded issuer, in the state folder.
pub(super) const DATABASE: &str = "issuer.db";

#[derive(Args, Debug)]
pub(super) struct StateFolder {
    /// The folder that `serve` was given
    #[arg(long, value_name = "DIR")]
    state_dir: PathBuf,
}

impl StateFolder {
    /// Runs `work`, which may be the first on this database: creates it if missing.
    pub(super) fn begin<T>(
        &self,
        what: &str,
        work: impl FnOnce(&Administration<'_>) -> Result<T, AdministrationError>,
    ) -> Result<T, Failure> {
        self.administer_in(&open_store(&self.state_dir)?, what, work)
    }

    /// Runs `work`, which changes existing data. Does not create a folder, which may be a typo.
    pub(super) fn administer<T>(
        &self,
        what: &str,
        work: impl FnOnce(&Administration<'_>) -> Result<T, AdministrationError>,
    ) -> Result<T, Failure> {
        self.must_exist()?;
        self.administer_in(&open_store(&self.state_dir)?, what, work)
    }

    /// Runs `work`, which only reads.
    fn look<T>(
        &self,
        what: &str,
        work: impl FnOnce(&Administration<'_>) -> Result<T, AdministrationError>,
    ) -> Result<T, Failure> {
        self.must_exist()?;
        let database = self.state_dir.join(DATABASE);
        let store = SqliteStore::open_to_read(&database)
            .map_err(|fault| not_usable(&fault, &self.state_dir))?;
        self.administer_in(&store, what, work)
    }

    fn administer_in<T>(
        &self,
        store: &SqliteStore,
        what: &str,
        work: impl FnOnce(&Administration<'_>) -> Result<T, AdministrationError>,
    ) -> Result<T, Failure> {
        let administration = Administration::new(store, PasswordPolicy::RECOMMENDED);
        work(&administration).map_err(|fault| {
            let failure = failure(what, &fault);
            match fault {
                AdministrationError::Store(fault) => failure.hint(mend(&fault, &self.state_dir)),
                _ => failure,
            }
        })
    }

    fn must_exist(&self) -> Result<(), Failure> {
        let database = self.state_dir.join(DATABASE);
        match database.try_exists() {
            Ok(true) => Ok(()),
            Ok(false) => {
                let place = self.state_dir.display();
                Err(Failure::configuration(format!("there is no issuer's database in `{place}`"))
                    .hint("check `--state-dir`; `user add` and `client add` make a new one"))
            }
            Err(fault) => {
                Err(mendable(not_opened(&self.state_dir).because(&fault), &self.state_dir))
            }
        }
    }
}

/// Groups in the place of others.
#[derive(Args, Debug)]
pub(super) struct NewGroups {
    /// A group they are in from now on; may be given several times
    #[arg(long = "group", value_name = "GROUP", required_unless_present = "no_groups")]
    groups: Vec<String>,
    /// They are in no group from now on
    #[arg(long, conflicts_with = "groups")]
    no_groups: bool,
}

impl NewGroups {
    pub(super) fn names(&self) -> &[String] {
        &self.groups
    }
}

/// Refuses groups with which every configuration refuses a token.
pub(super) fn check_groups(groups: &[String]) -> Result<(), Failure> {
    match groups.iter().find(|group| !guard::is_stable(group)) {
        None => Ok(()),
        Some(group) => Err(Failure::configuration(format!(
            "no token with the group `{}` would be accepted",
            group.escape_debug()
        ))
        .hint(
            "leave out blanks at its ends, control and invisible characters, and write it in \
             Unicode's form NFKC",
        )),
    }
}

/// Warns about names that are reserved for Kubernetes; tokens with them are refused by most
/// configurations.
pub(super) fn warn_of_reserved(user: Option<&str>, groups: &[String]) {
    let users = user.filter(|name| guard::is_reserved_user(name)).map(|name| ("name", name));
    let groups = groups.iter().filter(|group| guard::is_reserved_group(group));
    for (what, name) in users.into_iter().chain(groups.map(|group| ("group", group.as_str()))) {
        remark(&format!(
            "warning: the {what} `{name}` is kept for Kubernetes: tokens with it are refused unless \
             `allowedSystemNames` has it, or the issuer sets a prefix before it"
        ));
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

/// One user or client.
pub(super) struct Listed {
    pub(super) name: String,
    pub(super) groups: Vec<String>,
    pub(super) created_at: UnixTime,
    /// The `sub` of their tokens.
    pub(super) subject: String,
}

/// What is listed: the document's kind, the key of a name, and the action for error messages.
pub(super) struct Listing {
    pub(super) kind: &'static str,
    pub(super) key: &'static str,
    pub(super) what: &'static str,
}

impl List {
    /// Prints what `all` returns.
    pub(super) fn run(
        &self,
        listing: &Listing,
        all: impl FnOnce(&Administration<'_>) -> Result<Vec<Listed>, AdministrationError>,
    ) -> Result<(), Failure> {
        let all = self.state.look(listing.what, all)?;
        match self.output {
            Output::Text => {
                let head = [&listing.key.to_uppercase(), "GROUPS", "ADDED", "SUBJECT"];
                let mut rows = vec![head.map(str::to_owned)];
                rows.extend(all.into_iter().map(|listed| {
                    let (groups, added) = (listed.groups.join(","), listed.created_at.to_rfc3339());
                    [listed.name, groups, added, listed.subject]
                }));
                print(&table(&rows))
            }
            Output::Json => {
                let items = all.into_iter().map(|listed| {
                    Map::from_iter([
                        (listing.key.to_owned(), Value::from(listed.name)),
                        ("groups".to_owned(), Value::from(listed.groups)),
                        ("createdAt".to_owned(), Value::from(listed.created_at.to_rfc3339())),
                        ("subject".to_owned(), Value::from(listed.subject)),
                    ])
                });
                print_document(listing.kind, json!({"items": items.collect::<Value>()}))
            }
        }
    }
}

/// Opens or creates the database in `folder`.
pub(super) fn open_store(folder: &Path) -> Result<SqliteStore, Failure> {
    let database = folder.join(DATABASE);
    files::make_private_folder(folder)
        .and_then(|()| files::make_private_file(&database))
        .map_err(|fault: FileError| mendable(not_opened(folder).because(&fault), folder))?;
    // Root may add users to a database that `serve` uses as another user.
    ownership::hand_over(&database, folder)
        .map_err(|fault| mendable(not_opened(folder).because(&fault), folder))?;
    SqliteStore::open(&database).map_err(|fault| not_usable(&fault, folder))
}

/// Whether the database in `folder` has to be created.
pub(super) fn has_no_database(folder: &Path) -> bool {
    files::is_empty(&folder.join(DATABASE))
}

/// The warning of `serve` after it created a database.
pub(super) fn new_database(folder: &Path) -> String {
    format!(
        "there was no issuer's database in `{0}`, and a new one was made: nobody can sign in before \
         `login-server user add NAME --state-dir {0}`, and tokens of another one are refused; if \
         there should be one, check `--state-dir`",
        folder.display()
    )
}

/// The error for an unusable database: why, and how to fix it.
pub(super) fn not_usable(fault: &StoreError, folder: &Path) -> Failure {
    not_opened(folder).because(fault).hint(mend(fault, folder))
}

fn mend(fault: &StoreError, folder: &Path) -> String {
    if let Some(mend) = owned_by_another(folder) {
        return mend;
    }
    let (place, database) = (folder.display(), folder.join(DATABASE));
    let database = database.display();
    match fault.fault() {
        StoreFault::Full => format!("make room on the disk of `{place}`; nothing was changed"),
        StoreFault::ReadOnly => format!(
            "let this process write into `{place}`, where SQLite keeps files beside the database"
        ),
        StoreFault::Locked => {
            "another process has it locked for long: try again, or see what that one does".into()
        }
        StoreFault::NotADatabase => format!(
            "put a copy that is good in the place of `{database}`, or name another `--state-dir`; \
             without it people, sessions and signing keys are lost"
        ),
        StoreFault::Unfinished => {
            format!("`serve`, `user add` and `client add` make what is missing in `{database}`")
        }
        StoreFault::OtherVersion => {
            "take the `login-server` of the version that made it, or a newer one".to_owned()
        }
        StoreFault::Other => "check `--state-dir`".to_owned(),
    }
}

fn not_opened(folder: &Path) -> Failure {
    Failure::runtime(format!("could not open the issuer's database in `{}`", folder.display()))
}

/// `failure` with a hint: how to fix the owner of `folder` or of the database, if that is the
/// reason.
fn mendable(failure: Failure, folder: &Path) -> Failure {
    failure.hint(owned_by_another(folder).unwrap_or_else(|| "check `--state-dir`".to_owned()))
}

fn owned_by_another(folder: &Path) -> Option<String> {
    ownership::mend(folder).or_else(|| ownership::mend(&folder.join(DATABASE)))
}

/// The operator's input is wrong, or the store failed.
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
fn table(rows: &[[String; 4]]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let (first, second, third) = (width(0), width(1), width(2));
    let line = |[one, two, three, four]: &[String; 4]| {
        format!("{one:first$}  {two:second$}  {three:third$}  {four}\n")
    };
    rows.iter().map(line).collect()
}
