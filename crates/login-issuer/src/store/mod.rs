//! Where the issuer keeps what must survive a restart.
//! Never holds a code, a token or a secret in clear: only digests.

mod sqlite;

use thiserror::Error;

pub use sqlite::SqliteStore;

/// The store failed. The text is for the operator.
#[derive(Debug, Error)]
#[error("the issuer's store failed while it tried to {action}")]
pub struct StoreError {
    pub(crate) action: &'static str,
    #[source]
    pub(crate) source: Box<dyn std::error::Error + Send + Sync>,
}

/// What every backend offers. Each method is one transaction.
pub trait Store: Send + Sync {}
