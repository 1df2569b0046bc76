//! Stores key sets on disk, so that a restart does not depend on the issuers being up.
//! Never replaces a file by something that was not used as a key set, and never makes an old set
//! younger: the file says when the issuer last confirmed it.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use login_common::{UnixTime, names::IssuerUrl, strict_json};
use login_protocols::jose::KeySet;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::fetch::Fetcher;
use crate::system::files::{self, FileError, Readers};

const MAX_FILE: u64 = 2 * 1024 * 1024;

/// One file per issuer in `<state-dir>/key-sets`.
#[derive(Debug)]
pub(super) struct Persisted {
    file: PathBuf,
    owner: Owner,
}

/// Whose keys a file must hold. A file of another issuer, or of keys from another origin, is not
/// used.
#[derive(Debug)]
pub struct Owner {
    issuer: String,
    /// Digest of where the keys come from and which authority vouches for that.
    origin: String,
}

/// A key set that an earlier process used.
#[derive(Debug)]
pub struct Stored {
    /// The verification keys.
    pub keys: KeySet,
    /// The bytes that the keys were parsed from.
    pub document: Vec<u8>,
    /// When the issuer last confirmed the set; never in the future.
    pub confirmed_at: UnixTime,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    issuer: String,
    origin: String,
    /// Seconds since the epoch.
    confirmed_at: i64,
    #[serde(borrow)]
    key_set: &'a RawValue,
}

impl Persisted {
    pub(super) fn in_folder(folder: &Path, fetcher: &Fetcher) -> Self {
        let issuer: &IssuerUrl = fetcher.issuer();
        // The issuer is no file name: it may hold slashes, and two may differ only by case.
        let name = name(&[issuer.as_str()]);
        let (url, discovery_url, authority) = fetcher.origin();
        Self {
            file: folder.join(format!("{name}.json")),
            owner: Owner::new(url, discovery_url, authority),
        }
    }

    /// The stored set, if it can be used for this issuer.
    pub(super) fn load(&self, now: UnixTime) -> Option<Stored> {
        self.owner.read(&files::read(&self.file, MAX_FILE).ok()?, now)
    }

    pub(super) fn store(&self, key_set: &[u8], confirmed_at: UnixTime) -> Result<(), FileError> {
        let Some(content) = self.owner.written(key_set, confirmed_at) else { return Ok(()) };
        if let Some(folder) = self.file.parent() {
            files::make_private_folder(folder)?;
        }
        files::write(&self.file, &content, Readers::Everyone)
    }
}

impl Owner {
    /// The issuer `url`, whose discovery document is at `discovery_url`; `authority` is the PEM
    /// text of the authorities trusted for its TLS, if not the system's.
    pub fn new(url: &str, discovery_url: &str, authority: &str) -> Self {
        Self { issuer: url.to_owned(), origin: name(&[url, discovery_url, authority]) }
    }

    /// Parses a file with this content. If the wall clock has been set back since, the age of the
    /// set is unknown and it is not used.
    pub fn read(&self, content: &[u8], now: UnixTime) -> Option<Stored> {
        // The key set is checked separately, as it is when fetched.
        let document: Document<'_> = strict_json::members_in_use(content).ok()?;
        if document.issuer != self.issuer || document.origin != self.origin {
            return None;
        }
        let confirmed_at = plausible(UnixTime::from_seconds(document.confirmed_at), now)?;
        let bytes = document.key_set.get().as_bytes().to_vec();
        Some(Stored { keys: KeySet::parse(&bytes).ok()?, document: bytes, confirmed_at })
    }

    /// The file content for a set parsed from `key_set`; `None` if that is not JSON.
    pub fn written(&self, key_set: &[u8], confirmed_at: UnixTime) -> Option<Vec<u8>> {
        let document = Document {
            issuer: self.issuer.clone(),
            origin: self.origin.clone(),
            confirmed_at: confirmed_at.as_seconds(),
            key_set: serde_json::from_slice(key_set).ok()?,
        };
        serde_json::to_vec(&document).ok()
    }
}

/// Two clocks may differ by this much without either being wrong.
const TOLERATED_SKEW: Duration = Duration::from_mins(5);

/// When a set was confirmed, by a clock that may have been set since. A time slightly in the future
/// counts as now; one further in the future means that the age is unknown.
pub(super) fn plausible(confirmed_at: UnixTime, now: UnixTime) -> Option<UnixTime> {
    (confirmed_at.since(now) <= TOLERATED_SKEW).then(|| confirmed_at.min(now))
}

fn name(parts: &[&str]) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(part.as_bytes());
        context.update(&[0]);
    }
    URL_SAFE_NO_PAD.encode(context.finish())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "tests write their input files")]

    use login_protocols::jose::{SigningKey, public_key_set};

    use super::*;

    fn persisted(folder: &Path, authority: Option<&str>) -> Persisted {
        let issuer = IssuerUrl::parse("https://id.example").unwrap();
        let authority = authority.map(str::to_owned);
        let fetcher = Fetcher::new(issuer, None, authority, Duration::from_secs(1));
        Persisted::in_folder(folder, &fetcher)
    }

    #[test]
    fn a_set_reads_back_with_its_age_and_only_for_its_origin() {
        let folder = tempfile::tempdir().unwrap();
        let set = public_key_set(&[&SigningKey::generate().unwrap()]).to_string();
        let at = UnixTime::from_seconds;
        let file = persisted(folder.path(), None);
        file.store(set.as_bytes(), at(1_000)).unwrap();
        let stored = file.load(at(5_000)).unwrap();
        assert_eq!((stored.confirmed_at, stored.keys.len()), (at(1_000), 1));
        assert_eq!(stored.document, set.as_bytes());
        assert_eq!(file.load(at(700)).unwrap().confirmed_at, at(700), "a clock set a little back");
        assert!(file.load(at(699)).is_none(), "a clock set back: its age is not known");
        assert!(persisted(folder.path(), Some("another authority")).load(at(5_000)).is_none());
        // As deep as a key set may be; the file around it makes it deeper.
        let depth = strict_json::MAX_DEPTH - 1;
        let nested = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        let deep = set.replacen('{', &format!("{{\"x\":{nested},"), 1);
        KeySet::parse(deep.as_bytes()).unwrap();
        file.store(deep.as_bytes(), at(1_000)).unwrap();
        assert_eq!(file.load(at(5_000)).unwrap().document, deep.as_bytes());
    }

    #[test]
    fn what_is_not_whole_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let file = persisted(folder.path(), None);
        let set = public_key_set(&[&SigningKey::generate().unwrap()]).to_string();
        file.store(set.as_bytes(), UnixTime::from_seconds(1)).unwrap();
        let whole = std::fs::read_to_string(&file.file).unwrap();
        for spoiled in [
            String::new(),
            whole.get(..whole.len() / 2).unwrap().to_owned(),
            whole.replace("confirmedAt", "fetchedAt"),
            whole.replace("id.example", "id.example.org"),
            whole.replace("\"kty\":\"EC\"", "\"kty\":\"oct\""),
        ] {
            std::fs::write(&file.file, &spoiled).unwrap();
            assert!(file.load(UnixTime::from_seconds(2)).is_none(), "{spoiled}");
        }
    }
}
