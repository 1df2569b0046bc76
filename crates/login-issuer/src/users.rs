//! Users who may sign in: names, passwords, groups.
//! Never stores a password; neither the answer nor its time reveals whether a name exists.

use std::net::IpAddr;

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher as _, PasswordVerifier as _},
};
use login_common::{Secret, UnixTime};

use crate::{
    PasswordPolicy,
    opaque::{self, CryptoError},
    store::{Store, StoreError, UserRecord},
    throttle::{Limits, Throttle, network_of},
};

/// Maximum length of a name in bytes.
pub(crate) const LONGEST_NAME: usize = 128;
/// Maximum length of a password in bytes: argon2 would accept more, but no user types more.
pub(crate) const LONGEST_PASSWORD: usize = 1024;

/// A user, as shown to the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// `sub` of their tokens: a later user of the same name gets another one.
    pub id: String,
    /// The name they type; `preferred_username` of their tokens.
    pub name: String,
    /// `groups` of their tokens.
    pub groups: Vec<String>,
    /// When the operator added them.
    pub created_at: UnixTime,
}

/// A user to add.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// 1 to 128 ASCII letters, digits and `._@+-`; unique without regard to case.
    pub name: String,
    /// At least as long as the policy asks, at most 1024 bytes.
    pub password: Secret,
    /// 1 to 256 characters each, without control characters.
    pub groups: Vec<String>,
}

impl From<UserRecord> for User {
    fn from(record: UserRecord) -> Self {
        Self {
            id: record.id,
            name: record.name,
            groups: record.groups,
            created_at: record.created_at,
        }
    }
}

/// No colon, so that no user can have a `client:` or `system:` name.
pub(crate) fn is_user_name(text: &str) -> bool {
    let allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'@' | b'+' | b'-');
    (1..=LONGEST_NAME).contains(&text.len()) && text.bytes().all(allowed)
}

