//! Revocations: of tokens, of sessions, and of everything issued before a moment.
//! Never grows without bound: the parser limits the list, and ended sessions are forgotten once
//! every token of theirs has expired.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use login_common::UnixTime;
use login_protocols::oidc::Claims;

/// The claim that identifies the session of a token (OpenID Connect Front-Channel Logout §3).
pub const SESSION_CLAIM: &str = "sid";

/// One entry of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// What is revoked.
    pub what: Revoked,
    /// From this time on the entry has no effect.
    pub expires_at: Option<UnixTime>,
    /// For the operator's log; never for a caller.
    pub reason: Option<String>,
}

/// The target of a revocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// One token, by `jti`; `None` as issuer matches any.
    Token {
        /// `iss`
        issuer: Option<Arc<str>>,
        /// `jti`
        id: String,
    },
    /// All tokens of a session, by `sid`; `None` as issuer matches any.
    Session {
        /// `iss`
        issuer: Option<Arc<str>>,
        /// `sid`
        session: String,
    },
    /// What an issuer issued to one subject before a moment.
    Subject {
        /// `iss`
        issuer: Arc<str>,
        /// `sub`
        subject: String,
        /// Later tokens are not revoked.
        issued_before: UnixTime,
    },
    /// Everything that an issuer issued before a moment.
    Issuer {
        /// `iss`
        issuer: Arc<str>,
        /// Later tokens are not revoked.
        issued_before: UnixTime,
    },
}

/// The whole list with its index. A lookup costs a few searches, however long the list is.
#[derive(Clone, Debug, Default)]
pub struct Revocations {
    entries: Vec<Revocation>,
    anywhere: Index,
    issuers: HashMap<Arc<str>, Index>,
}

/// Positions in [`Revocations::entries`], sorted by the names of the entries: a list may be long,
/// so no name is stored twice.
#[derive(Clone, Debug, Default)]
struct Index {
    tokens: Vec<usize>,
    sessions: Vec<usize>,
    subjects: Vec<usize>,
    whole: Vec<usize>,
}

/// A sign-in at an issuer that may still yield tokens.
#[derive(Clone, Copy, Debug)]
pub struct Grant<'g> {
    /// `sid` of its tokens.
    pub session: &'g str,
    /// `sub` of its tokens.
    pub subject: &'g str,
    /// When the user signed in.
    pub began_at: UnixTime,
    /// The prefix of `jti` in its tokens and in no others, if the issuer guarantees one.
    pub token_prefix: Option<&'g str>,
}

impl Revocations {
    /// Builds the list.
    pub fn new(entries: Vec<Revocation>) -> Self {
        let mut list = Self::default();
        for (position, entry) in entries.iter().enumerate() {
            let index = match &entry.what {
                Revoked::Token { issuer: None, .. } | Revoked::Session { issuer: None, .. } => {
                    &mut list.anywhere
                }
                Revoked::Token { issuer: Some(issuer), .. }
                | Revoked::Session { issuer: Some(issuer), .. }
                | Revoked::Subject { issuer, .. }
                | Revoked::Issuer { issuer, .. } => {
                    list.issuers.entry(Arc::clone(issuer)).or_default()
                }
            };
            let positions = match &entry.what {
                Revoked::Token { .. } => &mut index.tokens,
                Revoked::Session { .. } => &mut index.sessions,
                Revoked::Subject { .. } => &mut index.subjects,
                Revoked::Issuer { .. } => &mut index.whole,
            };
            positions.push(position);
        }
        list.entries = entries;
        let entries = &list.entries;
        for index in list.issuers.values_mut().chain([&mut list.anywhere]) {
            for positions in [&mut index.tokens, &mut index.sessions, &mut index.subjects] {
                // Stable: of two entries with one name the first stays first.
                positions.sort_by_key(|position| name(entries, *position));
                positions.shrink_to_fit();
            }
        }
        list
    }

