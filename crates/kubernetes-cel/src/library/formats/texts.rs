//! Formats of other standards: URIs, UUIDs, Base64, dates.
//! Never a parsed value: only whether the text is in the format.

use crate::library::url::is_request_uri;

fn unless(is_right: bool, fault: &str) -> Vec<String> {
    if is_right { Vec::new() } else { vec![fault.to_owned()] }
}

pub(super) fn uri(text: &str) -> Vec<String> {
    unless(is_request_uri(text), "not a URI for a request")
}

pub(super) fn uuid(text: &str) -> Vec<String> {
    unless(is_uuid(text), "does not match the UUID format")
}

/// Groups of 8, 4, 4, 4 and 12 digits; each of the dashes may be missing.
fn is_uuid(text: &str) -> bool {
    let mut rest = text;
    for (index, length) in [8, 4, 4, 4, 12].into_iter().enumerate() {
        if index > 0 {
            rest = rest.strip_prefix('-').unwrap_or(rest);
        }
        let Some((group, after)) = rest.split_at_checked(length) else { return false };
        if !group.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return false;
        }
        rest = after;
    }
    rest.is_empty()
}

pub(super) fn base64(text: &str) -> Vec<String> {
    unless(is_base64(text), "invalid base64")
}

/// RFC 4648 §4 with padding, without a look at the bits that padding leaves over.
fn is_base64(text: &str) -> bool {
    let digits = text.strip_suffix("==").or_else(|| text.strip_suffix('=')).unwrap_or(text);
    !text.is_empty()
        && text.len().is_multiple_of(4)
        && digits.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(&byte))
}

pub(super) fn date(text: &str) -> Vec<String> {
    unless(is_date(text), "invalid date")
}

/// RFC 3339 `full-date`.
fn is_date(text: &str) -> bool {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text.as_bytes() else { return false };
    let digits = |digits: &[u8]| {
        digits.iter().try_fold(0_i16, |number, digit| {
            digit.is_ascii_digit().then(|| number * 10 + i16::from(digit - b'0'))
        })
    };
    let small =
        |high: u8, low: u8| digits(&[high, low]).and_then(|number| i8::try_from(number).ok());
    let (Some(year), Some(month), Some(day)) =
        (digits(&[*y1, *y2, *y3, *y4]), small(*m1, *m2), small(*d1, *d2))
    else {
        return false;
    };
    jiff::civil::Date::new(year, month, day).is_ok()
}

pub(super) fn date_time(text: &str) -> Vec<String> {
    unless(is_date_time(text), "invalid datetime")
}

/// RFC 3339 `date-time` as upstream reads it: offsets are not looked at, seconds end at 59, any
/// character may stand before the fraction, and what follows a second `t` does not matter.
fn is_date_time(text: &str) -> bool {
    let lower = text.to_lowercase();
    let mut parts = lower.split('t');
    let (Some(date), Some(time)) = (parts.next(), parts.next()) else { return false };
    is_date(date) && is_time(time)
}

fn is_time(text: &str) -> bool {
    let number = |text: Option<&str>, most: &str| {
        text.is_some_and(|text| {
            text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit()) && text <= most
        })
    };
    let Some((clock, rest)) = text.split_at_checked(8) else { return false };
    let is_clock = number(clock.get(0..2), "23")
        && clock.get(2..3) == Some(":")
        && number(clock.get(3..5), "59")
        && clock.get(5..6) == Some(":")
        && number(clock.get(6..8), "59");
    is_clock && (is_offset(rest) || is_offset(without_fraction(rest)))
}

/// What follows one character, which is no line break, and digits.
fn without_fraction(text: &str) -> &str {
    let mut characters = text.chars();
    if characters.next().is_none_or(|sign| sign == '\n') {
        return text;
    }
    let after = characters.as_str();
    let rest = after.trim_start_matches(|character: char| character.is_ascii_digit());
    if rest.len() == after.len() { text } else { rest }
}

fn is_offset(text: &str) -> bool {
    match text.as_bytes() {
        [b'z'] => true,
        [b'+' | b'-', h1, h2, b':', m1, m2] => [h1, h2, m1, m2].into_iter().all(u8::is_ascii_digit),
        _ => false,
    }
}
