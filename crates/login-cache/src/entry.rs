//! A cached token as the complete answer, for both versions of the protocol.
//! Never returns a partial answer: an entry that does not match its checksum is a miss.
//!
//! ```text
//! kubectl-login/2 <cache key> <checksum of the rest>
//! <issued at> <tried at> <renew at> <fresh until> <valid until> <suspicions>
//! {"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1",…}
//! {"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1",…}
//! ```

use login_common::{
    Secret, UnixTime,
    exec_credential::{ExecApiVersion, ExecCredential},
};
use zeroize::Zeroizing;

use super::{
    digest::hexadecimal,
    freshness::Lifetime,
    key::CacheKey,
    store::{Directory, Opened, StoreError},
};

/// First word of an entry.
const FORMAT: &str = "kubectl-login/2";

/// The kind of file.
const KIND: &str = "token";

/// Longest entry: two answers with the longest token, and some room.
const MAX_LENGTH: usize = 288 * 1024;

/// Guards against accidents (a crash, a full disk), not against the user, who owns the file; a
/// cryptographic digest would take a fifth of the cached path's time.
fn checksum(body: &str) -> String {
    hexadecimal(&crc32fast::hash(body.as_bytes()).to_be_bytes())
}

/// An entry as read.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// When to renew.
    pub lifetime: Lifetime,
    /// How many times in a row a cluster was suspected of refusing such a token (`served`).
    pub suspicions: u32,
    text: Zeroizing<String>,
    v1: std::ops::Range<usize>,
    v1beta1: std::ops::Range<usize>,
}

impl Entry {
    /// Reads the entry of a session; unexpected content is a miss.
    pub fn load(directory: &Directory, key: &CacheKey) -> Option<Self> {
        Self::parse(key, directory.read(&key.file(KIND), MAX_LENGTH)?)
    }

    /// As `load`, with its file, which says who was given the token.
    pub fn open(directory: &Directory, key: &CacheKey) -> Option<(Self, Opened)> {
        let mut opened = directory.open(&key.file(KIND), MAX_LENGTH)?;
        let entry = Self::parse(key, std::mem::take(&mut opened.content))?;
        Some((entry, opened))
    }

    /// Replaces the entry of a session.
    pub fn save(
        directory: &Directory,
        key: &CacheKey,
        token: &Secret,
        lifetime: Lifetime,
        suspicions: u32,
    ) -> Result<(), StoreError> {
        let text = Self::render(key, token, lifetime, suspicions);
        directory.write(&key.file(KIND), text.as_bytes())
    }

    /// Removes the entry of a session.
    pub fn remove(directory: &Directory, key: &CacheKey) -> Result<(), StoreError> {
        directory.remove(&key.file(KIND))
    }

    /// The text of an entry for `token`.
    fn render(
        key: &CacheKey,
        token: &Secret,
        lifetime: Lifetime,
        suspicions: u32,
    ) -> Zeroizing<String> {
        let credential =
            ExecCredential { token: token.clone(), expires_at: Some(lifetime.fresh_until) };
        let body = Zeroizing::new(format!(
            "{} {} {} {} {} {suspicions}\n{}{}",
            lifetime.issued_at.as_seconds(),
            lifetime.tried_at.as_seconds(),
            lifetime.renew_at.as_seconds(),
            lifetime.fresh_until.as_seconds(),
            lifetime.valid_until.as_seconds(),
            *credential.render(ExecApiVersion::V1),
            *credential.render(ExecApiVersion::V1Beta1),
        ));
        Zeroizing::new(format!("{FORMAT} {key} {}\n{}", checksum(&body), *body))
    }

    /// Reads an entry; unexpected content is a miss.
    pub fn parse(key: &CacheKey, bytes: Vec<u8>) -> Option<Self> {
        let text = Zeroizing::new(String::from_utf8(bytes).ok()?);
        let (head, body) = text.split_once('\n')?;
        let mut words = head.split(' ');
        let known = words.next()? == FORMAT && words.next()? == key.as_str();
        let intact = words.next()? == checksum(body);
        if !known || !intact || words.next().is_some() {
            return None;
        }
        let (numbers, answers) = body.split_once('\n')?;
        let (moments, suspicions) = numbers.rsplit_once(' ')?;
        let mut moments = moments.split(' ').map(|text| text.parse().ok());
        let mut moment = || moments.next().flatten().map(UnixTime::from_seconds);
        let lifetime = Lifetime {
            issued_at: moment()?,
            tried_at: moment()?,
            renew_at: moment()?,
            fresh_until: moment()?,
            valid_until: moment()?,
        };
        let suspicions = suspicions.parse().ok()?;
        let (v1, v1beta1) = answers.split_once('\n')?;
        let begin = text.len() - answers.len();
        let middle = begin + v1.len() + 1;
        let end = text.len();
        let whole = v1.ends_with("}}") && v1beta1.ends_with("}}\n") && v1beta1.lines().count() == 1;
        whole.then(|| Self { lifetime, suspicions, v1: begin..middle, v1beta1: middle..end, text })
    }

