//! A key set, as an issuer publishes it.
//! Never accepts more keys than the limit, or a set of none.

use login_protocols::jose::{KeySet, jwks::MAX_KEYS};

/// One input.
pub fn run(data: &[u8]) {
    let Ok(keys) = KeySet::parse(data) else { return };
    assert!(!keys.is_empty() && keys.len() + keys.skipped() <= MAX_KEYS, "{keys:?}");
}
