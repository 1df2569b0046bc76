//! Keeps the documentation's page of configuration keys equal to the program.
//! Never shipped: a test compares, and writes the page if `LOGIN_WRITE_REFERENCE` is set.

use std::fmt::Write as _;

use login_review::config::{Below, Key};

use super::KEYS;

fn page() -> String {
    let mut page = "# Configuration keys

Every key of `login-server`'s own file (`--config`), with its default or its bounds in parentheses. \
[Server configuration](server-configuration.md) shows an example.

| key | meaning |
|---|---|
"
    .to_owned();
    rows(KEYS, "", &mut page);
    page
}

fn rows(keys: &[Key], path: &str, page: &mut String) {
    for Key { name, about, below, .. } in keys {
        let (list, below) = match below {
            Below::Nothing => ("", &[][..]),
            Below::Mapping(keys) => ("", *keys),
            Below::List(keys) => ("[]", *keys),
        };
        let _ = writeln!(page, "| `{path}{name}{list}` | {about} |");
        rows(below, &format!("{path}{name}{list}."), page);
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test that maintains a document")]
fn the_reference_of_configuration_keys_is_the_program() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/src/reference/configuration.md");
    if std::env::var_os("LOGIN_WRITE_REFERENCE").is_some() {
        std::fs::write(file, page()).unwrap();
    }
    let written = std::fs::read_to_string(file).unwrap_or_default();
    assert!(
        written == page(),
        "`{file}` is out of date: run this test with LOGIN_WRITE_REFERENCE=1"
    );
}
