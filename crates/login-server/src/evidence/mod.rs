//! What a verdict rests on and this process must fetch or keep: key sets and earlier answers.
//! Never judges a token.
//!
//! `key_sets` holds one slot per issuer (`slot`), which is filled by `fetch` over the network and
//! survives a restart through `persisted`; `result_cache` keeps rendered answers.

mod fetch;
pub mod key_sets;
mod persisted;
pub mod result_cache;
mod slot;

pub use key_sets::KeySets;
pub use result_cache::ResultCache;
