//! The arguments of `get-token`, one a line: the strict parser of the cached path against clap.
//! Never accepts that the two parse the same words differently.

use std::ffi::OsString;

use kubectl_login::options::{arguments, typed};

/// The most words of one call.
const MAX_WORDS: usize = 40;

/// One input.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let words: Vec<OsString> = std::iter::once("get-token")
        .chain(text.split('\n').take(MAX_WORDS))
        .map(OsString::from)
        .collect();
    let Some(strict) = typed::strict(&words) else { return };
    match arguments::of_get_token(&words) {
        Ok(by_clap) => assert!(by_clap == strict, "{words:?}"),
        Err(error) => panic!("clap refuses {words:?}: {error}"),
    }
}
