//! `status`: lists the sessions on this host and their state.
//! Never uses the network, and never opens a keyring: it may run in a shell's prompt.

use clap::{Arg, ArgAction, ArgMatches, Command};
use login_cache::{key::CacheKey, refresh_secret::Protection, sessions, store::Directory};
use login_common::UnixTime;
use serde::Serialize;

use super::{
    chosen::{self, Chosen},
    failure::CommandError,
    session_state::{Facts, Outlook, TokenState},
};
use crate::{
    output::{self, Format, Items, Table},
    report::Failure,
    system::System,
};

/// Its arguments.
pub fn definition() -> Command {
    chosen::with_choice(Command::new("status"))
        .about("List the sessions on this machine and what they are good for")
        .arg(output::argument())
        .arg(
            Arg::new("check")
                .long("check")
                .action(ArgAction::SetTrue)
                .help("Print nothing; exit with 3 when the next kubectl would need a sign-in"),
        )
        .after_help(format!(
            "All sessions are listed; the one of the current context has a star. With \
             `--context`, `--issuer-url`, `--client-id` or `--account` only the chosen one is.\n\n{}",
            chosen::REST_OF_OPTIONS
        ))
}

/// Lists or checks.
pub fn run(system: &System<'_>, matches: &ArgMatches) -> Result<(), Failure> {
    let now = system.clock.now();
    if matches.get_flag("check") {
        return check(&Chosen::of(system, matches)?, now);
    }
    let only_chosen = chosen::is_named(matches);
    let chosen = match Chosen::of(system, matches) {
        Ok(chosen) => Some(chosen),
        Err(failure) if only_chosen => return Err(failure),
        // Even without a context that is ours there may be sessions.
        Err(_) => None,
    };
    let directory = match &chosen {
        Some(chosen) => chosen.target.cache_directory.clone(),
        None => chosen::cache_directory(system, matches)?,
    };
    let key = chosen.as_ref().map(|chosen| &chosen.target.cache_key);
    let directory = directory.map(Directory::new);
    let records = directory.as_ref().map(sessions::list).unwrap_or_default();
    let lines: Vec<Line> = records
        .into_iter()
        .filter(|record| !only_chosen || Some(&record.key) == key)
        .filter_map(|record| Some(Facts::of(directory.as_ref()?, record, now)))
        .map(|facts| Line::of(&facts, key, now))
        .collect();
    let format = Format::of(matches);
    if lines.is_empty() && matches!(format, Format::Text | Format::Wide) {
        let place = directory.map(|directory| format!(" in `{}`", directory.path_of("").display()));
        let which = if only_chosen { "This session is not" } else { "No session is" };
        system.terminal.say(&format!("{which} kept{}.", place.unwrap_or_default()));
        return Ok(());
    }
    Ok(output::print(format, "SessionList", &Items { items: &lines }, |wide, _| {
        table(&lines, wide, now).render()
    })?)
}

fn check(chosen: &Chosen, now: UnixTime) -> Result<(), Failure> {
    let target = &chosen.target;
    let directory = target.cache_directory.clone().map(Directory::new);
    let facts = directory.and_then(|directory| {
        let record = sessions::load(&directory, &target.cache_key)?;
        Some(Facts::of(&directory, record, now))
    });
    let is_usable =
        target.is_for_job() || facts.is_some_and(|facts| facts.outlook(now) != Outlook::SignIn);
    if is_usable { Ok(()) } else { Err(CommandError::SignInNeeded(target.issuer.clone()).into()) }
}

/// A session as it is printed. Names and types of the fields are part of `kubectl-login/v1`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    key: String,
    current: bool,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    issuer_url: String,
    client_id: String,
    scopes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audience: Option<String>,
    flow: String,
    use_access_token: bool,
    signed_in_at: String,
    token: TokenState,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_valid_until: Option<String>,
    renewable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_renewable_because: Option<String>,
    sign_in_needed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token_storage: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    held_back_until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_failure: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locked_by: Option<String>,
}

impl Line {
    fn of(facts: &Facts, current: Option<&CacheKey>, now: UnixTime) -> Self {
        let record = &facts.record;
        let failure = facts.failure.as_ref();
        Self {
            key: record.key.to_string(),
            current: current == Some(&record.key),
            name: facts.name().to_owned(),
            account: record.account.clone(),
            username: record.username.clone(),
            subject: record.subject.clone(),
            issuer_url: record.issuer.to_string(),
            client_id: record.client_id.to_string(),
            scopes: record.scopes.clone(),
            audience: record.audience.clone(),
            flow: record.flow.clone(),
            use_access_token: record.use_access_token,
            signed_in_at: record.signed_in_at.to_rfc3339(),
            token: facts.token_state(now),
            token_valid_until: facts.lifetime.map(|lifetime| lifetime.valid_until.to_rfc3339()),
            renewable: facts.is_renewable(),
            not_renewable_because: record.unrenewable.clone().filter(|_| !facts.is_renewable()),
            sign_in_needed: facts.outlook(now) == Outlook::SignIn,
            refresh_token_storage: record.protection.map(Protection::as_str),
            held_back_until: failure.map(|failure| failure.until.to_rfc3339()),
            last_failure: failure.map(|failure| failure.report.error.clone()),
            locked_by: facts.locked_by.clone(),
        }
    }

    /// One or two words; if several apply, the one that a user would act on.
    fn state(&self) -> &'static str {
        if self.locked_by.is_some() {
            "busy"
        } else if self.held_back_until.is_some() {
            "held back"
        } else if self.sign_in_needed {
            "sign-in needed"
        } else if self.renewable {
            "renewable"
        } else {
            "not renewable"
        }
    }

    /// `23m`, `expired` or nothing.
    fn token_left(&self, now: UnixTime) -> String {
        let until = self.token_valid_until.as_deref().map(UnixTime::parse_rfc3339);
        match (self.token, until) {
            (TokenState::None, _) | (_, None | Some(Err(_))) => String::new(),
            (TokenState::Expired, _) => "expired".to_owned(),
            (TokenState::Fresh | TokenState::Ageing, Some(Ok(until))) => {
                output::duration(until.since(now).as_secs())
            }
        }
    }
}

fn table(lines: &[Line], wide: bool, now: UnixTime) -> Table {
    // Most users have one account and need no column for it.
    let has_accounts = wide || lines.iter().any(|line| line.account.is_some());
    let mut columns = vec!["current", "name"];
    columns.extend(has_accounts.then_some("account"));
    columns.extend(["issuer", "client", "token", "session"]);
    columns.extend(wide.then_some(["flow", "storage", "signed in", "note"]).into_iter().flatten());
    let mut table = Table::new(&columns);
    for line in lines {
        let current = if line.current { "*" } else { "" };
        let mut cells = vec![current.to_owned(), line.name.clone()];
        cells.extend(has_accounts.then(|| line.account.clone().unwrap_or_default()));
        cells.extend([
            line.issuer_url.clone(),
            line.client_id.clone(),
            line.token_left(now),
            line.state().to_owned(),
        ]);
        if wide {
            let note = [&line.locked_by, &line.last_failure, &line.not_renewable_because];
            let note = note.into_iter().find_map(Option::as_ref);
            cells.extend([
                line.flow.clone(),
                line.refresh_token_storage.unwrap_or_default().to_owned(),
                line.signed_in_at.clone(),
                note.cloned().unwrap_or_default(),
            ]);
        }
        table.add(cells);
    }
    table
}

#[cfg(test)]
mod tests;
