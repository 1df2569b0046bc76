//! `indexOf` and `lastIndexOf`, in characters.
//! Never a regular expression (`regex`).

use super::out_of_range;
use crate::error::EvaluationError;
use crate::meter::Meter;
use crate::value::Value;

/// The text, what is looked for, and the position to begin at.
fn question<'v>(
    function: &'static str,
    arguments: &'v [Value<'_>],
    meter: &mut Meter,
) -> Result<(&'v str, &'v str, Option<usize>), EvaluationError> {
    let (text, wanted, offset) = match arguments {
        [Value::String(text), Value::String(wanted)] => (text, wanted, None),
        [Value::String(text), Value::String(wanted), Value::Int(offset)] => {
            (text, wanted, Some(usize::try_from(*offset).map_err(|_| out_of_range(function))?))
        }
        _ => return Err(EvaluationError::no_overload(function)),
    };
    meter.work(text.len().saturating_mul(2).saturating_add(wanted.len()))?;
    Ok((text, wanted, offset))
}

fn position<'a>(found: Option<usize>) -> Value<'a> {
    Value::Int(found.and_then(|index| i64::try_from(index).ok()).unwrap_or(-1))
}

/// In characters.
fn length(text: &str) -> usize {
    text.chars().count()
}

/// The number of characters before a byte.
fn characters_before(text: &str, offset: usize) -> usize {
    text.get(..offset).map_or(0, length)
}

pub(super) fn index_of<'a>(
    arguments: &[Value<'a>],
    meter: &mut Meter,
) -> Result<Value<'a>, EvaluationError> {
    let (text, wanted, offset) = question("indexOf", arguments, meter)?;
    let offset = offset.unwrap_or_default();
    if wanted.is_empty() {
        return Ok(position(Some(offset.min(length(text)))));
    }
    let Some(start) = super::byte_offset(text, offset) else { return Ok(position(None)) };
    let found = text.get(start..).and_then(|rest| rest.find(wanted));
    Ok(position(found.map(|found| characters_before(text, start + found))))
}

pub(super) fn last_index_of<'a>(
    arguments: &[Value<'a>],
    meter: &mut Meter,
) -> Result<Value<'a>, EvaluationError> {
    let (text, wanted, offset) = question("lastIndexOf", arguments, meter)?;
    let characters = length(text);
    if wanted.is_empty() {
        return Ok(position(Some(offset.unwrap_or(characters).min(characters))));
    }
    // Upstream finds nothing from the end of the text on.
    if offset.is_some_and(|offset| offset >= characters) {
        return Ok(position(None));
    }
    let end = match offset {
        Some(offset) => super::byte_offset(text, offset.saturating_add(length(wanted))),
        None => None,
    };
    let found = text.get(..end.unwrap_or(text.len())).and_then(|part| part.rfind(wanted));
    Ok(position(found.map(|found| characters_before(text, found))))
}
