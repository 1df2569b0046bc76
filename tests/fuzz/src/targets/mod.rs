//! The fuzz targets: one file for each kind of untrusted input.
//! Never asserts less than "no panic"; where a rule holds for any input, the target checks it.

pub mod cache_entry;
pub mod cache_headers;
pub mod cel;
pub mod certificate;
pub mod configuration;
pub mod discovery;
pub mod groups_jwt;
pub mod introspection;
pub mod judgement;
pub mod jwks;
pub mod jwt;
pub mod key_set_file;
pub mod kubeconfig;
pub mod options;
pub mod revocations;
pub mod server_configuration;
pub mod static_tokens;
pub mod strict_json;
pub mod token_review;

mod signed_claims;

use login_review::config::Problem;

/// How many lines a text has, as an editor counts them.
fn lines(text: &str) -> u64 {
    u64::try_from(text.split(['\n', '\r']).count()).unwrap_or(u64::MAX) + 1
}

/// Checks that a file is refused with reasons, none of which lies beyond its end.
fn check_refusal(text: &str, problems: &[Problem]) {
    assert!(!problems.is_empty(), "refused without a reason");
    check_lines(text, problems);
}

fn check_lines(text: &str, problems: &[Problem]) {
    for problem in problems {
        let inside = |line: u64| (1..=lines(text)).contains(&line);
        assert!(problem.line.is_none_or(inside), "{problem}");
    }
}