    /// Every issuer that an entry names.
    pub fn issuers(&self) -> impl Iterator<Item = &str> {
        self.issuers.keys().map(AsRef::as_ref)
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The first entry that revokes the token with these verified `claims` of `issuer`.
    pub fn find(&self, issuer: &str, claims: &Claims, now: UnixTime) -> Option<&Revocation> {
        if self.entries.is_empty() {
            return None;
        }
        self.indexes(issuer).find_map(|index| {
            let named = [
                (&index.tokens, claims.text("jti")),
                (&index.sessions, claims.text(SESSION_CLAIM)),
                (&index.subjects, claims.subject()),
            ];
            let named = named
                .into_iter()
                .filter_map(|(positions, name)| Some(self.named(positions, name?)))
                .flatten();
            named.chain(self.entries_at(&index.whole)).find(|entry| entry.ends(claims, now))
        })
    }

    /// The first entry that revokes `grant` of `issuer`: no token may come from it any more.
    pub fn find_grant(
        &self,
        issuer: &str,
        grant: &Grant<'_>,
        now: UnixTime,
    ) -> Option<&Revocation> {
        if self.entries.is_empty() {
            return None;
        }
        self.indexes(issuer).find_map(|index| {
            let tokens =
                grant.token_prefix.into_iter().flat_map(|prefix| self.tokens_of(index, prefix));
            tokens
                .chain(self.named(&index.sessions, grant.session))
                .chain(self.named(&index.subjects, grant.subject))
                .chain(self.entries_at(&index.whole))
                .find(|entry| entry.counts(now) && entry.reaches(Some(grant.began_at)))
        })
    }

    fn indexes(&self, issuer: &str) -> impl Iterator<Item = &Index> {
        [Some(&self.anywhere), self.issuers.get(issuer)].into_iter().flatten()
    }

    fn entries_at<'r>(&'r self, positions: &'r [usize]) -> impl Iterator<Item = &'r Revocation> {
        positions.iter().filter_map(|position| self.entries.get(*position))
    }

    /// The entries at `positions`, which are sorted by name, that have the name `wanted`.
    fn named<'r>(
        &'r self,
        positions: &'r [usize],
        wanted: &str,
    ) -> impl Iterator<Item = &'r Revocation> {
        let from = positions.partition_point(|position| name(&self.entries, *position) < wanted);
        self.entries_at(positions.get(from..).unwrap_or_default())
            .take_while(move |entry| entry.what.name() == wanted)
    }

    fn tokens_of<'r>(
        &'r self,
        index: &'r Index,
        prefix: &str,
    ) -> impl Iterator<Item = &'r Revocation> {
        let tokens = &index.tokens;
        let from = tokens.partition_point(|position| name(&self.entries, *position) < prefix);
        self.entries_at(tokens.get(from..).unwrap_or_default())
            .take_while(move |entry| entry.what.name().starts_with(prefix))
    }
}

fn name(entries: &[Revocation], position: usize) -> &str {
    entries.get(position).map_or("", |entry| entry.what.name())
}

impl Revoked {
    /// The name it is looked up by, within its issuer.
    fn name(&self) -> &str {
        match self {
            Self::Token { id: name, .. }
            | Self::Session { session: name, .. }
            | Self::Subject { subject: name, .. } => name,
            Self::Issuer { .. } => "",
        }
    }
}

impl Revocation {
    /// Whether this entry, which matches the token by name, is in force and covers it.
    fn ends(&self, claims: &Claims, now: UnixTime) -> bool {
        // A token without `iat` must not escape the revocation.
        self.counts(now) && self.reaches(claims.moment("iat"))
    }

    fn counts(&self, now: UnixTime) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }

    /// Whether it covers what began at `moment`.
    fn reaches(&self, moment: Option<UnixTime>) -> bool {
        match &self.what {
            Revoked::Token { .. } | Revoked::Session { .. } => true,
            Revoked::Subject { issued_before, .. } | Revoked::Issuer { issued_before, .. } => {
                moment.is_none_or(|moment| moment < *issued_before)
            }
        }
    }
}

/// Sessions that an issuer of this installation ended, until every token of theirs has expired.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndedSessions {
    issuer: String,
    /// `None` if the list is unavailable.
    sessions: Option<HashSet<String>>,
}

impl EndedSessions {
    /// The ended sessions of `issuer`.
    pub fn new(issuer: impl Into<String>, sessions: impl IntoIterator<Item = String>) -> Self {
        Self { issuer: issuer.into(), sessions: Some(sessions.into_iter().collect()) }
    }

    /// `issuer` ends sessions, but the list of them is unavailable.
    pub fn unknown(issuer: impl Into<String>) -> Self {
        Self { issuer: issuer.into(), sessions: None }
    }

    /// Whether the token with these verified `claims` of `issuer` belongs to one of them.
    pub fn contain(&self, issuer: &str, claims: &Claims) -> bool {
        let Some(sessions) = self.sessions.as_ref().filter(|sessions| !sessions.is_empty()) else {
            return false;
        };
        self.issuer == issuer
            && claims.text(SESSION_CLAIM).is_some_and(|session| sessions.contains(session))
    }

    /// Whether the token with these verified `claims` of `issuer` has a session, but the list of
    /// ended ones is unavailable.
    pub fn are_unknown_for(&self, issuer: &str, claims: &Claims) -> bool {
        self.sessions.is_none()
            && self.issuer == issuer
            && claims.as_map().contains_key(SESSION_CLAIM)
    }

    /// Whether each of these is also known to `others`.
    pub fn is_subset(&self, others: &Self) -> bool {
        let both = self.sessions.as_ref().zip(others.sessions.as_ref());
        both.is_some_and(|(these, others)| these.is_subset(others))
    }

    /// The number of known sessions.
    pub fn len(&self) -> usize {
        self.sessions.as_ref().map_or(0, HashSet::len)
    }

    /// Whether none is known.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests;
