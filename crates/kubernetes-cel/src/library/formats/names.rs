//! The formats of Kubernetes' names, with its own messages.
//! Never a regular expression: patterns occur in the messages only.

const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL_1035: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const KEY: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

const LABEL_LENGTH: usize = 63;
const SUBDOMAIN_LENGTH: usize = 253;

fn is_lower(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

/// Of these bytes only, with other rules for both ends.
fn is_word(text: &str, end: fn(u8) -> bool, inside: &[u8]) -> bool {
    let bytes = text.as_bytes();
    bytes.first().is_some_and(|first| end(*first))
        && bytes.last().is_some_and(|last| end(*last))
        && bytes.iter().all(|byte| end(*byte) || inside.contains(byte))
}

fn is_label(text: &str) -> bool {
    is_word(text, is_lower, b"-")
}

fn is_subdomain(text: &str) -> bool {
    text.split('.').all(is_label)
}

fn is_key(text: &str) -> bool {
    is_word(text, |byte| byte.is_ascii_alphanumeric(), b"-_.")
}

/// Too long, or otherwise wrong, or both.
fn faults(text: &str, most: usize, unit: &str, is_right: bool, message: &str) -> Vec<String> {
    let too_long = (text.len() > most).then(|| format!("must be no more than {most} {unit}"));
    too_long.into_iter().chain((!is_right).then(|| message.to_owned())).collect()
}

pub(super) fn dns_label(text: &str) -> Vec<String> {
    let message = if is_subdomain(text) { "must not contain dots" } else { LABEL };
    faults(text, LABEL_LENGTH, "characters", is_label(text), message)
}

pub(super) fn dns_subdomain(text: &str) -> Vec<String> {
    faults(text, SUBDOMAIN_LENGTH, "characters", is_subdomain(text), SUBDOMAIN)
}

pub(super) fn dns_1035_label(text: &str) -> Vec<String> {
    let starts = text.starts_with(|first: char| first.is_ascii_lowercase());
    faults(text, LABEL_LENGTH, "characters", starts && is_label(text), LABEL_1035)
}

/// What is generated from a prefix gets an end of its own: a dash may be the last character.
fn completed(prefix: &str) -> String {
    match prefix.strip_suffix('-') {
        Some(rest) if !rest.is_empty() => {
            let mut characters = rest.chars();
            characters.next_back();
            format!("{}a", characters.as_str())
        }
        _ => prefix.to_owned(),
    }
}

pub(super) fn dns_label_prefix(text: &str) -> Vec<String> {
    dns_label(&completed(text))
}

pub(super) fn dns_subdomain_prefix(text: &str) -> Vec<String> {
    dns_subdomain(&completed(text))
}

pub(super) fn dns_1035_label_prefix(text: &str) -> Vec<String> {
    dns_1035_label(&completed(text))
}

pub(super) fn label_value(text: &str) -> Vec<String> {
    faults(text, LABEL_LENGTH, "bytes", text.is_empty() || is_key(text), VALUE)
}

pub(super) fn qualified_name(text: &str) -> Vec<String> {
    let (prefix, name) = match text.split_once('/') {
        None => (None, text),
        Some((_, name)) if name.contains('/') => {
            return vec![format!(
                "a valid label key {KEY} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
            )];
        }
        Some((prefix, name)) => (Some(prefix), name),
    };
    let mut all = Vec::new();
    match prefix {
        Some("") => all.push("prefix part must be non-empty".to_owned()),
        Some(prefix) => all.extend(
            faults(prefix, SUBDOMAIN_LENGTH, "bytes", is_subdomain(prefix), SUBDOMAIN)
                .into_iter()
                .map(|fault| format!("prefix part {fault}")),
        ),
        None => {}
    }
    if name.is_empty() {
        all.push("name part must be non-empty".to_owned());
    }
    all.extend(
        faults(name, LABEL_LENGTH, "bytes", is_key(name), KEY)
            .into_iter()
            .map(|fault| format!("name part {fault}")),
    );
    all
}
