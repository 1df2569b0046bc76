//! Plain scalars of YAML 1.1, as in Kubernetes: `yes` is a boolean, `0x1F` a number.
//! Never guesses: any other scalar is a text.

use super::Value;

/// The value of a plain scalar.
pub(super) fn plain(text: &str) -> Value {
    let cased = |lower: &str| {
        text == lower || text == lower.to_ascii_uppercase() || {
            let (first, rest) = lower.split_at(1);
            text.strip_prefix(first.to_ascii_uppercase().as_str()) == Some(rest)
        }
    };
    if text.is_empty() || text == "~" || cased("null") {
        return Value::Null;
    }
    if ["true", "yes", "on", "y"].into_iter().any(cased) {
        return Value::Bool(true);
    }
    if ["false", "no", "off", "n"].into_iter().any(cased) {
        return Value::Bool(false);
    }
    if is_number(text) {
        return Value::Number(text.to_owned());
    }
    Value::Text(text.to_owned())
}

/// Whether a number is finite, so that JSON can write it.
pub(super) fn is_finite(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    !matches!(unsigned, ".inf" | ".Inf" | ".INF") && !matches!(text, ".nan" | ".NaN" | ".NAN")
}

/// Resolves numbers as go-yaml v2 does, the YAML parser of Kubernetes.
fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !is_finite(text) {
        return true;
    }
    // Underscores separate digits, but cannot begin a number or occur in one like `.5`.
    let begins = unsigned.strip_prefix('.').unwrap_or(unsigned);
    if !begins.starts_with(|first: char| first.is_ascii_digit())
        || text.starts_with('.') && text.contains('_')
    {
        return false;
    }
    let digits = unsigned.replace('_', "");
    if let Some((radix, rest)) = digits.split_at_checked(2) {
        let radix = match radix.to_ascii_lowercase().as_str() {
            "0x" => 16,
            "0o" => 8,
            "0b" => 2,
            _ => 0,
        };
        if radix != 0 {
            return !rest.is_empty() && rest.chars().all(|digit| digit.is_digit(radix));
        }
    }
    digits.parse::<f64>().is_ok_and(f64::is_finite)
}
