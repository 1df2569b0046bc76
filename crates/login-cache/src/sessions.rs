//! A session's record: its identity and its expiry, for the commands that list, end and examine it.
//! Never holds a secret; never read on the way to a token.

use std::path::PathBuf;

use login_common::{
    UnixTime,
    names::{ClientId, IssuerUrl},
};
use serde::{Deserialize, Serialize};

use super::{
    FORMAT, backoff,
    entry::Entry,
    key::CacheKey,
    refresh_secret::{Protection, RefreshSecrets},
    store::{Directory, StoreError},
};

/// The kind of file.
const KIND: &str = "session";

/// Longest record; it may hold an authority's certificates.
const MAX_LENGTH: usize = 256 * 1024;

/// A session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// Names its files.
    pub key: CacheKey,
    /// The issuer that signs its tokens.
    pub issuer: IssuerUrl,
    /// The client that requests them.
    pub client_id: ClientId,
    /// `--account`
    pub account: Option<String>,
    /// `--username`
    pub username: Option<String>,
    /// Sorted.
    pub scopes: Vec<String>,
    /// `--audience`
    pub audience: Option<String>,
    /// `--flow`, as given.
    pub flow: String,
    /// Access tokens instead of ID tokens.
    pub use_access_token: bool,
    /// `sub` of the ID token.
    pub subject: Option<String>,
    /// The signed-in user's name, for display.
    pub display_name: Option<String>,
    /// When a user or a job signed in.
    pub signed_in_at: UnixTime,
    /// The expiry of the latest token.
    pub valid_until: UnixTime,
    /// How the refresh token is stored; `None` when there is none.
    pub protection: Option<Protection>,
    /// Why there is none, for display.
    pub unrenewable: Option<String>,
    /// Flows that the issuer does not let this client use.
    pub refused_ways: Vec<String>,
    /// The authorities that may authenticate the issuer, as given.
    pub certificate_authorities: Vec<Authority>,
    /// `--insecure-skip-tls-verify`
    pub insecure_skip_tls_verify: bool,
}

impl SessionRecord {
    fn parse(key: CacheKey, json: &[u8]) -> Option<Self> {
        let written: Written = serde_json::from_slice(json).ok()?;
        (written.format == FORMAT).then_some(())?;
        Some(Self {
            key,
            issuer: IssuerUrl::parse(&written.issuer).ok()?,
            client_id: ClientId::parse(&written.client_id).ok()?,
            account: written.account,
            username: written.username,
            scopes: written.scopes,
            audience: written.audience,
            flow: written.flow,
            use_access_token: written.use_access_token,
            subject: written.subject,
            display_name: written.display_name,
            signed_in_at: UnixTime::parse_rfc3339(&written.signed_in_at).ok()?,
            valid_until: UnixTime::parse_rfc3339(&written.valid_until).ok()?,
            protection: written.storage.as_deref().and_then(Protection::parse),
            unrenewable: written.unrenewable,
            refused_ways: written.refused_ways,
            certificate_authorities: written.certificate_authorities,
            insecure_skip_tls_verify: written.insecure_skip_tls_verify,
        })
    }

    fn render(&self) -> Vec<u8> {
        let written = Written {
            format: FORMAT.to_owned(),
            issuer: self.issuer.as_str().to_owned(),
            client_id: self.client_id.as_str().to_owned(),
            account: self.account.clone(),
            username: self.username.clone(),
            scopes: self.scopes.clone(),
            audience: self.audience.clone(),
            flow: self.flow.clone(),
            use_access_token: self.use_access_token,
            subject: self.subject.clone(),
            display_name: self.display_name.clone(),
            signed_in_at: self.signed_in_at.to_rfc3339(),
            valid_until: self.valid_until.to_rfc3339(),
            storage: self.protection.map(|protection| protection.as_str().to_owned()),
            unrenewable: self.unrenewable.clone(),
            refused_ways: self.refused_ways.clone(),
            certificate_authorities: self.certificate_authorities.clone(),
            insecure_skip_tls_verify: self.insecure_skip_tls_verify,
        };
        // Fails only for a path that is not UTF-8; then there is no record to list.
        serde_json::to_vec(&written).unwrap_or_default()
    }
}

/// The content of the file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    format: String,
    issuer: String,
    client_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    scopes: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    audience: Option<String>,
    flow: String,
    #[serde(default)]
    use_access_token: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    signed_in_at: String,
    valid_until: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    storage: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unrenewable: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    refused_ways: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    certificate_authorities: Vec<Authority>,
    #[serde(default)]
    insecure_skip_tls_verify: bool,
}

/// An authority that may authenticate the issuer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Authority {
    /// A PEM file.
    File(PathBuf),
    /// PEM text, in base64.
    Data(String),
}

/// All recorded sessions, in the order of their keys.
pub fn list(directory: &Directory) -> Vec<SessionRecord> {
    let mut names = directory.names();
    names.sort_unstable();
    let keys = names.iter().filter_map(|name| CacheKey::parse(name.strip_suffix(".session")?));
    keys.filter_map(|key| load(directory, &key)).collect()
}

/// The record of a session.
pub fn load(directory: &Directory, key: &CacheKey) -> Option<SessionRecord> {
    SessionRecord::parse(key.clone(), &directory.read(&key.file(KIND), MAX_LENGTH)?)
}

/// Replaces the record of a session.
pub fn save(directory: &Directory, record: &SessionRecord) -> Result<(), StoreError> {
    directory.write(&record.key.file(KIND), &record.render())
}

/// Removes a session: its tokens, its failures and its record; also the sealing keys when no other
/// refresh token needs them. Its lock file stays, as another process may be waiting for it.
pub fn forget(secrets: &RefreshSecrets, key: &CacheKey) -> Result<(), StoreError> {
    let directory = secrets.directory();
    // The record goes last: a session that could not be removed stays on the list.
    secrets.forget(key)?;
    Entry::remove(directory, key)?;
    backoff::clear(directory, key)?;
    directory.remove(&key.file(KIND))?;
    secrets.forget_unused_keys();
    Ok(())
}

#[cfg(test)]
mod tests;
