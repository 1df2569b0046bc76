//! Renders a change as a unified diff for the user.
//! Never shows a secret, neither of the changed entry nor of the lines around it.

use std::{fmt::Write as _, path::Path};

use anstyle::{AnsiColor, Style};
use kubeconfig::edit::value_of;
use login_common::secret_text::{self, HIDDEN};
use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use crate::{
    options::table::{Holds, row_named},
    scrub,
};

/// Context lines around a change.
const AROUND: usize = 3;

/// Shorter values are not worth hiding, and would hide other text that contains them.
const SHORTEST_SECRET: usize = 4;

/// Values that are never secrets.
const NO_SECRETS: [&str; 4] = ["true", "false", "null", "none"];

/// Long data in user entries, which the diff hides too, beside the fields with secret names.
const LONG_FIELDS: [&str; 4] = [
    "client-key-data",
    "client-certificate-data",
    "certificate-authority-data",
    "idp-certificate-authority-data",
];

/// The diff with colours, which the caller removes if necessary.
pub fn unified(path: &Path, before: &str, after: &str) -> String {
    if before == after {
        return String::new();
    }
    let mut secrets = secrets_of(before);
    secrets.append(&mut secrets_of(after));
    let (before, after) = (hidden(before, &secrets), hidden(after, &secrets));
    let difference = TextDiff::from_lines(&before, &after);
    let mut shown = String::new();
    let colour = |colour: AnsiColor| Style::new().fg_color(Some(colour.into()));
    let bold = Style::new().bold();
    let name = path.display();
    let _ = writeln!(shown, "{bold}--- {name}{bold:#}\n{bold}+++ {name}{bold:#}");
    for hunk in difference.unified_diff().context_radius(AROUND).iter_hunks() {
        let cyan = colour(AnsiColor::Cyan);
        let _ = writeln!(shown, "{cyan}{}{cyan:#}", hunk.header());
        for change in hunk.iter_changes() {
            let (sign, style) = match change.tag() {
                ChangeTag::Delete => ('-', colour(AnsiColor::Red)),
                ChangeTag::Insert => ('+', colour(AnsiColor::Green)),
                ChangeTag::Equal => (' ', Style::new()),
            };
            let line = scrub::without_controls(change.value().trim_end_matches(['\r', '\n']));
            let _ = writeln!(shown, "{style}{sign}{line}{style:#}");
        }
    }
    shown
}

/// `text` with its secrets hidden.
pub(super) fn without_secrets(text: &str) -> String {
    hidden(text, &secrets_of(text))
}

fn hidden(text: &str, secrets: &[String]) -> String {
    let mut text = text.to_owned();
    for secret in secrets {
        // As written, and as escaped in double and single quotes.
        let escaped = Value::from(secret.as_str()).to_string();
        let escaped = escaped.trim_matches('"');
        for form in [secret.as_str(), escaped, &secret.replace('\'', "''")] {
            text = text.replace(form, HIDDEN);
        }
    }
    text
}

/// Every secret in a text, longest first; a secret that spans lines is listed by its parts.
fn secrets_of(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    if let Ok(value) = value_of(text) {
        collect(&value, &mut found);
    }
    let mut parts: Vec<String> = found
        .iter()
        .flat_map(|secret| std::iter::once(secret.as_str()).chain(secret.split_whitespace()))
        .filter(|part| part.len() >= SHORTEST_SECRET && !NO_SECRETS.contains(part))
        .map(ToOwned::to_owned)
        .collect();
    parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
    parts.dedup();
    parts
}

fn collect(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            // In `exec.env`, the name of the variable decides.
            let variable = fields.get("name").and_then(Value::as_str).unwrap_or_default();
            for (key, value) in fields {
                let is_secret = LONG_FIELDS.contains(&key.as_str())
                    || secret_text::is_secret_name(key)
                    || (key == "value" && secret_text::is_secret_name(variable));
                match value {
                    Value::String(text) if is_secret => found.push(text.clone()),
                    Value::Number(number) if is_secret => found.push(number.to_string()),
                    other => collect(other, found),
                }
            }
        }
        Value::Array(items) => {
            let mut is_next = false;
            for item in items {
                let Value::String(text) = item else {
                    collect(item, found);
                    continue;
                };
                if is_next {
                    found.push(text.clone());
                }
                let (option, value) = match text.split_once('=') {
                    Some((option, value)) => (option, Some(value)),
                    None => (text.as_str(), None),
                };
                let is_secret = option.starts_with('-') && is_secret_option(option);
                is_next = is_secret && value.is_none();
                if let (true, Some(value)) = (is_secret, value) {
                    found.push(value.to_owned());
                }
                in_text(text, found);
            }
        }
        Value::String(text) => in_text(text, found),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whether an option holds a secret: the table decides for our own options and kubelogin's (some
/// names only say where a secret is), the name for all others.
fn is_secret_option(option: &str) -> bool {
    match row_named(option.trim_start_matches('-')) {
        Some(row) => matches!(row.holds, Holds::Secret | Holds::Data),
        None => secret_text::is_secret_name(option),
    }
}

