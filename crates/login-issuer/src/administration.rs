//! Operator actions on users and clients; they need the store, not a running issuer.
//! Never shows a secret twice.

use std::collections::BTreeSet;

use login_common::{Secret, UnixTime, names::ClientId};
use thiserror::Error;

use crate::{
    Client, NewClient, NewUser, PUBLIC_CLIENT_ID, PasswordPolicy, User,
    opaque::{self, CryptoError, Digest},
    store::{ClientRecord, Store, StoreError, UserRecord},
    users::{LONGEST_PASSWORD, hash_password, is_group_name, is_user_name},
};

/// Prefix of a user's `sub`.
const USER_ID_PREFIX: &str = "user_";

/// Maximum bytes of one user's groups, which are sent in a header of every request.
const LONGEST_GROUPS: usize = 4096;

/// The operator's view of a store. A running issuer on the same store sees changes at once.
pub struct Administration<'s> {
    store: &'s dyn Store,
    passwords: PasswordPolicy,
}

/// Why an operator's request was refused.
#[derive(Debug, Error)]
pub enum AdministrationError {
    /// See [`NewUser::name`].
    #[error("a user name has 1 to 128 letters, digits and `._@+-`, which `{0}` has not")]
    UserName(String),
    /// See [`NewUser::groups`].
    #[error("a group has 1 to 256 characters, none of them a control character")]
    GroupName,
    /// Groups are in every token, and a token must fit into a header.
    #[error("the groups have more than {LONGEST_GROUPS} bytes together")]
    TooManyGroups,
    /// Too short.
    #[error("the password has fewer than {minimum} characters")]
    PasswordTooShort {
        /// Minimum number of characters.
        minimum: usize,
    },
    /// Too long.
    #[error("the password has more than 1024 bytes")]
    PasswordTooLong,
    /// The name is taken, perhaps in another case.
    #[error("user `{0}` exists already")]
    UserExists(String),
    /// No user has that name.
    #[error("there is no user `{0}`")]
    NoSuchUser(String),
    /// The id could be mistaken for a user's `sub`.
    #[error("a client id must not begin with `user_`, which `{0}` does")]
    ClientLooksLikeUser(ClientId),
    /// The id is taken or built in.
    #[error("client `{0}` exists already")]
    ClientExists(ClientId),
    /// No client has that id.
    #[error("there is no client `{0}`")]
    NoSuchClient(ClientId),
    /// The built-in client cannot be changed.
    #[error("client `{0}` is built in")]
    BuiltInClient(ClientId),
    /// The cryptography library failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl<'s> Administration<'s> {
    /// Administers `store`; new passwords follow `passwords`.
    pub fn new(store: &'s dyn Store, passwords: PasswordPolicy) -> Self {
        Self { store, passwords }
    }

    /// Adds a user.
    pub fn add_user(&self, user: &NewUser, now: UnixTime) -> Result<User, AdministrationError> {
        if !is_user_name(&user.name) {
            return Err(AdministrationError::UserName(user.name.chars().take(64).collect()));
        }
        let record = UserRecord {
            id: opaque::identifier(USER_ID_PREFIX)?,
            name: user.name.clone(),
            groups: checked_groups(&user.groups)?,
            password_hash: self.hash(&user.password)?,
            created_at: now,
        };
        if self.store.add_user(&record)? {
            Ok(record.into())
        } else {
            Err(AdministrationError::UserExists(user.name.clone()))
        }
    }

    /// All users, sorted by name.
    pub fn users(&self) -> Result<Vec<User>, AdministrationError> {
        Ok(self.store.users()?.into_iter().map(User::from).collect())
    }

    /// Deletes a user and ends their sessions; verifiers that check for ended sessions refuse their
    /// tokens.
    pub fn delete_user(&self, name: &str, now: UnixTime) -> Result<(), AdministrationError> {
        if self.store.delete_user(name, now)? {
            Ok(())
        } else {
            Err(AdministrationError::NoSuchUser(name.to_owned()))
        }
    }

    /// Replaces a password and ends the user's sessions.
    pub fn set_password(
        &self,
        name: &str,
        password: &Secret,
        now: UnixTime,
    ) -> Result<(), AdministrationError> {
        if self.store.set_password(name, &self.hash(password)?, now)? {
            Ok(())
        } else {
            Err(AdministrationError::NoSuchUser(name.to_owned()))
        }
    }

