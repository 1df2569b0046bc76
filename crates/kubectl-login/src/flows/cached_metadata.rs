//! Caches the issuer's discovery document, so that a renewal takes one request.
//! Never trusted without the checks that a fetched document gets; never used by a session whose
//! trust settings would not have accepted the server it came from.

use std::time::Duration;

use login_common::{UnixTime, names::IssuerUrl};
use login_protocols::oidc::{ProviderMetadata, discovery::MAX_METADATA_LENGTH};

use login_cache::{
    digest::digest_of,
    store::{Directory, StoreError},
};

/// First word of a document. Documents of versions that did not record trust are not read.
const FORMAT: &str = "kubectl-login/2";

/// A document is fetched again after this time, or when an endpoint in it does not work.
const MAX_AGE: Duration = Duration::from_hours(24);

/// The trust settings under which a document was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Voucher(String);

impl Voucher {
    /// The system's authorities and these, in PEM; file names do not matter.
    pub(super) fn of(authorities: &[Vec<u8>]) -> Self {
        let mut digests: Vec<String> = authorities.iter().map(|pem| digest_of(pem)).collect();
        digests.sort_unstable();
        digests.dedup();
        Self(digests.join(" "))
    }
}

fn file(issuer: &IssuerUrl, voucher: &Voucher) -> String {
    format!("{}.discovery", digest_of(format!("{issuer}\n{}", voucher.0).as_bytes()))
}

/// The cached document of an issuer, if it is not too old at `now`.
pub(super) fn load(
    directory: &Directory,
    issuer: &IssuerUrl,
    voucher: &Voucher,
    now: UnixTime,
) -> Option<ProviderMetadata> {
    let bytes = directory.read(&file(issuer, voucher), MAX_METADATA_LENGTH + 64)?;
    let text = String::from_utf8(bytes).ok()?;
    let (head, json) = text.split_once('\n')?;
    let (format, fetched_at) = head.split_once(' ')?;
    let fetched_at = UnixTime::from_seconds(fetched_at.parse().ok()?);
    let is_usable = format == FORMAT && fetched_at <= now && now.since(fetched_at) < MAX_AGE;
    is_usable.then(|| ProviderMetadata::parse(json.as_bytes(), issuer).ok()).flatten()
}

/// Caches a document that was fetched at `now`.
pub(super) fn save(
    directory: &Directory,
    issuer: &IssuerUrl,
    voucher: &Voucher,
    json: &[u8],
    now: UnixTime,
) -> Result<(), StoreError> {
    let mut content = format!("{FORMAT} {}\n", now.as_seconds()).into_bytes();
    content.extend_from_slice(json);
    directory.write(&file(issuer, voucher), &content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_kept_for_a_day_and_checked_each_time() {
        let scratch = tempfile::tempdir().unwrap();
        let directory = Directory::new(scratch.path().join("cache"));
        let issuer = IssuerUrl::parse("https://id.example").unwrap();
        let (at, system) = (UnixTime::from_seconds, Voucher::of(&[]));
        let json = br#"{"issuer":"https://id.example","token_endpoint":"https://id.example/t"}"#;
        assert!(load(&directory, &issuer, &system, at(1000)).is_none());
        save(&directory, &issuer, &system, json, at(1000)).unwrap();
        let day = 86_400;
        for (now, kept) in [(1000, true), (999, false), (1000 + day - 1, true), (1000 + day, false)]
        {
            assert_eq!(load(&directory, &issuer, &system, at(now)).is_some(), kept, "{now}");
        }
        let evil = br#"{"issuer":"https://evil.example"}"#;
        save(&directory, &issuer, &system, evil, at(1000)).unwrap();
        assert!(load(&directory, &issuer, &system, at(1000)).is_none());
    }

    #[test]
    fn a_document_is_used_only_where_its_authority_is_believed() {
        let scratch = tempfile::tempdir().unwrap();
        let directory = Directory::new(scratch.path().join("cache"));
        let issuer = IssuerUrl::parse("https://id.example").unwrap();
        let (one, two) = (b"one".to_vec(), b"two".to_vec());
        let vouchers = [
            Voucher::of(&[]),
            Voucher::of(std::slice::from_ref(&one)),
            Voucher::of(std::slice::from_ref(&two)),
            Voucher::of(&[one.clone(), two.clone()]),
        ];
        let at = UnixTime::from_seconds(1000);
        for (kept, voucher) in vouchers.iter().enumerate() {
            let json =
                br#"{"issuer":"https://id.example","token_endpoint":"https://id.example/t"}"#;
            save(&directory, &issuer, voucher, json, at).unwrap();
            for (other, voucher) in vouchers.iter().enumerate() {
                let found = load(&directory, &issuer, voucher, at).is_some();
                assert_eq!(found, other <= kept, "{kept} {other}");
            }
        }
        assert_eq!(Voucher::of(&[two.clone(), one.clone(), two]), vouchers[3]);
    }
}
