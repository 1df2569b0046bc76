//! Parses lists in one string, as int128/kubelogin's flags take them (pflag's `StringSlice` and
//! `StringToString`): separated by commas, quoted as in CSV (RFC 4180).
//! Never shows the text, which may hold a secret.

use thiserror::Error;

/// Why a text is not a list.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ListError {
    /// Go's `encoding/csv` says "bare quote".
    #[error("a quote (`\"`) stands in a part of it that does not begin with one")]
    StrayQuote,
    /// Go's `encoding/csv` says "extraneous or missing quote".
    #[error("a part of it begins with a quote (`\"`) and does not end with one")]
    OpenQuote,
    /// Not shown: a header may hold a secret.
    #[error("a part of it is not NAME=VALUE")]
    NoPair,
}

/// Splits `text` into its parts. An empty text has none.
pub fn parts(text: &str) -> Result<Vec<String>, ListError> {
    let mut parts = Vec::new();
    let mut rest = text;
    if rest.is_empty() {
        return Ok(parts);
    }
    loop {
        let (part, after) = if let Some(quoted) = rest.strip_prefix('"') {
            unquoted(quoted)?
        } else {
            let end = rest.find(',').unwrap_or(rest.len());
            let (part, after) = rest.split_at(end);
            if part.contains('"') {
                return Err(ListError::StrayQuote);
            }
            (part.to_owned(), after)
        };
        parts.push(part);
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None => return Ok(parts),
        }
    }
}

/// The content of the quotes, and the rest after them: a comma, or nothing.
fn unquoted(text: &str) -> Result<(String, &str), ListError> {
    let (mut part, mut rest) = (String::new(), text);
    loop {
        let end = rest.find('"').ok_or(ListError::OpenQuote)?;
        let (before, after) = rest.split_at(end);
        part.push_str(before);
        rest = after.get(1..).unwrap_or_default();
        match rest.strip_prefix('"') {
            Some(next) => {
                part.push('"');
                rest = next;
            }
            None if rest.is_empty() || rest.starts_with(',') => return Ok((part, rest)),
            None => return Err(ListError::OpenQuote),
        }
    }
}

/// The `NAME=VALUE` pairs of `text`. A single pair is taken whole, with its commas.
pub fn pairs(text: &str) -> Result<Vec<(String, String)>, ListError> {
    let parts = match text.matches('=').count() {
        0 if text.is_empty() => return Ok(Vec::new()),
        0 => return Err(ListError::NoPair),
        1 => vec![text.trim_matches('"').to_owned()],
        _ => parts(text)?,
    };
    let split = |part: &String| {
        let (name, value) = part.split_once('=').filter(|(name, _)| !name.trim().is_empty())?;
        Some((name.trim().to_owned(), value.to_owned()))
    };
    parts.iter().map(|part| split(part).ok_or(ListError::NoPair)).collect()
}

/// A string that `parts` and `pairs` split into these parts.
pub fn joined<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let quoted = |part: &str| {
        let is_plain = !part.contains([',', '"', '\n', '\r']) && !part.is_empty();
        if is_plain { part.to_owned() } else { format!("\"{}\"", part.replace('"', "\"\"")) }
    };
    parts.into_iter().map(quoted).collect::<Vec<_>>().join(",")
}

/// A string that `pairs` splits into all of these pairs; `None` if there are none.
pub fn one_text_of_pairs(given: &[&str]) -> Option<String> {
    let mut all = Vec::new();
    for text in given {
        all.extend(pairs(text).ok()?);
    }
    let parts: Vec<String> = all.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let text = match parts.as_slice() {
        // A single pair is taken whole.
        [one] if one.matches('=').count() == 1 => one.clone(),
        all => joined(all.iter().map(String::as_str)),
    };
    (pairs(&text).ok()? == all).then_some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same results as pflag 1.0.10.
    #[test]
    fn a_list_is_read_as_pflag_reads_it() {
        for (text, expected) in [
            ("", &[][..]),
            ("a", &["a"]),
            ("a,b", &["a", "b"]),
            ("a b", &["a b"]),
            ("\"a b\"", &["a b"]),
            ("\"a,b\",c", &["a,b", "c"]),
            ("\"a \"\"b\"\"\"", &["a \"b\""]),
            ("a,", &["a", ""]),
            (",", &["", ""]),
            ("\"\"", &[""]),
            (" a, b", &[" a", " b"]),
        ] {
            assert_eq!(parts(text).unwrap(), expected, "{text:?}");
        }
        for (text, fault) in [
            ("a\"b", ListError::StrayQuote),
            ("a,b\"", ListError::StrayQuote),
            ("\"a", ListError::OpenQuote),
            ("\"a\"b", ListError::OpenQuote),
            ("\"a\" ,b", ListError::OpenQuote),
        ] {
            assert_eq!(parts(text), Err(fault), "{text:?}");
        }
    }

    #[test]
    fn pairs_are_read_as_pflag_reads_them() {
        for (text, expected) in [
            ("a=b", &[("a", "b")][..]),
            ("a=b,c=d", &[("a", "b"), ("c", "d")]),
            // A single pair keeps its commas and surrounding quotes.
            ("a=b,c", &[("a", "b,c")]),
            ("\"a=b\"", &[("a", "b")]),
            ("\"a=b,c\",d=e", &[("a", "b,c"), ("d", "e")]),
            ("Authorization=Basic dTpw", &[("Authorization", "Basic dTpw")]),
            ("Authorization=Basic dTpwcA==", &[("Authorization", "Basic dTpwcA==")]),
            ("a=", &[("a", "")]),
            ("", &[]),
        ] {
            let found = pairs(text).unwrap();
            let found: Vec<(&str, &str)> =
                found.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            assert_eq!(found, expected, "{text:?}");
        }
        for text in ["a", "=b", "a=b,c,d=e", "a=b,\"c=d"] {
            assert!(pairs(text).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_joined_is_read_back(list in prop::collection::vec("[a-z ,\"=]{0,5}", 0..4)) {
            let text = joined(list.iter().map(String::as_str));
            prop_assert_eq!(parts(&text).unwrap(), list);
        }
    }
}
