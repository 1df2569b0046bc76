//! Keeps the documentation's page of refusals and outages equal to the program.
//! Never shipped: a test compares, and writes the page if `LOGIN_WRITE_REFERENCE` is set.

use std::fmt::Write as _;

use login_review::{Outage, Reason};

use super::advice::{Network, of, of_outage};

fn page() -> String {
    let mut page = "# Refusals and outages

A refusal is final for that token: HTTP 200, `authenticated: false`, and kube-apiserver caches it. An outage is no verdict: \
HTTP 503, nothing is cached. The reason is in the audit record, in metrics and in `login-server explain`; the caller never \
learns it.

## Refusals

| reason | meaning: the token is refused because | next |
|---|---|---|
"
    .to_owned();
    for reason in Reason::ALL {
        let advice = of(*reason);
        let (what, next) = (cell(advice.what), cell(advice.next));
        let _ = writeln!(page, "| `{reason}` | {what} | {next} |");
    }
    page += "\n## Outages\n\n| reason | meaning | next |\n|---|---|---|\n";
    for outage in Outage::ALL {
        let advice = of_outage(*outage, Network::Online);
        let (what, next) = (cell(advice.what), cell(advice.next));
        let _ = writeln!(page, "| `{outage}` | {what} | {next} |");
    }
    page
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test that maintains a document")]
fn the_reference_of_refusals_is_the_program() {
    let file =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/src/reference/refusals-and-outages.md");
    if std::env::var_os("LOGIN_WRITE_REFERENCE").is_some() {
        std::fs::write(file, page()).unwrap();
    }
    let written = std::fs::read_to_string(file).unwrap_or_default();
    assert!(
        written == page(),
        "`{file}` is out of date: run this test with LOGIN_WRITE_REFERENCE=1"
    );
}
