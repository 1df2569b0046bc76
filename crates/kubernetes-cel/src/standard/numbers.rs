//! Doubles as Go writes and reads them.
//! Never rounds: writes the shortest digits that give the same number back.

use std::borrow::Cow;

/// As Go's `%g`: large and small numbers with an exponent of two digits at least.
pub(crate) fn shortest(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (SMALLEST..LARGEST).contains(&exponent) {
        return format!("{value}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

/// The exponents that Go does not write.
const SMALLEST: i32 = -4;
const LARGEST: i32 = 6;

/// As Go's `strconv.ParseFloat`; hexadecimal numbers are not read.
pub(super) fn parse(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_named = unsigned.starts_with(|first: char| first.is_ascii_alphabetic());
    let value: f64 = without_underscores(text)?.parse().ok()?;
    let signed_nan = value.is_nan() && unsigned.len() != text.len();
    // Out of range: Go refuses such a number unless it is written as infinity.
    (!signed_nan && (is_named || value.is_finite())).then_some(value)
}

/// Go accepts underscores between digits.
fn without_underscores(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('_') {
        return Some(Cow::Borrowed(text));
    }
    let bytes = text.as_bytes();
    let is_digit =
        |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let between_digits = bytes.iter().enumerate().all(|(at, byte)| {
        *byte != b'_' || (is_digit(at.checked_sub(1)) && is_digit(at.checked_add(1)))
    });
    between_digits.then(|| Cow::Owned(text.replace('_', "")))
}

/// As Go's conversion to int64, where the ends of the range are refused.
pub(super) fn to_int(value: f64) -> Option<i64> {
    const END: f64 = 9_223_372_036_854_775_808.0;
    #[expect(clippy::cast_possible_truncation, reason = "within the range; truncation is meant")]
    (value > -END && value < END).then_some(value as i64)
}

/// As Go's conversion to uint64.
pub(super) fn to_uint(value: f64) -> Option<u64> {
    const END: f64 = 18_446_744_073_709_551_616.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "within the range; truncation is meant"
    )]
    (0.0..END).contains(&value).then_some(value as u64)
}
