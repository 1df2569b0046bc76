//! The store in one SQLite file.
//! Never readable for anybody but its owner.

use std::path::Path;

use super::{Store, StoreError};

/// One SQLite database behind one connection.
pub struct SqliteStore {}

impl SqliteStore {
    /// Opens or creates the database at `path` (mode 0600) and brings its schema up to date.
    /// The folder must exist. Other processes may have it open at the same time.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let _ = path;
        unimplemented!()
    }

    /// A database that ends with the process.
    pub fn in_memory() -> Result<Self, StoreError> {
        unimplemented!()
    }
}

impl Store for SqliteStore {}
