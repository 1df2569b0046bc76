//! The evidence for a verdict that this process fetches or caches: key sets and earlier answers.
//! Never judges a token.
//!
//! `key_sets` holds the keys of each issuer (`issuer_keys`). `fetch` fills it over the network, at the
//! issuer's `refresh_schedule`, and `persisted` keeps it across restarts. `freshness`, `addresses` and `doubts`
//! hold rules for it.
//! `result_cache` caches rendered answers; `single_flight` lets equal questions share one verdict.
//! `remote_authenticators` asks other parties about tokens that only they know; `distributed_groups`
//! fetches groups. Both go through `remote`, which separates answers, unproven names and failures
//! (`breaker`), and send requests through `request`.
//! `ended_sessions` holds the sessions that the embedded issuer ended early.

mod addresses;
mod breaker;
pub mod distributed_groups;
mod doubts;
pub mod ended_sessions;
mod fetch;
pub mod freshness;
mod issuer_keys;
pub mod key_sets;
pub mod persisted;
mod refresh_schedule;
pub mod remote;
pub mod remote_authenticators;
mod request;
pub mod result_cache;
mod single_flight;

pub use distributed_groups::DistributedGroups;
pub use ended_sessions::EndedSessionsInForce;
pub use key_sets::KeySets;
pub use remote_authenticators::RemoteAuthenticators;
pub use result_cache::ResultCache;
