//! Removes from a text what must be neither shown nor stored: secrets that were sent, values with
//! secret names, and strings that look like tokens.
//! Never the only guard: secrets have a type that does not print. This is for texts from libraries
//! and servers.

use login_common::Secret;

/// Replaces a secret.
pub const HIDDEN: &str = "(hidden)";

/// Shorter values are not worth hiding, and would hide other text that contains them.
const SHORTEST: usize = 5;

/// A server may repeat a secret cut off: this many characters from its start identify it.
const BEGINNING: usize = 12;

/// A string this long with digits and letters of both cases is not a word.
const OPAQUE: usize = 32;

/// HTTP authentication schemes.
const SCHEMES: [&str; 5] = ["bearer", "basic", "token", "negotiate", "digest"];

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

/// Whether a name (of a variable, an option, a field, a header) is that of a secret, rather than of
/// the place of one.
pub fn is_secret_name(name: &str) -> bool {
    const PLACES: [&str; 18] = [
        "file",
        "path",
        "dir",
        "directory",
        "command",
        "url",
        "uri",
        "endpoint",
        "id",
        "name",
        "type",
        "storage",
        "method",
        "methods",
        "hint",
        "ttl",
        "expiry",
        "lifetime",
    ];
    const PARTS: [&str; 12] = [
        "secret",
        "passw",
        "passphrase",
        "token",
        "apikey",
        "credential",
        "privatekey",
        "accesskey",
        "authorization",
        "cookie",
        "bearer",
        "signature",
    ];
    const LAST: [&str; 9] = ["pass", "pwd", "pat", "key", "auth", "psk", "jwt", "sig", "otp"];
    let words = words_of(name);
    let Some(last) = words.last() else { return false };
    let flat = words.concat();
    if PLACES.contains(&last.as_str()) {
        return false;
    }
    PARTS.iter().any(|part| flat.contains(part)) || words.iter().any(|w| LAST.contains(&w.as_str()))
}

/// The words in `clientSecret`, `CLIENT_SECRET` or `--client-secret`, in lower case.
fn words_of(name: &str) -> Vec<String> {
    let (mut words, mut word, mut was_small) = (Vec::new(), String::new(), false);
    for letter in name.chars() {
        if !letter.is_alphanumeric() || (letter.is_uppercase() && was_small) {
            words.push(std::mem::take(&mut word));
        }
        if letter.is_alphanumeric() {
            word.extend(letter.to_lowercase());
        }
        was_small = letter.is_lowercase();
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

/// Whether `name: value`, or `name=value`, is a secret.
pub fn is_secret_pair(name: &str, value: &str) -> bool {
    is_secret_name(name) || scheme_and_token(value).is_some() || looks_like_token(value)
}

/// Whether a text is a JWT, has a token prefix of a known issuer, or is too random for a word.
pub fn looks_like_token(text: &str) -> bool {
    const BEGINNINGS: [&str; 12] = [
        "ghp_",
        "gho_",
        "ghs_",
        "ghu_",
        "github_pat_",
        "glpat-",
        "glcbt-",
        "ory_",
        "ya29.",
        "xox",
        "hvs.",
        "AKIA",
    ];
    let is_jwt = text.starts_with("eyJ") && text.contains('.') && text.len() >= 20;
    is_jwt
        || (text.len() >= 16 && BEGINNINGS.iter().any(|begin| text.starts_with(begin)))
        || is_opaque(text)
}

fn is_opaque(text: &str) -> bool {
    let has = |test: fn(&u8) -> bool| text.bytes().any(|byte| test(&byte));
    text.len() >= OPAQUE
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_~+=".contains(&byte))
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_digit)
}

/// The token in `Bearer …` or `Basic …`.
pub fn scheme_and_token(text: &str) -> Option<&str> {
    let (scheme, token) = text.trim_start().split_once(' ')?;
    let token = token.trim();
    let is_word = token.len() < 8 || token.bytes().all(|byte| byte.is_ascii_lowercase());
    (SCHEMES.iter().any(|known| scheme.eq_ignore_ascii_case(known)) && !is_word).then_some(token)
}

/// The user and password in each URL in `text`.
pub fn credentials_in_addresses(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(place) = rest.find("://") {
        rest = rest.get(place + 3..).unwrap_or_default();
        let ends = |c: char| c.is_whitespace() || "/?#`'\"<>".contains(c);
        let authority = rest.get(..rest.find(ends).unwrap_or(rest.len())).unwrap_or_default();
        if let Some((credentials, _)) = authority.rsplit_once('@')
            // Already hidden.
            && !["", "…", HIDDEN].contains(&credentials)
        {
            found.push(credentials);
        }
    }
    found
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
    fn names_of_secrets_are_told_from_names_of_their_places() {
        for name in [
            "client_secret",
            "--oidc-client-secret",
            "clientSecret",
            "PASSWORD",
            "REGISTRY_PASS",
            "--token",
            "X-Api-Key",
            "apikey",
            "Authorization",
            "Proxy-Authorization",
            "Cookie",
            "refresh-token",
            "access_token",
            "AWS_SECRET_ACCESS_KEY",
            "GITHUB_PAT",
            "BASIC_AUTH",
            "client-key-data-key",
            "DB_PWD",
            "id-token",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "client-secret-file",
            "tokenFile",
            "--token-cache-dir",
            "token_endpoint",
            "user",
            "--token-cache-storage",
            "AWS_ACCESS_KEY_ID",
            "KUBECONFIG",
            "PATH",
            "server",
            "X-Tenant",
            "scope",
            "subject_token_type",
            "",
            "--",
            "monkey",
            "compass",
            "author",
            "keyboard",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

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
