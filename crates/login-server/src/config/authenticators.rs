//! Builds the authenticators besides the issuers from the document's sections and the files that
//! they name.
//! Never builds some without the others: a fault in any file is a fault of the configuration.

use std::{path::Path, sync::Arc};

use super::document::{Document, NamedFile, RemoteSection};
use crate::{evidence::remote_authenticators::RemoteParty, system::tracked_files::TrackedFiles};
use login_common::{Secret, causes, names::without_secrets, pem};
use login_review::{
    Policy, RemoteAuthenticator, Revocations, StaticTokens,
    config::{Faults, Problem, revocations, static_tokens},
};

const MAX_SECRET: u64 = 4 * 1024;
const MAX_CERTIFICATES: u64 = 128 * 1024;
/// Room for more than ten thousand tokens.
const MAX_TOKENS: u64 = 4 * 1024 * 1024;
const MAX_LIST: u64 = revocations::MAX_LENGTH as u64;

/// What the sections and files configure.
#[derive(Debug, Default)]
pub(super) struct Authenticators {
    remotes: Vec<RemoteAuthenticator>,
    /// The parties of `remotes`, in the same order.
    pub(super) parties: Vec<RemoteParty>,
    static_tokens: Option<StaticTokens>,
    revocations: Arc<Revocations>,
}

impl Authenticators {
    /// Returns `policy` with these authenticators.
    pub(super) fn join(self, policy: Policy) -> Policy {
        let policy = policy.with_remotes(self.remotes).with_revocations(self.revocations);
        match self.static_tokens {
            None => policy,
            Some(tokens) => policy.with_static_tokens(tokens),
        }
    }
}

/// Warns about list entries for issuers that are not configured: they revoke no token, though the
/// operator may believe so. If a party may answer for any issuer, they may still revoke one.
pub(crate) fn unknown_issuers(policy: &Policy, list: Option<&Path>) -> Vec<Problem> {
    let Some(list) = list else { return Vec::new() };
    let is_known = |name: &str| {
        policy.issuers().iter().any(|issuer| issuer.issuer.as_str() == name)
            || policy.remotes().iter().any(|entry| entry.name.as_str() == name)
    };
    // Without a configured issuer, a statement may name any.
    let any = policy.remotes().iter().find(|entry| entry.rules.accept_any_issuer());
    let consequence = any.map_or_else(
        || "so its entries end no token".to_owned(),
        |entry| {
            format!("so its entries end only tokens of which `{}` names it", entry.name.as_str())
        },
    );
    let mut unknown: Vec<&str> =
        policy.revocations().issuers().filter(|name| !is_known(name)).collect();
    unknown.sort_unstable();
    let warning = |name: &str| Problem {
        file: list.display().to_string(),
        line: None,
        key: "issuer".to_owned(),
        message: format!("`{}` is not configured, {consequence}", without_secrets(name)),
    };
    unknown.into_iter().map(warning).collect()
}

/// The list of revocations in force in a running server. Its file is watched separately, so that a
/// fault elsewhere never keeps a revocation out.
#[derive(Clone, Copy, Debug)]
pub struct ListInForce<'l> {
    /// The file that it was read from.
    pub file: Option<&'l Path>,
    /// Its last valid content.
    pub list: &'l Arc<Revocations>,
}

/// Reads the list of revocations at `path`: at the start, when it changes, and when a configuration
/// names another one.
pub(crate) fn read_revocations(
    path: &Path,
    files: &TrackedFiles,
) -> Result<Revocations, Vec<Problem>> {
    let file = path.display().to_string();
    match files.read_text(path, MAX_LIST) {
        Ok(text) => revocations::parse(&text, &file),
        Err(fault) => {
            let message = causes::one_line(&fault);
            Err(vec![Problem { file, line: None, key: String::new(), message }])
        }
    }
}

/// Checks that `text`, the content of the file at `path`, is PEM with certificates, all of which
/// can be read.
pub(crate) fn authorities(path: &Path, text: &str) -> Result<(), String> {
    let path = path.display();
    match pem::certificates(text.as_bytes()) {
        Ok(found) if found.is_empty() => Err(format!("`{path}` holds no certificate in PEM form")),
        Ok(_) => Ok(()),
        Err(fault) => Err(format!("`{path}`, line {}: {}", fault.line, fault.message)),
    }
}

/// Problems and warnings found in the configuration.
pub(super) struct Notes<'n> {
    pub(super) problems: &'n mut Vec<Problem>,
    pub(super) warnings: &'n mut Vec<Problem>,
}

