//! A file of kubectl-login's cache: the rendered answer.
//! Never accepts that a partial answer, or one of another session, is printed.

use std::sync::LazyLock;

use login_cache::{entry::Entry, key::CacheKey};
use login_common::exec_credential::ExecApiVersion;
use serde_json::Value;

const NAME: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

static KEY: LazyLock<Option<CacheKey>> = LazyLock::new(|| CacheKey::parse(NAME));

/// One input.
pub fn run(data: &[u8]) {
    let Some(key) = &*KEY else { return };
    let Some(entry) = Entry::parse(key, data.to_vec()) else { return };
    for version in [ExecApiVersion::V1, ExecApiVersion::V1Beta1] {
        let answer = entry.answer(version);
        assert!(answer.ends_with('\n') && answer.trim_end().lines().count() == 1, "{answer:?}");
    }
    if let Some(token) = entry.token() {
        let answer: Value =
            serde_json::from_str(entry.answer(ExecApiVersion::V1)).unwrap_or_default();
        assert_eq!(answer.pointer("/status/token").and_then(Value::as_str), Some(token.expose()));
    }
}
