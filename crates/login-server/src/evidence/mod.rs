//! What a verdict rests on and this process must fetch or keep: key sets and earlier answers.
//! Never judges a token.
//!
//! `key_sets` holds one slot per issuer (`slot`), which is filled by `fetch` over the network, at
//! the `pace` of the issuer, and survives a restart through `persisted`. `freshness`, `addresses`
//! and `doubts` are rules of it.
//! `result_cache` keeps rendered answers; `flights` lets equal questions share one verdict.
//! `introspection` asks authorization servers about opaque tokens, `distributed_groups` fetches
//! groups: both are parties of `remote`, which keeps answers, strangers and failures apart
//! (`breaker`), and are reached by `request`.

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
