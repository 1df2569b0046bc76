//! Ways to a token. `issuer_client` owns the phases that all flows share; a flow adds only its own
//! part.
//! Never prints an answer, never decides about the cache.
//!
//! Reading order: `choose` (which flow), `issuer_client` (the phases), `client_authentication` and
//! `local` (what the options bring along), `repeat` (what is sent again), `providers` (what some
//! providers need besides), `person` (what flows with a user share), then one file per flow:
//! `browser` and `paste` (with `authorization` and `callback_address`), `device`, `password`,
//! `refresh`; `job` is for jobs, also with one file per flow; all of them end in `issued`.

mod cached_metadata;
pub mod choose;
pub mod issued;
pub mod issuer_client;
pub mod moments;

pub mod client_authentication;
pub mod local;
pub mod providers;
pub mod repeat;

pub mod authorization;
// recipe: flow
pub mod browser;
pub mod callback_address;
pub mod callback_page;
pub mod device;
pub mod password;
pub mod paste;
pub mod person;
pub mod refresh;
mod reported;
pub mod request;
pub mod waiting;

pub mod job;

pub mod client_credentials;
pub mod identity;
pub mod jwt_bearer;
pub mod token_exchange;

mod failure;

pub use failure::{FlowError, LocalError, TokenProblem};
pub use reported::FlowFailure;