    /// The line for stdout.
    pub fn answer(&self, version: ExecApiVersion) -> &str {
        let range = match version {
            ExecApiVersion::V1 => self.v1.clone(),
            ExecApiVersion::V1Beta1 => self.v1beta1.clone(),
        };
        self.text.get(range).unwrap_or_default()
    }

    /// The token itself; only a renewal needs it.
    pub fn token(&self) -> Option<Secret> {
        let answer: serde_json::Value =
            serde_json::from_str(self.answer(ExecApiVersion::V1)).ok()?;
        answer.pointer("/status/token")?.as_str().map(Secret::new)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> CacheKey {
        CacheKey::of_client("https://id.example", "k")
    }

    fn lifetime() -> Lifetime {
        Lifetime {
            issued_at: UnixTime::from_seconds(1_769_860_260),
            tried_at: UnixTime::from_seconds(1_769_860_261),
            renew_at: UnixTime::from_seconds(1_769_860_740),
            fresh_until: UnixTime::from_seconds(1_769_860_800),
            valid_until: UnixTime::from_seconds(1_769_860_860),
        }
    }

    fn rendered() -> String {
        Entry::render(&key(), &Secret::new("a.b.c"), lifetime(), 3).to_string()
    }

    #[test]
    fn both_answers_come_back_as_they_will_be_printed() {
        let entry = Entry::parse(&key(), rendered().into_bytes()).unwrap();
        assert_eq!((entry.lifetime, entry.suspicions), (lifetime(), 3));
        let credential = ExecCredential {
            token: Secret::new("a.b.c"),
            expires_at: Some(lifetime().fresh_until),
        };
        for version in ExecApiVersion::ALL {
            assert_eq!(entry.answer(version), credential.render(version).as_str());
        }
        assert_eq!(entry.token().unwrap().expose(), "a.b.c");
    }

    #[test]
    fn corrupt_entries_are_misses() {
        let good = rendered();
        let other = CacheKey::of_client("https://other.example", "k");
        assert!(Entry::parse(&other, good.clone().into_bytes()).is_none());
        for text in [
            String::new(),
            "\n\n\n".to_owned(),
            "{}".to_owned(),
            good.replace("kubectl-login/2", "kubectl-login/1"),
            good.replace("kubectl-login/2", "kubectl-login/3"),
            good.replace("a.b.c", "a.b.d"),
            good.replace("1769860800", "9769860800"),
            good.replace('\n', "\r\n"),
            format!("{good}\n"),
            format!(" {good}"),
            good.trim_end().to_owned(),
        ] {
            assert!(Entry::parse(&key(), text.clone().into_bytes()).is_none(), "{text}");
        }
        assert!(Entry::parse(&key(), vec![0xff; 64]).is_none());
        // What a crash can leave behind: the beginning of the file, then zeros.
        for length in 0..good.len() {
            let mut torn = good.clone().into_bytes();
            torn.truncate(length);
            assert!(Entry::parse(&key(), torn.clone()).is_none(), "{length}");
            torn.resize(good.len(), 0);
            assert!(Entry::parse(&key(), torn).is_none(), "{length}");
        }
    }

    proptest! {
        #[test]
        fn one_flipped_bit_is_a_miss(position in any::<prop::sample::Index>(), bit in 0..8u8) {
            let mut bytes = rendered().into_bytes();
            let position = position.index(bytes.len());
            bytes[position] ^= 1 << bit;
            prop_assert!(Entry::parse(&key(), bytes).is_none());
        }

        #[test]
        fn any_token_and_lifetime_round_trips(token in "[A-Za-z0-9._~+/=-]{1,200}", issued: i64, tried: i64, renew: i64, fresh: i64, valid: i64, suspicions: u32) {
            let lifetime = Lifetime {
                issued_at: UnixTime::from_seconds(issued),
                tried_at: UnixTime::from_seconds(tried),
                renew_at: UnixTime::from_seconds(renew),
                fresh_until: UnixTime::from_seconds(fresh),
                valid_until: UnixTime::from_seconds(valid),
            };
            let text = Entry::render(&key(), &Secret::new(token.clone()), lifetime, suspicions);
            let entry = Entry::parse(&key(), text.as_bytes().to_vec()).unwrap();
            prop_assert_eq!((entry.lifetime, entry.suspicions), (lifetime, suspicions));
            let found = entry.token().unwrap();
            prop_assert_eq!(found.expose(), token);
        }
    }
}
