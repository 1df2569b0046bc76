//! What an operator does with users and clients; needs the store, not a running issuer.
//! Never shows a secret twice.

use login_common::{Secret, UnixTime, names::ClientId};
use thiserror::Error;

use crate::{
    Client, NewClient, NewUser, PasswordPolicy, User,
    store::{Store, StoreError},
};

/// The operator's view of a store. A running issuer on the same store sees changes at once.
pub struct Administration<'s> {
    store: &'s dyn Store,
    passwords: PasswordPolicy,
}

/// Why the operator's request was not carried out.
#[derive(Debug, Error)]
pub enum AdministrationError {
    /// See [`NewUser::name`].
    #[error("a user name has 1 to 128 letters, digits and `._@+-`, which `{0}` has not")]
    UserName(String),
    /// See [`NewUser::groups`].
    #[error("a group has 1 to 256 characters, none of them a control character")]
    GroupName,
    /// Too short.
    #[error("the password has fewer than {minimum} characters")]
    PasswordTooShort {
        /// Fewest characters.
        minimum: usize,
    },
    /// Too long.
    #[error("the password has more than 1024 bytes")]
    PasswordTooLong,
    /// The name is taken, perhaps in another case.
    #[error("user `{0}` exists already")]
    UserExists(String),
    /// Nobody has that name.
    #[error("there is no user `{0}`")]
    NoSuchUser(String),
    /// The id is taken or built in.
    #[error("client `{0}` exists already")]
    ClientExists(ClientId),
    /// No client has that id.
    #[error("there is no client `{0}`")]
    NoSuchClient(ClientId),
    /// The built-in client stays.
    #[error("client `{0}` is built in")]
    BuiltInClient(ClientId),
    /// Hashing or random numbers failed.
    #[error("could not protect the secret")]
    Crypto(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl<'s> Administration<'s> {
    /// Works on `store`; new passwords follow `passwords`.
    pub fn new(store: &'s dyn Store, passwords: PasswordPolicy) -> Self {
        Self { store, passwords }
    }

    /// Adds a person.
    pub fn add_user(&self, user: &NewUser, now: UnixTime) -> Result<User, AdministrationError> {
        let _ = (user, now, self.store, self.passwords);
        unimplemented!()
    }

    /// Everybody, by name.
    pub fn users(&self) -> Result<Vec<User>, AdministrationError> {
        unimplemented!()
    }

    /// Removes a person and ends their sessions. Tokens already given out run to their end.
    pub fn delete_user(&self, name: &str) -> Result<(), AdministrationError> {
        let _ = name;
        unimplemented!()
    }

    /// Replaces a password and ends the person's sessions.
    pub fn set_password(
        &self,
        name: &str,
        password: &Secret,
        now: UnixTime,
    ) -> Result<(), AdministrationError> {
        let _ = (name, password, now);
        unimplemented!()
    }

    /// Adds a machine client; the secret is shown this once.
    pub fn add_client(
        &self,
        client: &NewClient,
        now: UnixTime,
    ) -> Result<(Client, Secret), AdministrationError> {
        let _ = (client, now);
        unimplemented!()
    }

    /// Every machine client, by id. The built-in client is not among them.
    pub fn clients(&self) -> Result<Vec<Client>, AdministrationError> {
        unimplemented!()
    }

    /// Removes a machine client. Tokens already given out run to their end.
    pub fn delete_client(&self, id: &ClientId) -> Result<(), AdministrationError> {
        let _ = id;
        unimplemented!()
    }
}
