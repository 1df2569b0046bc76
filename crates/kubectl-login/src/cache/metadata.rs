//! Keeps the issuer's discovery document, so that a renewal is one request.
//! Never trusted without the checks that a fetched one gets.

use std::time::Duration;

use login_common::{UnixTime, names::IssuerUrl};
use login_protocols::oidc::{ProviderMetadata, discovery::MAX_METADATA_LENGTH};

use super::{
    FORMAT,
    key::digest_of,
    store::{Directory, StoreError},
};

/// A document is asked for again after this time, or when an endpoint in it does not work.
pub const MAX_AGE: Duration = Duration::from_hours(24);

fn file(issuer: &IssuerUrl) -> String {
    format!("{}.discovery", digest_of(issuer.as_str().as_bytes()))
}

/// The kept document of an issuer, if it is not too old at `now`.
pub fn load(directory: &Directory, issuer: &IssuerUrl, now: UnixTime) -> Option<ProviderMetadata> {
    let bytes = directory.read(&file(issuer), MAX_METADATA_LENGTH + 64)?;
    let text = String::from_utf8(bytes).ok()?;
    let (head, json) = text.split_once('\n')?;
    let (format, fetched_at) = head.split_once(' ')?;
    let fetched_at = UnixTime::from_seconds(fetched_at.parse().ok()?);
    let is_usable = format == FORMAT && fetched_at <= now && now.since(fetched_at) < MAX_AGE;
    is_usable.then(|| ProviderMetadata::parse(json.as_bytes(), issuer).ok()).flatten()
}

/// Keeps a document that was fetched at `now`.
pub fn save(
    directory: &Directory,
    issuer: &IssuerUrl,
    json: &[u8],
    now: UnixTime,
) -> Result<(), StoreError> {
    let mut content = format!("{FORMAT} {}\n", now.as_seconds()).into_bytes();
    content.extend_from_slice(json);
    directory.write(&file(issuer), &content, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_kept_for_a_day_and_checked_each_time() {
        let scratch = tempfile::tempdir().unwrap();
        let directory = Directory::new(scratch.path().join("cache"));
        let issuer = IssuerUrl::parse("https://id.example").unwrap();
        let at = UnixTime::from_seconds;
        let json = br#"{"issuer":"https://id.example","token_endpoint":"https://id.example/t"}"#;
        assert!(load(&directory, &issuer, at(1000)).is_none());
        save(&directory, &issuer, json, at(1000)).unwrap();
        let day = 86_400;
        for (now, kept) in [(1000, true), (999, false), (1000 + day - 1, true), (1000 + day, false)]
        {
            assert_eq!(load(&directory, &issuer, at(now)).is_some(), kept, "{now}");
        }
        save(&directory, &issuer, br#"{"issuer":"https://evil.example"}"#, at(1000)).unwrap();
        assert!(load(&directory, &issuer, at(1000)).is_none());
    }
}