    /// Replaces a user's groups. Tokens already issued keep the old ones until they expire.
    pub fn set_user_groups(
        &self,
        name: &str,
        groups: &[String],
    ) -> Result<(), AdministrationError> {
        if self.store.set_user_groups(name, &checked_groups(groups)?)? {
            Ok(())
        } else {
            Err(AdministrationError::NoSuchUser(name.to_owned()))
        }
    }

    /// Ends a user's sessions and pending sign-ins, and returns the number of sessions. Verifiers
    /// that check for ended sessions refuse their tokens.
    pub fn end_user_sessions(
        &self,
        name: &str,
        now: UnixTime,
    ) -> Result<usize, AdministrationError> {
        let ended = self.store.end_user_sessions(name, now)?;
        ended.ok_or_else(|| AdministrationError::NoSuchUser(name.to_owned()))
    }

    /// Adds a machine client; the secret is shown only once.
    pub fn add_client(
        &self,
        client: &NewClient,
        now: UnixTime,
    ) -> Result<(Client, Secret), AdministrationError> {
        let id = &client.id;
        if id.as_str().starts_with(USER_ID_PREFIX) {
            return Err(AdministrationError::ClientLooksLikeUser(id.clone()));
        }
        let secret = opaque::token("kls_")?;
        let record = ClientRecord {
            id: id.as_str().to_owned(),
            secret: Digest::of(secret.expose()),
            groups: checked_groups(&client.groups)?,
            created_at: now,
        };
        if id.as_str() == PUBLIC_CLIENT_ID || !self.store.add_client(&record)? {
            return Err(AdministrationError::ClientExists(id.clone()));
        }
        Ok((Client { id: id.clone(), groups: record.groups, created_at: now }, secret))
    }

    /// All machine clients, sorted by id, without the built-in client.
    pub fn clients(&self) -> Result<Vec<Client>, AdministrationError> {
        self.store
            .clients()?
            .into_iter()
            .map(|record| {
                let id = ClientId::parse(&record.id)
                    .map_err(|source| StoreError::new("read a client", source))?;
                Ok(Client { id, groups: record.groups, created_at: record.created_at })
            })
            .collect()
    }

    /// Replaces the groups of a machine client. Tokens already issued keep the old ones.
    pub fn set_client_groups(
        &self,
        id: &ClientId,
        groups: &[String],
    ) -> Result<(), AdministrationError> {
        if id.as_str() == PUBLIC_CLIENT_ID {
            return Err(AdministrationError::BuiltInClient(id.clone()));
        }
        if self.store.set_client_groups(id.as_str(), &checked_groups(groups)?)? {
            Ok(())
        } else {
            Err(AdministrationError::NoSuchClient(id.clone()))
        }
    }

    /// Deletes a machine client. Tokens already issued stay valid until they expire.
    pub fn delete_client(&self, id: &ClientId) -> Result<(), AdministrationError> {
        if id.as_str() == PUBLIC_CLIENT_ID {
            return Err(AdministrationError::BuiltInClient(id.clone()));
        }
        if self.store.delete_client(id.as_str())? {
            Ok(())
        } else {
            Err(AdministrationError::NoSuchClient(id.clone()))
        }
    }

    fn hash(&self, password: &Secret) -> Result<Secret, AdministrationError> {
        let minimum = self.passwords.minimum_length.max(1);
        if password.expose().chars().count() < minimum {
            return Err(AdministrationError::PasswordTooShort { minimum });
        }
        if password.expose().len() > LONGEST_PASSWORD {
            return Err(AdministrationError::PasswordTooLong);
        }
        Ok(hash_password(password, self.passwords)?)
    }
}

/// Sorted, without duplicates.
fn checked_groups(groups: &[String]) -> Result<Vec<String>, AdministrationError> {
    if !groups.iter().all(|group| is_group_name(group)) {
        return Err(AdministrationError::GroupName);
    }
    if groups.iter().map(String::len).sum::<usize>() > LONGEST_GROUPS {
        return Err(AdministrationError::TooManyGroups);
    }
    let sorted: BTreeSet<String> = groups.iter().cloned().collect();
    Ok(sorted.into_iter().collect())
}
