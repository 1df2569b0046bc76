//! Tells by names and by shape which parts of a text are secrets.
//! Never the only guard: secrets have a type that does not print.

/// Replaces a secret.
pub const HIDDEN: &str = "(hidden)";

/// A string this long with digits and letters of both cases is not a word.
const OPAQUE: usize = 32;

/// HTTP authentication schemes, in lower case.
pub const SCHEMES: [&str; 5] = ["bearer", "basic", "token", "negotiate", "digest"];

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
}