/// Reads the files that `document`, read from `configuration`, names; but not the list in force.
pub(super) fn load(
    document: &Document,
    configuration: &Path,
    files: &TrackedFiles,
    in_force: Option<ListInForce<'_>>,
    notes: &mut Notes<'_>,
) -> Authenticators {
    let mut sources = Sources { configuration, files, notes };
    let mut loaded = Authenticators {
        static_tokens: sources.static_tokens(document),
        revocations: sources.revocations(document, in_force),
        ..Authenticators::default()
    };
    for section in &document.remotes {
        loaded.parties.push(sources.party(section));
        loaded.remotes.push(section.authenticator.clone());
    }
    loaded
}

struct Sources<'s, 'n> {
    configuration: &'s Path,
    files: &'s TrackedFiles,
    notes: &'s mut Notes<'n>,
}

impl Sources<'_, '_> {
    /// Reports a fault at the key that names a file.
    fn problem(&mut self, NamedFile { key, line, .. }: &NamedFile, message: String) {
        let file = self.configuration.display().to_string();
        let (line, key) = (Some(*line), key.clone());
        self.notes.problems.push(Problem { file, line, key, message });
    }

    fn secret(&mut self, named: &NamedFile, limit: u64) -> Option<String> {
        let text = self.text(named, limit);
        self.files.mark_secret(&named.path);
        text
    }

    fn text(&mut self, named: &NamedFile, limit: u64) -> Option<String> {
        let read = self.files.read_text(&named.path, limit);
        read.map_err(|fault| self.problem(named, causes::one_line(&fault))).ok()
    }

    fn static_tokens(&mut self, document: &Document) -> Option<StaticTokens> {
        let section = document.static_tokens.as_ref()?;
        let mut reading =
            static_tokens::Reading { tokens: StaticTokens::default(), guard: &document.guard };
        let csv: fn(&mut _, &_, &mut _, &mut _) = static_tokens::Reading::csv;
        for (named, read) in
            [(&section.file, csv), (&section.hashed_file, static_tokens::Reading::hashed)]
        {
            let Some(named) = named else { continue };
            let Some(text) = self.secret(named, MAX_TOKENS) else { continue };
            let file = named.path.display().to_string();
            let (mut faults, mut warnings) = (Faults::new(&file), Faults::new(&file));
            read(&mut reading, &text, &mut faults, &mut warnings);
            self.notes.problems.append(&mut faults.into_problems());
            self.notes.warnings.append(&mut warnings.into_problems());
        }
        if reading.tokens.is_empty() {
            self.notes.warnings.push(Problem {
                file: self.configuration.display().to_string(),
                line: Some(section.line),
                key: "staticTokens".to_owned(),
                message: "has no token, so none is accepted".to_owned(),
            });
        }
        Some(reading.tokens)
    }

    fn revocations(
        &mut self,
        document: &Document,
        in_force: Option<ListInForce<'_>>,
    ) -> Arc<Revocations> {
        let Some(NamedFile { path, .. }) = &document.revocations else {
            self.warn_of_lifted(in_force);
            return Arc::default();
        };
        let files = match in_force {
            Some(in_force) if in_force.file == Some(path) => return Arc::clone(in_force.list),
            // A running server watches the list separately.
            Some(_) => &TrackedFiles::default(),
            None => self.files,
        };
        match read_revocations(path, files) {
            Ok(list) => return Arc::new(list),
            Err(mut found) => self.notes.problems.append(&mut found),
        }
        Arc::default()
    }

    fn warn_of_lifted(&mut self, in_force: Option<ListInForce<'_>>) {
        let lifted = in_force.map_or(0, |in_force| in_force.list.len());
        if lifted > 0 {
            let message = format!("is not there any more: {lifted} revocations are lifted");
            self.notes.warnings.push(Problem {
                file: self.configuration.display().to_string(),
                line: None,
                key: "revocations".to_owned(),
                message,
            });
        }
    }

    /// The party of `section` with the content of its files.
    fn party(&mut self, section: &RemoteSection) -> RemoteParty {
        let mut party = section.party.clone();
        if let Some(named) = &section.secret
            && let Some(text) = self.secret(named, MAX_SECRET).map(Secret::new)
        {
            // Editors end files with a line break; secrets have none.
            party.secret = Secret::new(text.expose().trim_end_matches(['\r', '\n']));
            if party.secret.is_empty() {
                self.problem(named, "names an empty file".to_owned());
            }
        }
        if let Some(named) = &section.certificate_authority
            && let Some(text) = self.text(named, MAX_CERTIFICATES)
        {
            if let Err(message) = authorities(&named.path, &text) {
                self.problem(named, message);
            }
            party.certificate_authority_pem = Some(text);
        }
        party
    }
}
