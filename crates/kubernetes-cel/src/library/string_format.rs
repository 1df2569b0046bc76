//! `format` of `ext.Strings`: `'%s and %d'.format([a, b])`, in American English as upstream has it.
//! Never another language's separators or digits.

use super::cost::{CHARACTER, per_character};
use crate::error::EvaluationError;
use crate::function::{Declarations, Function, Overload};
use crate::meter::Meter;
use crate::types::Type;
use crate::value::{List, Value};

mod check;
mod numbers;
mod template;
#[cfg(test)]
mod tests;
mod values;

pub(crate) use check::check;
pub(crate) use template::NAME;
use template::{Piece, Verb, failed, pieces};

pub(super) fn library() -> Declarations {
    Declarations {
        functions: vec![Function::new(
            NAME,
            [Overload::member([Type::String, Type::list(Type::Dyn)], Type::String, call)
                .costs(|arguments, _| per_character(arguments, CHARACTER))],
        )],
        ..Declarations::default()
    }
}

fn call<'a>(arguments: &[Value<'a>], meter: &mut Meter) -> Result<Value<'a>, EvaluationError> {
    let [Value::String(template), Value::List(values)] = arguments else {
        return Err(EvaluationError::no_overload(NAME));
    };
    format(template, values, meter).map(Value::string)
}

/// Values that are left over do not matter.
fn format(template: &str, values: &List<'_>, meter: &mut Meter) -> Result<String, EvaluationError> {
    meter.work(template.len().saturating_mul(2))?;
    let mut formatted = String::with_capacity(template.len());
    let mut next = 0;
    for piece in pieces(template) {
        match piece {
            Ok(Piece::Text(text)) => formatted.push_str(text),
            Ok(Piece::Clause(verb, precision)) => {
                let value = values.get(next).ok_or(failed("there are too few values"))?;
                next += 1;
                let shown = clause(verb, precision, &value, meter)?;
                meter.work(shown.len())?;
                formatted.push_str(&shown);
            }
            Err(fault) => return Err(failed(fault.as_str())),
        }
    }
    Ok(formatted)
}

fn clause(
    verb: Verb,
    precision: Option<u32>,
    value: &Value<'_>,
    meter: &mut Meter,
) -> Result<String, EvaluationError> {
    let shown = match (verb, value) {
        (Verb::String, value) => return values::show(value, meter),
        (Verb::Decimal, Value::Int(number)) => Some(number.to_string()),
        (Verb::Decimal, Value::Uint(number)) => Some(number.to_string()),
        (Verb::Binary, Value::Int(number)) => {
            Some(format!("{}{:b}", sign(*number), number.unsigned_abs()))
        }
        (Verb::Binary, Value::Uint(number)) => Some(format!("{number:b}")),
        (Verb::Binary, Value::Bool(truth)) => Some(u8::from(*truth).to_string()),
        (Verb::Octal, Value::Int(number)) => {
            Some(format!("{}{:o}", sign(*number), number.unsigned_abs()))
        }
        (Verb::Octal, Value::Uint(number)) => Some(format!("{number:o}")),
        (Verb::Hexadecimal { upper }, value) => hexadecimal(value, meter)?
            .map(|digits| if upper { digits.to_ascii_uppercase() } else { digits }),
        (Verb::Fixed, value) => match numbers::real(value) {
            Some(number) => Some(numbers::fixed(number, precision, meter)?),
            None => None,
        },
        (Verb::Scientific, value) => match numbers::real(value) {
            Some(number) => Some(numbers::scientific(number, precision, meter)?),
            None => None,
        },
        _ => None,
    };
    shown.ok_or(failed("a value is not of the type that its clause takes"))
}

fn sign(number: i64) -> &'static str {
    if number < 0 { "-" } else { "" }
}

fn hexadecimal(value: &Value<'_>, meter: &mut Meter) -> Result<Option<String>, EvaluationError> {
    let bytes: &[u8] = match value {
        Value::Int(number) => {
            return Ok(Some(format!("{}{:x}", sign(*number), number.unsigned_abs())));
        }
        Value::Uint(number) => return Ok(Some(format!("{number:x}"))),
        Value::String(text) => text.as_bytes(),
        Value::Bytes(bytes) => bytes,
        _ => return Ok(None),
    };
    meter.work(bytes.len().saturating_mul(2))?;
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    Ok(Some(digits.filter_map(|digit| char::from_digit(u32::from(digit), 16)).collect()))
}
