//! What is cached of the chosen session, and its token's claims.
//! Never verifies a token, never renews one.

use std::path::Path;

use login_cache::{entry::Entry, freshness::Freshness, sessions, store::Directory};
use login_common::{Secret, UnixTime};
use login_protocols::{jose::CompactJws, oidc::Claims};

use super::{MAX_LENGTH, finding::Finding, token};
use crate::{
    commands::session_state::{Facts, Outlook},
    options::target::Target,
    report::Fault,
    system::{System, file},
};

/// What is cached of the chosen session.
pub(super) struct CachedSession {
    facts: Option<Facts>,
    /// The cached token, unless it has expired.
    pub(super) token: Option<Secret>,
}

impl CachedSession {
    /// Reads the files of `target`.
    pub(super) fn of(system: &System<'_>, target: &Target) -> Self {
        let now = system.clock.now();
        let Some(directory) = target.cache_directory.clone().map(Directory::new) else {
            return Self { facts: None, token: None };
        };
        let key = &target.cache_key;
        let record = sessions::load(&directory, key);
        let token = Entry::load(&directory, key)
            .filter(|entry| entry.lifetime.at(now) != Freshness::Expired)
            .and_then(|entry| entry.token());
        Self { facts: record.map(|record| Facts::of(&directory, record, now)), token }
    }

    /// What the next kubectl gets.
    pub(super) fn finding(&self, target: &Target, now: UnixTime) -> Finding {
        const CHECK: &str = "session";
        let login = "`kubectl-login login` signs in now";
        if target.is_for_job() {
            return Finding::ok(CHECK, "a job's own identity: no sign-in is needed");
        }
        let Some(facts) = &self.facts else {
            return Finding::warning(CHECK, "there is none: the next kubectl asks for one", login);
        };
        if let Some(holder) = &facts.locked_by {
            let hint = "finish that sign-in in the browser, or end that process";
            return Finding::warning(CHECK, format!("{holder} holds its lock"), hint);
        }
        if let Some(failure) = &facts.failure {
            let message =
                format!("held back until {} after: {}", failure.until, failure.report.error);
            return Finding::warning(CHECK, message, login);
        }
        match facts.outlook(now) {
            Outlook::SignIn => {
                Finding::warning(CHECK, "it has ended: the next kubectl asks for another", login)
            }
            Outlook::Renewal => Finding::ok(CHECK, "the next call renews its token"),
            Outlook::Token => {
                let until = facts.lifetime.map(|lifetime| lifetime.valid_until);
                let until = until.map(|until| format!(" until {until}")).unwrap_or_default();
                let renewable = if facts.is_renewable() { ", then it is renewed" } else { "" };
                Finding::ok(CHECK, format!("its token is good{until}{renewable}"))
            }
        }
    }
}

/// Judges the cached token, and compares it with the configuration in the file `named`.
pub(super) fn examine_token(
    target: &Target,
    kept: &CachedSession,
    named: Option<&str>,
    now: UnixTime,
    findings: &mut Vec<Finding>,
) {
    let claims = match claims_of(kept) {
        Ok(claims) => claims,
        Err(reason) => {
            findings.push(Finding::skipped("token", reason));
            if named.is_some() {
                findings.push(Finding::skipped("trust", reason));
            }
            return;
        }
    };
    findings.push(token::claims(&claims, target, now));
    if let Some(path) = named {
        findings.push(trust(path, &claims));
    }
}

fn claims_of(kept: &CachedSession) -> Result<Claims, &'static str> {
    let token = kept.token.as_ref().ok_or("no token is kept; sign in first")?;
    let parsed = CompactJws::parse(token.expose());
    parsed
        .map(|jws| jws.unverified_claims().clone())
        .map_err(|_| "the token is opaque: only the cluster can say what it is good for")
}

fn trust(path: &str, claims: &Claims) -> Finding {
    let wrong = |problem: String| {
        let hint = "name kube-apiserver's file with `--authentication-config`";
        Finding::problem("trust", Fault::Usage, format!("`{path}`: {problem}"), hint)
    };
    let text = match file::read(Path::new(path), MAX_LENGTH) {
        Ok(text) => text,
        Err(error) => return wrong(error.to_string()),
    };
    match located_yaml::typed::read(&String::from_utf8_lossy(&text)) {
        Ok(configuration) => token::trust(&configuration, claims),
        Err(error) => wrong(error.to_string()),
    }
}
