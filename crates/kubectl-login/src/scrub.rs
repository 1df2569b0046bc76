//! Removes from a text what must be neither shown nor stored: secrets that were sent, values with
//! secret names, and strings that look like tokens.
//! Never the only guard: secrets have a type that does not print. This is for texts from libraries
//! and servers.

use login_common::{
    Secret,
    secret_text::{
        HIDDEN, SCHEMES, credentials_in_addresses, is_secret_name, looks_like_token,
        scheme_and_token,
    },
};

/// Shorter values are not worth hiding, and would hide other text that contains them.
const SHORTEST: usize = 5;

/// A server may repeat a secret cut off: this many characters from its start identify it.
const BEGINNING: usize = 12;

/// The secrets that this process has sent.
#[cfg(not(test))]
fn with_sent<T>(work: impl FnOnce(&mut Vec<Secret>) -> T) -> T {
    static SENT: std::sync::Mutex<Vec<Secret>> = std::sync::Mutex::new(Vec::new());
    work(&mut SENT.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
}

/// Per thread: a secret that one test sends is not a secret in the tests beside it.
#[cfg(test)]
fn with_sent<T>(work: impl FnOnce(&mut Vec<Secret>) -> T) -> T {
    std::thread_local! {
        static SENT: std::cell::RefCell<Vec<Secret>> = const { std::cell::RefCell::new(Vec::new()) };
    }
    SENT.with_borrow_mut(work)
}

/// Hides `secret` in all texts from now on.
pub fn never_show(secret: &Secret) {
    if secret.expose().len() < SHORTEST {
        return;
    }
    with_sent(|sent| {
        if !sent.iter().any(|known| known.same_as(secret)) {
            sent.push(secret.clone());
        }
    });
}

/// Whether a form parameter is a secret, by its name.
pub fn is_secret_parameter(name: &str) -> bool {
    const ALSO: [&str; 6] =
        ["code", "code_verifier", "device_code", "assertion", "client_assertion", "key"];
    ALSO.contains(&name) || is_secret_name(name)
}

/// `text` for a terminal: without secrets that were sent, credentials in URLs, and characters that
/// a terminal would interpret. Line breaks stay.
pub fn said(text: &str) -> String {
    without_controls(&without_known(text))
}

/// `text` for a report, which may quote a server or a library.
pub fn reported(text: &str) -> String {
    let text = without_known(text);
    let text = without_named(&text);
    without_tokens(&text)
}

/// Replaces control characters, except line breaks and tabs, by spaces; removes those that change
/// the text direction.
pub fn without_controls(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars()
        .filter(|c| !turns(*c))
        .map(|c| if c.is_control() && c != '\n' && c != '\t' { ' ' } else { c })
        .collect()
}

fn without_known(text: &str) -> String {
    let mut clean = text.to_owned();
    for credentials in credentials_in_addresses(text) {
        clean = clean.replace(&format!("{credentials}@"), &format!("{HIDDEN}@"));
    }
    with_sent(|sent| {
        for secret in sent {
            clean = without(&clean, secret.expose());
        }
    });
    clean
}

/// `text` without `secret`: complete, cut off, or encoded for a URL or JSON.
fn without(text: &str, secret: &str) -> String {
    let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let quoted = serde_json::Value::from(secret).to_string();
    let mut clean = text.to_owned();
    for form in [secret, encoded.as_str(), quoted.trim_matches('"')] {
        clean = clean.replace(form, HIDDEN);
    }
    // JWTs that are signed with the same key begin alike, and all of them are secret.
    let beginning = secret.get(..BEGINNING).filter(|_| secret.len() > BEGINNING);
    let Some(beginning) = beginning else { return clean };
    let mut result = String::with_capacity(clean.len());
    let mut rest = clean.as_str();
    while let Some(place) = rest.find(beginning) {
        let (before, after) = rest.split_at(place);
        result.extend([before, HIDDEN]);
        rest = after.trim_start_matches(|c: char| !is_boundary(c));
    }
    result + rest
}

fn is_boundary(c: char) -> bool {
    c.is_whitespace() || "`'\"()[]{}<>,;&|".contains(c)
}

/// `text` without the values in `refresh_token=…`, `"client_secret": "…"`, `Bearer …`.
fn without_named(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(place) = rest.find(['=', ':', ' ']) {
        let (before, after) = rest.split_at(place);
        let name = before.rsplit(|c: char| !(c.is_alphanumeric() || "_-".contains(c)));
        let name = name.into_iter().find(|part| !part.is_empty()).unwrap_or_default();
        result.push_str(before);
        let separator = after.trim_start_matches(['=', ':', ' ', '"', '\'']);
        let gap = after.get(..after.len() - separator.len()).unwrap_or_default();
        let is_pair = gap.starts_with(['=', ':', '"']);
        let end = separator.find(is_boundary).unwrap_or(separator.len());
        let (value, behind) = separator.split_at(end);
        result.push_str(gap);
        let is_scheme = |word: &str| SCHEMES.iter().any(|known| word.eq_ignore_ascii_case(known));
        let is_scheme_token =
            gap == " " && is_scheme(name) && scheme_and_token(&format!("{name} {value}")).is_some();
        let is_named = is_pair && !is_scheme(value) && is_secret_parameter(name);
        // `token: the issuer said no` is a sentence, not a value.
        let is_sentence = gap == ": " && value.bytes().all(|byte| byte.is_ascii_lowercase());
        if is_scheme_token || (is_named && !is_sentence && value.len() >= SHORTEST) {
            result.push_str(HIDDEN);
            rest = behind;
        } else {
            rest = separator;
        }
    }
    result + rest
}

/// `text` without words that look like tokens.
fn without_tokens(text: &str) -> String {
    let is_of_token = |c: char| c.is_ascii_alphanumeric() || "-._~+=".contains(c);
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_of_token) {
        let (before, from) = rest.split_at(start);
        let (word, after) = from.split_at(from.find(|c| !is_of_token(c)).unwrap_or(from.len()));
        // A part of a path or a URL is not a token.
        let is_part = before.ends_with('/') || after.starts_with('/');
        result.push_str(before);
        let bare = word.trim_end_matches('.');
        if !is_part && looks_like_token(bare) {
            result.extend([HIDDEN, word.get(bare.len()..).unwrap_or_default()]);
        } else {
            result.push_str(word);
        }
        rest = after;
    }
    result + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_we_sent_comes_back_in_no_text() {
        let secret = Secret::new("rt-7f3a/9c+1e5b sent");
        never_show(&secret);
        never_show(&Secret::new("ab"));
        for text in [
            "the token rt-7f3a/9c+1e5b sent is gone",
            "rt-7f3a/9c+1e5b sent",
            "https://id.example/?t=rt-7f3a%2F9c%2B1e5b+sent&x=1",
            // Cut off by the server that repeats it.
            "`rt-7f3a/9c+1e5",
        ] {
            for clean in [said(text), reported(text)] {
                assert!(!clean.contains("7f3a") && clean.contains(HIDDEN), "{text}: {clean}");
            }
        }
        assert_eq!(said("about"), "about");
    }

    #[test]
    fn what_is_named_secret_or_looks_like_a_token_is_not_reported() {
        let jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl";
        let opaque = "q3Zt8LkPwX2nVb7RmY5cHj4Dg6Fs9TaE";
        for (text, shown) in [
            ("refresh_token=hunter2hunter is unknown", "refresh_token=(hidden) is unknown"),
            (r#"{"client_secret": "hunter2", "a": 1}"#, r#"{"client_secret": "(hidden)", "a": 1}"#),
            ("sent Bearer abc123def456", "sent Bearer (hidden)"),
            ("Authorization: Basic dXNlcjpwdw==", "Authorization: Basic (hidden)"),
            (&format!("`{jwt}` has expired"), "`(hidden)` has expired"),
            (&format!("unknown: {opaque}."), "unknown: (hidden)."),
            ("via http://user:hunter2@proxy:3128/", "via http://(hidden)@proxy:3128/"),
            ("glpat-abcdefghij0123456789 is revoked", "(hidden) is revoked"),
        ] {
            let clean = reported(text);
            assert_eq!(clean, shown);
            for part in ["hunter2", "abc123", jwt, opaque, "glpat-a"] {
                assert!(!clean.contains(part), "{clean}");
            }
        }
    }

    #[test]
    fn what_people_need_to_read_stays() {
        for text in [
            "could not reach issuer `https://login.example.com:8443/realms/a`",
            "the value of `--client-secret-file` cannot be used: could not read `/home/a/secret`",
            "give `--client-id` or set the variable `KUBECTL_LOGIN_CLIENT_ID`",
            "`/home/a/.cache/kubectl-login/7ec2808f7c18c000cdd4bb28b1f0bf857d0303840a8989ab61dac4c6f20b40c2.token`",
            "issuer `https://login.microsoftonline.com/6babcaad-604b-40ac-a9d7-9fd97c0b779f/v2.0`",
            "the token of issuer `https://id.example` cannot be used: the token has expired already",
            "the identity token from the environment variable `TOKEN` expired at 2026-01-31T12:00:00Z",
            "invalid_grant: Session not active",
            "--flow token-exchange",
            "client `0oa1gjh63g214q0Hq0g4`",
        ] {
            assert_eq!(reported(text), text);
        }
        let page = "Open this page:\n  https://id.example/authorize?response_type=code&client_id=k&\
                    code_challenge=q3Zt8LkPwX2nVb7RmY5cHj4Dg6Fs9TaEq3Zt8LkPwX2&state=Q3zT8lKpWx2NvB7r&\
                    nonce=q3Zt8LkPwX2nVb7RmY5cHj4Dg6Fs9TaE&login_hint=a@b.example";
        assert_eq!(said(page), page);
    }

    #[test]
    fn a_terminal_is_given_no_orders() {
        let name = "a\x1b[31mred\x1b]0;t\x07\u{9b}2J\u{202e}b\nc\td\r";
        assert_eq!(said(name), "a [31mred ]0;t  2Jb\nc\td ");
    }
}
