//! What counts no more before its time: tokens, sessions, and all that was issued before a moment.
//! Never grows without bound: what its reader takes is bounded, and ended sessions are forgotten
//! when no token of theirs can live any more.

use std::collections::{HashMap, HashSet};

use login_common::UnixTime;
use login_protocols::oidc::Claims;

/// The claim that names the session of a token (OpenID Connect Front-Channel Logout §3).
pub const SESSION_CLAIM: &str = "sid";

/// One entry of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// What it is about.
    pub what: Revoked,
    /// It counts no more from then on.
    pub expires_at: Option<UnixTime>,
    /// For the operator's log; never for a caller.
    pub reason: Option<String>,
}

/// What is revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// One token, by `jti`; of any issuer if none is named.
    Token {
        /// `iss`
        issuer: Option<String>,
        /// `jti`
        id: String,
    },
    /// All tokens of a session, by `sid`; of any issuer if none is named.
    Session {
        /// `iss`
        issuer: Option<String>,
        /// `sid`
        session: String,
    },
    /// What an issuer issued to one subject before a moment.
    Subject {
        /// `iss`
        issuer: String,
        /// `sub`
        subject: String,
        /// Later tokens are good.
        issued_before: UnixTime,
    },
    /// What an issuer issued to anybody before a moment.
    Issuer {
        /// `iss`
        issuer: String,
        /// Later tokens are good.
        issued_before: UnixTime,
    },
}

/// The whole list, ready to be asked. One question costs a few lookups, however long the list is.
#[derive(Clone, Debug, Default)]
pub struct Revocations {
    entries: Vec<Revocation>,
    anywhere: Index,
    issuers: HashMap<String, Index>,
}

/// Positions in [`Revocations::entries`].
#[derive(Clone, Debug, Default)]
struct Index {
    tokens: HashMap<String, Vec<usize>>,
    sessions: HashMap<String, Vec<usize>>,
    subjects: HashMap<String, Vec<usize>>,
    whole: Vec<usize>,
}

impl Revocations {
    /// The list of these entries.
    pub fn new(entries: Vec<Revocation>) -> Self {
        let mut list = Self::default();
        for (position, entry) in entries.iter().enumerate() {
            match &entry.what {
                Revoked::Token { issuer, id } => {
                    let index = list.index_mut(issuer.as_deref());
                    index.tokens.entry(id.clone()).or_default().push(position);
                }
                Revoked::Session { issuer, session } => {
                    let index = list.index_mut(issuer.as_deref());
                    index.sessions.entry(session.clone()).or_default().push(position);
                }
                Revoked::Subject { issuer, subject, .. } => {
                    let index = list.index_mut(Some(issuer));
                    index.subjects.entry(subject.clone()).or_default().push(position);
                }
                Revoked::Issuer { issuer, .. } => {
                    list.index_mut(Some(issuer)).whole.push(position);
                }
            }
        }
        list.entries = entries;
        list
    }

    fn index_mut(&mut self, issuer: Option<&str>) -> &mut Index {
        match issuer {
            None => &mut self.anywhere,
            Some(issuer) => self.issuers.entry(issuer.to_owned()).or_default(),
        }
    }

    /// Every issuer that an entry names.
    pub fn issuers(&self) -> impl Iterator<Item = &str> {
        self.issuers.keys().map(String::as_str)
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The first entry that ends the token with these verified `claims` of `issuer`.
    pub fn find(&self, issuer: &str, claims: &Claims, now: UnixTime) -> Option<&Revocation> {
        if self.entries.is_empty() {
            return None;
        }
        let indexes = [Some(&self.anywhere), self.issuers.get(issuer)];
        indexes.into_iter().flatten().find_map(|index| {
            let named = [
                (&index.tokens, claims.text("jti")),
                (&index.sessions, claims.text(SESSION_CLAIM)),
                (&index.subjects, claims.subject()),
            ];
            let named =
                named.into_iter().filter_map(|(positions, name)| positions.get(name?)).flatten();
            named
                .chain(&index.whole)
                .filter_map(|position| self.entries.get(*position))
                .find(|entry| entry.ends(claims, now))
        })
    }
}

impl Revocation {
    /// Whether this entry, which names the token, still counts and reaches it.
    fn ends(&self, claims: &Claims, now: UnixTime) -> bool {
        if self.expires_at.is_some_and(|end| end <= now) {
            return false;
        }
        match &self.what {
            Revoked::Token { .. } | Revoked::Session { .. } => true,
            Revoked::Subject { issued_before, .. } | Revoked::Issuer { issued_before, .. } => {
                // A token that does not say when it was issued cannot escape by that.
                claims.moment("iat").is_none_or(|issued_at| issued_at < *issued_before)
            }
        }
    }
}

/// Sessions that an issuer in this installation ended, for as long as a token of theirs may live.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndedSessions {
    issuer: String,
    /// None where they could not be learned.
    sessions: Option<HashSet<String>>,
}

impl EndedSessions {
    /// These sessions of `issuer`.
    pub fn new(issuer: impl Into<String>, sessions: impl IntoIterator<Item = String>) -> Self {
        Self { issuer: issuer.into(), sessions: Some(sessions.into_iter().collect()) }
    }

    /// `issuer` ends sessions, and nobody can say which.
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

    /// Whether the token with these verified `claims` of `issuer` belongs to a session that may
    /// have ended without anybody here knowing.
    pub fn are_unknown_for(&self, issuer: &str, claims: &Claims) -> bool {
        self.sessions.is_none()
            && self.issuer == issuer
            && claims.as_map().contains_key(SESSION_CLAIM)
    }

    /// Whether each of these is known to be one of `others`, too.
    pub fn is_subset(&self, others: &Self) -> bool {
        let both = self.sessions.as_ref().zip(others.sessions.as_ref());
        both.is_some_and(|(these, others)| these.is_subset(others))
    }

    /// How many are known.
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
