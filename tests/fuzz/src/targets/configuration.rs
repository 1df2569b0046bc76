//! Kubernetes' `AuthenticationConfiguration`.
//! Never accepts that a file is refused without a reason, or that a reason lies beyond its end.

use login_review::config::authentication_configuration::{MAX_ISSUERS, parse};

/// One input.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let lines = u64::try_from(text.split(['\n', '\r']).count()).unwrap_or(u64::MAX) + 1;
    let problems = match parse(text, "f") {
        Ok(file) => {
            assert!(file.issuers.len() <= MAX_ISSUERS);
            file.warnings
        }
        Err(problems) => {
            assert!(!problems.is_empty(), "refused without a reason");
            problems
        }
    };
    for problem in problems {
        assert!(problem.line.is_none_or(|line| (1..=lines).contains(&line)), "{problem}");
    }
}
