//! `LoginServerConfiguration`, login-server's own file.
//! Never accepts that a file is refused without a reason, or that a reason lies beyond its end.

use login_server::config::document::parse;

use super::check_refusal;

/// One input.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Err(problems) = parse(text, "f") {
        check_refusal(text, &problems);
    }
}
