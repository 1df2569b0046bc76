//! The operator's list of revocations.
//! Never accepts a text without an explicit list as an empty one, which would lift them all.

use login_review::config::revocations::{MAX_ENTRIES, parse};

use super::check_refusal;

/// One input.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match parse(text, "f") {
        Ok(list) => {
            assert!(list.len() <= MAX_ENTRIES);
            assert!(!list.is_empty() || text.contains('['), "an empty list that nobody wrote");
        }
        Err(problems) => check_refusal(text, &problems),
    }
}
