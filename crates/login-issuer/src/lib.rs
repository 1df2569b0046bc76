//! The embedded OpenID provider as an engine: grants, users, clients, keys, sessions, stores.
//! Never opens a socket, never reads the clock (`now` is an argument), never handles TokenReview.
//!
//! All calls are synchronous. Those that check a password ([`Issuer::sign_in`],
//! [`Issuer::approve_device`]) or write to the store take milliseconds: an asynchronous caller
//! runs them on a blocking thread, and limits how many passwords are checked at once.
//!
//! Reading order: `endpoints` is the public interface and shows every operation, `issuer` its
//! state; `settings`, `form`, `scope`, `grant_facts` and `opaque` (random texts and digests) are
//! the vocabulary; `authorization` (with `ticket`) and `device` lead up to a grant, `grants`
//! answers the token endpoint in the formats of `token`, `mint` writes tokens, `sessions` decides
//! whether a refresh token is valid, `revocation` ends a session; `users`, `throttle`, `clients`,
//! `keys` and `administration` hold what the operator manages; `discovery` lists what is enabled;
//! `store` persists it all.

mod endpoints;
mod issuer;

mod form;
mod grant_facts;
mod opaque;
mod scope;
mod settings;

mod authorization;
mod device;
mod ticket;

mod grants;
mod mint;
mod revocation;
mod sessions;
mod token;

mod administration;
mod clients;
mod keys;
mod throttle;
mod users;

mod discovery;

pub mod store;

#[cfg(test)]
mod tests;

pub use administration::{Administration, AdministrationError};
pub use authorization::{
    AuthorizationRefusal, LoginPrompt, PageFault, RedirectedError, SignIn, SignInRefusal,
};
pub use clients::{Client, NewClient, PUBLIC_CLIENT_ID};
pub use device::{DeviceApproval, DeviceAuthorization, DeviceRefusal, DeviceRequest};
pub use form::{Form, FormError};
pub use grant_facts::{GrantFacts, IsRevoked};
pub use issuer::Issuer;
pub use keys::OpenError;
pub use opaque::{CryptoError, Digest};
pub use revocation::Revoked;
pub use settings::{GrantType, IssuerSettings, LONGEST_TOKEN_LIFETIME, PasswordPolicy};
pub use ticket::{AuthorizationTicket, TicketError};
pub use token::{Grantee, TokenError, TokenResponse};
pub use users::{NewUser, User};
