//! What a person is shown of a change: a unified diff.
//! Never a secret, neither of the changed entry nor of its neighbours.

use std::{fmt::Write as _, path::Path};

use anstyle::{AnsiColor, Style};
use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use super::edit::value_of;

/// Lines that are shown around a change.
const AROUND: usize = 3;

/// Shorter texts are not worth hiding, and hide what is none.
const SHORTEST_SECRET: usize = 4;

const HIDDEN: &str = "(hidden)";

/// Fields of users that hold secrets; certificates are public, but nobody wants to read them.
const SECRET_FIELDS: [&str; 10] = [
    "token",
    "password",
    "client-key-data",
    "client-certificate-data",
    "certificate-authority-data",
    "client-secret",
    "id-token",
    "refresh-token",
    "access-token",
    "idp-certificate-authority-data",
];

/// Options that hold secrets, ours and kubelogin's.
const SECRET_OPTIONS: [&str; 4] =
    ["--client-secret", "--oidc-client-secret", "--password", "--certificate-authority-data"];

/// The difference with colours; whoever prints it drops them where they are not wanted.
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
            let line = change.value().trim_end_matches(['\r', '\n']);
            let _ = writeln!(shown, "{style}{sign}{line}{style:#}");
        }
    }
    shown
}

/// `text` with the secrets that it holds hidden.
pub(super) fn without_secrets(text: &str) -> String {
    hidden(text, &secrets_of(text))
}

fn hidden(text: &str, secrets: &[String]) -> String {
    let mut text = text.to_owned();
    for secret in secrets {
        // As it stands, and as it is escaped in double and single quotes.
        let escaped = Value::from(secret.as_str()).to_string();
        let escaped = escaped.trim_matches('"');
        for form in [secret.as_str(), escaped, &secret.replace('\'', "''")] {
            text = text.replace(form, HIDDEN);
        }
    }
    text
}

/// Every secret in a text, longest first; one that is broken over lines, in its parts.
fn secrets_of(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    if let Ok(value) = value_of(text) {
        collect(&value, &mut found);
    }
    let mut parts: Vec<String> = found
        .iter()
        .flat_map(|secret| std::iter::once(secret.as_str()).chain(secret.split_whitespace()))
        .filter(|part| part.len() >= SHORTEST_SECRET)
        .map(ToOwned::to_owned)
        .collect();
    parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
    parts.dedup();
    parts
}

fn collect(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            // `exec.env`: the name says what the value is.
            let variable = fields.get("name").and_then(Value::as_str).unwrap_or_default();
            for (key, value) in fields {
                match value {
                    Value::String(text)
                        if SECRET_FIELDS.contains(&key.as_str())
                            || (key == "value" && is_secret_variable(variable)) =>
                    {
                        found.push(text.clone());
                    }
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
                is_next = SECRET_OPTIONS.contains(&text.as_str());
                if let Some((option, secret)) = text.split_once('=')
                    && SECRET_OPTIONS.contains(&option)
                {
                    found.push(secret.to_owned());
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn is_secret_variable(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let is_place = name.ends_with("_FILE") || name.ends_with("_COMMAND");
    !is_place && ["SECRET", "PASSWORD", "TOKEN", "KEY"].iter().any(|word| name.contains(word))
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