pub(crate) fn is_group_name(text: &str) -> bool {
    (1..=256).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

/// The PHC string of `password` (RFC 9106 argon2id, one lane).
pub(crate) fn hash_password(
    password: &Secret,
    policy: PasswordPolicy,
) -> Result<Secret, CryptoError> {
    let action = "hash a password";
    let params = Params::new(policy.memory_kib, policy.passes, 1, None)
        .map_err(|source| CryptoError::because(action, source))?;
    let salt = opaque::random_bytes::<16>()?;
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_with_salt(password.expose().as_bytes(), &salt)
        .map(|hash| Secret::new(hash.to_string()))
        .map_err(|source| CryptoError::because(action, source))
}

/// Verifies a password; the cost is the one that `hash` records.
fn is_hash_of(password: &[u8], hash: &Secret) -> bool {
    Argon2::default().verify_password(password, hash.expose()).is_ok()
}

/// Checks passwords, at a rate that does not affect honest users.
pub(crate) struct PasswordCheck {
    by_user: Throttle,
    by_source: Throttle,
    /// Hash of a random password; verified when there is no such user.
    nobody: Secret,
}

/// The outcome of a password check.
pub(crate) enum PasswordVerdict {
    Right(UserRecord),
    Wrong,
    /// Too many attempts; the password was not checked.
    Throttled(UnixTime),
}

impl PasswordCheck {
    pub(crate) fn new(policy: PasswordPolicy) -> Result<Self, CryptoError> {
        Ok(Self {
            by_user: Throttle::new(Limits::USER),
            by_source: Throttle::new(Limits::SOURCE),
            nobody: hash_password(&opaque::token("")?, policy)?,
        })
    }

    pub(crate) fn check(
        &self,
        store: &dyn Store,
        name: &str,
        password: &Secret,
        source: IpAddr,
        now: UnixTime,
    ) -> Result<PasswordVerdict, StoreError> {
        self.check_by(store, name, password, source, now, is_hash_of)
    }

    /// The same with the costly part as an argument, so that tests can count it.
    fn check_by(
        &self,
        store: &dyn Store,
        name: &str,
        password: &Secret,
        source: IpAddr,
        now: UnixTime,
        is_hash_of: impl FnOnce(&[u8], &Secret) -> bool,
    ) -> Result<PasswordVerdict, StoreError> {
        let source = network_of(source).to_string();
        // Names that cannot exist share one count, which also keeps keys short.
        let name_key = if is_user_name(name) { name.to_ascii_lowercase() } else { String::new() };
        let admitted =
            self.by_source.admit(&source, now).and_then(|()| self.by_user.admit(&name_key, now));
        if let Err(until) = admitted {
            return Ok(PasswordVerdict::Throttled(until));
        }
        let user = if name_key.is_empty() { None } else { store.user_by_name(name)? };
        let hash = user.as_ref().map_or(&self.nobody, |user| &user.password_hash);
        let possible = (1..=LONGEST_PASSWORD).contains(&password.expose().len());
        // Always one hash computation, whatever is wrong.
        let tried = if possible { password.expose().as_bytes() } else { b"" };
        let fits = is_hash_of(tried, hash);
        match user.filter(|_| fits && possible) {
            Some(user) => {
                self.by_user.forget(&name_key);
                self.by_source.forgive(&source);
                Ok(PasswordVerdict::Right(user))
            }
            None => Ok(PasswordVerdict::Wrong),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_be_taken_for_others_are_refused() {
        for good in ["alice", "alice@example.com", "A.b-c_d+e", &"x".repeat(128)] {
            assert!(is_user_name(good), "{good}");
        }
        for bad in ["", "system:admin", "client:ci", "al ice", "álice", "a\n", &"x".repeat(129)] {
            assert!(!is_user_name(bad), "{bad}");
        }
        assert!(is_group_name("team:a b"));
        assert!(!is_group_name("") && !is_group_name("a\u{7}") && !is_group_name(&"g".repeat(257)));
    }

    #[test]
    fn hashes_say_what_they_cost_and_differ_by_salt() {
        let policy = PasswordPolicy { minimum_length: 1, memory_kib: 16, passes: 1 };
        let hash = || hash_password(&Secret::new("hunter2"), policy).unwrap();
        assert!(hash().expose().starts_with("$argon2id$v=19$m=16,t=1,p=1$"), "cost");
        assert!(!hash().same_as(&hash()));
    }

    #[test]
    fn an_unknown_name_costs_as_much_as_a_wrong_password() {
        use crate::{Administration, NewUser, store::SqliteStore};

        let policy = PasswordPolicy { minimum_length: 1, memory_kib: 16, passes: 1 };
        let store = SqliteStore::in_memory().unwrap();
        let now = UnixTime::from_seconds(0);
        let alice =
            NewUser { name: "alice".into(), password: "a".to_owned().into(), groups: vec![] };
        Administration::new(&store, policy).add_user(&alice, now).unwrap();
        let check = PasswordCheck::new(policy).unwrap();
        let too_long = "x".repeat(LONGEST_PASSWORD + 1);
        for (name, password) in [
            ("alice", "b"),
            ("alice", ""),
            ("alice", &too_long),
            ("nobody", "b"),
            ("no such: name", "b"),
            ("bob", ""),
        ] {
            // A hash begins with its cost: algorithm, memory, passes.
            let mut costs = Vec::new();
            let counted = |tried: &[u8], hash: &Secret| {
                assert!(tried.len() <= LONGEST_PASSWORD);
                costs.push(hash.expose().split('$').take(4).collect::<Vec<_>>().join("$"));
                is_hash_of(tried, hash)
            };
            let source = "::1".parse().unwrap();
            let verdict =
                check.check_by(&store, name, &Secret::new(password), source, now, counted).unwrap();
            assert!(matches!(verdict, PasswordVerdict::Wrong));
            assert_eq!(costs, ["$argon2id$v=19$m=16,t=1,p=1"], "{name:?}");
        }
    }
}
