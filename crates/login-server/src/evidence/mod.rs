//! The evidence for a verdict that this process fetches or caches: key sets and earlier answers.
//! Never judges a token.
//!
//! `key_sets` holds one slot per issuer (`slot`). `fetch` fills it over the network, at the
//! issuer's `pace`, and `persisted` keeps it across restarts. `freshness`, `addresses` and `doubts`
//! hold rules for it.
//! `result_cache` caches rendered answers; `flights` lets equal questions share one verdict.
//! `introspection` asks authorization servers about opaque tokens; `distributed_groups` fetches
//! groups. Both go through `remote`, which separates answers, unproven names and failures
//! (`breaker`), and send requests through `request`.
//! `ended_sessions` holds the sessions that the embedded issuer ended early.

mod addresses;
mod breaker;
pub mod distributed_groups;
mod doubts;
pub mod ended_sessions;
mod fetch;
mod flights;
pub mod freshness;
pub mod introspection;
pub mod key_sets;
mod pace;
pub mod persisted;
mod remote;
mod request;
pub mod result_cache;
mod slot;

pub use distributed_groups::DistributedGroups;
pub use ended_sessions::EndedSessionsInForce;
pub use introspection::Introspectors;
pub use key_sets::KeySets;
pub use result_cache::ResultCache;
