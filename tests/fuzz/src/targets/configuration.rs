//! Kubernetes' `AuthenticationConfiguration`.
//! Never accepts that a file is refused without a reason, or that a reason lies beyond its end.

use login_review::config::authentication_configuration::{MAX_ISSUERS, parse};

use super::{check_lines, check_refusal};

/// One input.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match parse(text, "f") {
        Ok(file) => {
            assert!(file.issuers.len() <= MAX_ISSUERS);
            check_lines(text, &file.warnings);
        }
        Err(problems) => check_refusal(text, &problems),
    }
}
