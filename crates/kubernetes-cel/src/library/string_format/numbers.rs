//! Doubles with a decimal point or a power of ten, with the separators of American English.
//! Never a whole number: those are written without separators.

use crate::error::EvaluationError;
use crate::meter::Meter;
use crate::value::Value;

/// Digits after the point where the template does not say how many.
const DIGITS: u32 = 6;
/// No double has more digits before its point.
const LONGEST: usize = 310;

/// A double, or a string that names one that has no digits.
pub(super) fn real(value: &Value<'_>) -> Option<f64> {
    match value {
        Value::Double(number) => Some(*number),
        Value::String(text) => match &**text {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    }
}

fn without_digits(number: f64) -> Option<&'static str> {
    if number.is_nan() {
        Some("NaN")
    } else if number == f64::INFINITY {
        Some("\u{221e}")
    } else if number == f64::NEG_INFINITY {
        Some("-\u{221e}")
    } else {
        None
    }
}

/// Zero has no sign.
fn unsigned_zero(number: f64) -> f64 {
    if number == 0.0 { 0.0 } else { number }
}

/// `-1,234.500000`
pub(super) fn fixed(
    number: f64,
    precision: Option<u32>,
    meter: &mut Meter,
) -> Result<String, EvaluationError> {
    if let Some(name) = without_digits(number) {
        return Ok(name.to_owned());
    }
    // Upstream counts the digits in eight bits.
    let precision =
        usize::from(precision.unwrap_or(DIGITS).to_le_bytes().first().copied().unwrap_or_default());
    meter.work(LONGEST.saturating_add(precision))?;
    let plain = format!("{:.precision$}", unsigned_zero(number));
    let (sign, digits) = match plain.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", plain.as_str()),
    };
    let (whole, fraction) = match digits.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (digits, None),
    };
    let mut shown = String::from(sign);
    for (index, digit) in whole.char_indices() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            shown.push(',');
        }
        shown.push(digit);
    }
    if let Some(fraction) = fraction {
        shown.push('.');
        shown.push_str(fraction);
    }
    Ok(shown)
}

/// `1.500000×10⁰³`, always with six digits: upstream takes the precision for the width.
pub(super) fn scientific(
    number: f64,
    precision: Option<u32>,
    meter: &mut Meter,
) -> Result<String, EvaluationError> {
    // Upstream counts the width in sixteen bits; `format!` would panic for more.
    let [low, high, ..] = precision.unwrap_or(DIGITS).to_le_bytes();
    let width = usize::from(u16::from_le_bytes([low, high]));
    meter.work(width)?;
    let shown = if let Some(name) = without_digits(number) {
        name.to_owned()
    } else {
        let plain = format!("{:.6e}", unsigned_zero(number));
        let (mantissa, exponent) = plain.split_once('e').unwrap_or((&plain, "0"));
        let (sign, digits) = match exponent.strip_prefix('-') {
            Some(digits) => ("\u{207b}", digits),
            None => ("", exponent),
        };
        let raised: String = format!("{digits:0>2}").chars().filter_map(superscript).collect();
        format!("{mantissa}\u{d7}10{sign}{raised}")
    };
    Ok(format!("{shown:>width$}"))
}

fn superscript(digit: char) -> Option<char> {
    const DIGITS: [char; 10] = [
        '\u{2070}', '\u{b9}', '\u{b2}', '\u{b3}', '\u{2074}', '\u{2075}', '\u{2076}', '\u{2077}',
        '\u{2078}', '\u{2079}',
    ];
    digit.to_digit(10).and_then(|digit| DIGITS.get(usize::try_from(digit).ok()?).copied())
}