/// Finds secrets inside a text: `Authorization=Bearer …`, `--header=Name: value`, a password in a
/// URL, a token.
fn in_text(text: &str, found: &mut Vec<String>) {
    found.extend(secret_text::credentials_in_addresses(text).into_iter().map(ToOwned::to_owned));
    let mut rest = text;
    while let Some(place) = rest.find(['=', ':', ',', ' ']) {
        let (before, after) = rest.split_at(place);
        let behind = after.get(1..).unwrap_or_default().trim_start();
        let is_assigned = after.starts_with(['=', ':']);
        let name = before.trim_start_matches('-').trim_matches('"');
        let is_option = before.starts_with('-');
        if is_assigned && !is_option && secret_text::is_secret_name(name) {
            // The value ends at the next pair: it may contain commas.
            let next = behind.match_indices(',').find(|(place, _)| {
                let pair = behind.get(place + 1..).unwrap_or_default();
                let name = pair.split('=').next().unwrap_or_default();
                pair.contains('=') && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            });
            let end = next.map_or(behind.len(), |(place, _)| place);
            let value = behind.get(..end).unwrap_or_default().trim_end_matches('"');
            found.push(value.to_owned());
            found.extend(secret_text::scheme_and_token(value).map(ToOwned::to_owned));
        }
        if let Some(token) = secret_text::scheme_and_token(behind).filter(|_| is_assigned) {
            found.push(token.to_owned());
        }
        rest = behind;
    }
    let words = text.split(|c: char| c.is_whitespace() || "=,:\"'/@".contains(c));
    found.extend(words.filter(|w| secret_text::looks_like_token(w)).map(ToOwned::to_owned));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(before: &str, after: &str) -> String {
        anstream::adapter::strip_str(&unified(Path::new("/c"), before, after)).to_string()
    }

    #[test]
    fn a_difference_shows_what_changes_and_three_lines_around() {
        let before = "a: 1\nb: 2\nc: 3\nd: 4\ne: 5\n";
        assert_eq!(
            plain(before, &before.replace('5', "6")),
            "--- /c\n+++ /c\n@@ -2,4 +2,4 @@\n b: 2\n c: 3\n d: 4\n-e: 5\n+e: 6\n"
        );
        assert_eq!(plain(before, before), "");
    }

    #[test]
    fn nothing_that_is_named_secret_or_looks_like_one_is_shown() {
        let before = "clusters:\n- name: c\n  cluster:\n    proxy-url: http://u:HUSH01@p:1\n\
                      users:\n- name: a\n  user:\n    exec:\n      args:\n      \
                      - --oidc-request-header=Authorization=Bearer HUSH02\n      \
                      - --oidc-request-header\n      - 'X-Api-Key=HUSH03,B=seen'\n      \
                      - --token\n      - HUSH04\n      - --token=HUSH05\n      \
                      - '--header=Authorization: Basic HUSH06'\n      \
                      - --url=https://u:HUSH07@h/\n      - ghp_HUSH08abcdefgh\n      \
                      - --token-cache-dir=/seen\n      - --client-secret-file=/seen2\n      \
                      env:\n      - {name: REGISTRY_PASS, value: HUSH09}\n      \
                      - {name: DB_PWD, value: 12345678}\n      \
                      - {name: KUBECTL_LOGIN_REQUEST_HEADER, value: 'Cookie=HUSH10'}\n      \
                      - {name: KUBECTL_LOGIN_CLIENT_SECRET_FILE, value: /seen3}\n    \
                      auth-provider:\n      config: {access-token: HUSH11, apiKey: HUSH12}\n";
        let shown = plain(before, &format!("{before}# end\n"));
        let shown = shown + &without_secrets(before);
        assert!(!shown.contains("HUSH") && !shown.contains("12345678"), "{shown}");
        for stays in ["B=seen", "/seen\n", "/seen2", "/seen3", "REGISTRY_PASS", "http://", "@p:1"] {
            assert!(shown.contains(stays), "{stays}: {shown}");
        }
    }

    #[test]
    fn no_secret_is_shown_neither_changed_nor_near() {
        let before = "users:\n- name: a\n  user:\n    token: SECRET1\n- name: b\n  user:\n    \
                      exec:\n      args: [--oidc-client-secret=SECRET2, --password, 'SECRET''3']\n      \
                      env:\n      - {name: A_TOKEN, value: SECRET4}\n      - {name: PLAIN, value: seen}\n    \
                      client-key-data: >-\n      SECRET5\n      SECRET6\n";
        let after = before.replace("seen", "shown");
        let shown = plain(before, &after);
        assert!(!shown.contains("SECRET"), "{shown}");
        assert!(shown.contains("seen") && shown.contains("value: shown"), "{shown}");
        assert_eq!(shown.matches(HIDDEN).count(), 5, "{shown}");
    }
}
