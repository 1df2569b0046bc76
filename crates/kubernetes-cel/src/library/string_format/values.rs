//! Values as `%s` shows them; within lists and maps, as literals of the language.
//! Never a value of a library: those have no literal.

use std::fmt::Write as _;
use std::sync::LazyLock;

use super::template::failed;
use crate::error::EvaluationError;
use crate::meter::Meter;
use crate::pattern::{Matcher, Purpose, SIZE};
use crate::standard::{show_double, show_duration, show_timestamp};
use crate::value::{Key, Value};

/// What each value costs beyond its text.
const VALUE: usize = 16;

/// At the top: strings without quotation marks.
pub(super) fn show(value: &Value<'_>, meter: &mut Meter) -> Result<String, EvaluationError> {
    match value {
        Value::String(text) => {
            meter.work(text.len())?;
            Ok(text.to_string())
        }
        Value::Bytes(bytes) => {
            meter.work(bytes.len())?;
            Ok(utf8(bytes)?.to_owned())
        }
        Value::Double(number) => Ok(show_double(*number)),
        Value::Duration(duration) => Ok(show_duration(*duration)),
        Value::Timestamp(time) => Ok(show_timestamp(*time)),
        value => literal(value, meter),
    }
}

fn utf8(bytes: &[u8]) -> Result<&str, EvaluationError> {
    std::str::from_utf8(bytes).map_err(|_| failed("bytes are not UTF-8"))
}

fn literal(value: &Value<'_>, meter: &mut Meter) -> Result<String, EvaluationError> {
    let mut shown = String::new();
    write(&mut shown, value, meter)?;
    Ok(shown)
}

fn write(shown: &mut String, value: &Value<'_>, meter: &mut Meter) -> Result<(), EvaluationError> {
    meter.work(VALUE)?;
    match value {
        Value::Null => shown.push_str("null"),
        Value::Bool(truth) => shown.push_str(if *truth { "true" } else { "false" }),
        Value::Int(number) => shown.push_str(&number.to_string()),
        Value::Uint(number) => shown.push_str(&number.to_string()),
        Value::Double(number) if number.is_finite() => {
            let digits = format!("{number:.6}");
            meter.work(digits.len())?;
            shown.push_str(&digits);
        }
        Value::Double(number) if number.is_nan() => shown.push_str("\"NaN\""),
        Value::Double(number) => {
            shown.push_str(if *number > 0.0 { "\"+Inf\"" } else { "\"-Inf\"" });
        }
        Value::String(text) => quote(shown, text, meter)?,
        Value::Bytes(bytes) => {
            shown.push('b');
            quote(shown, utf8(bytes)?, meter)?;
        }
        Value::Duration(duration) => {
            shown.push_str("duration(\"");
            shown.push_str(&show_duration(*duration));
            shown.push_str("\")");
        }
        Value::Timestamp(time) => {
            shown.push_str("timestamp(\"");
            shown.push_str(&show_timestamp(*time));
            shown.push_str("\")");
        }
        Value::Type(of) => shown.push_str(of.name()),
        Value::List(list) => {
            shown.push('[');
            for (index, element) in list.elements().enumerate() {
                if index > 0 {
                    shown.push_str(", ");
                }
                write(shown, &element, meter)?;
            }
            shown.push(']');
        }
        Value::Map(map) => {
            let mut entries = Vec::new();
            for (key, value) in map.entries() {
                if matches!(key, Key::Double(_)) {
                    return Err(failed("a key of a map cannot be shown"));
                }
                let key = literal(&key.into_value(), meter)?;
                entries.push((key, literal(&value, meter)?));
            }
            entries.sort_by(|(left, _), (right, _)| left.cmp(right));
            let entries: Vec<String> =
                entries.into_iter().map(|(key, value)| format!("{key}:{value}")).collect();
            meter.work(entries.iter().map(String::len).sum())?;
            shown.push('{');
            shown.push_str(&entries.join(", "));
            shown.push('}');
        }
        _ => return Err(failed("a value cannot be shown")),
    }
    Ok(())
}

/// Characters that Go prints as they are: letters, marks, numbers, punctuation, symbols.
static PRINTED: LazyLock<Option<Matcher>> =
    LazyLock::new(|| Matcher::new(r"^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$", SIZE, Purpose::Test).ok());

/// As Go quotes strings.
fn quote(shown: &mut String, text: &str, meter: &mut Meter) -> Result<(), EvaluationError> {
    // No character takes more than ten.
    meter.work(text.len().saturating_mul(10).saturating_add(2))?;
    shown.push('"');
    for character in text.chars() {
        let escape = match character {
            '"' => "\\\"",
            '\\' => "\\\\",
            '\u{7}' => "\\a",
            '\u{8}' => "\\b",
            '\u{c}' => "\\f",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            '\u{b}' => "\\v",
            other => {
                push_printed(shown, other, meter)?;
                continue;
            }
        };
        shown.push_str(escape);
    }
    shown.push('"');
    Ok(())
}

fn push_printed(
    shown: &mut String,
    character: char,
    meter: &mut Meter,
) -> Result<(), EvaluationError> {
    let is_printed = match &*PRINTED {
        Some(printed) if !character.is_ascii() => {
            printed.is_match(character.encode_utf8(&mut [0; 4]), meter.patience())?
        }
        Some(_) | None => matches!(character, ' '..='~'),
    };
    let code = u32::from(character);
    let written = if is_printed {
        shown.push(character);
        Ok(())
    } else if code < 0x80 {
        write!(shown, "\\x{code:02x}")
    } else if code < 0x1_0000 {
        write!(shown, "\\u{code:04x}")
    } else {
        write!(shown, "\\U{code:08x}")
    };
    written.map_err(|_| failed("a value cannot be shown"))
}
