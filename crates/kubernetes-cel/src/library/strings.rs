//! `ext.Strings`, version 2, without `format`; positions count characters.
//! Never Unicode case: only ASCII letters change.

use super::cost::{CHARACTER, per_character, scaled, traversal};
use crate::error::EvaluationError;
use crate::function::{CostRule, Declarations, Function, Implementation, Overload};
use crate::meter::Meter;
use crate::types::Type;
use crate::value::Value;

mod search;
#[cfg(test)]
mod tests;

pub(super) fn library() -> Declarations {
    let walk: CostRule = |arguments, _| per_character(arguments, CHARACTER);
    let rebuild: CostRule = |arguments, _| per_character(arguments, 2.0 * CHARACTER);
    let joined: CostRule = |_, result| scaled(result.size(), 2.0 * CHARACTER);
    let looked: CostRule = |arguments, _| arguments.first().map_or(0, traversal);
    let strings = || Type::list(Type::String);
    Declarations {
        functions: vec![
            Function::new(
                "charAt",
                [member([Type::String, Type::Int], Type::String, char_at, |_, _| 1)],
            ),
            Function::new(
                "indexOf",
                [
                    member([Type::String, Type::String], Type::Int, search::index_of, looked),
                    member(
                        [Type::String, Type::String, Type::Int],
                        Type::Int,
                        search::index_of,
                        looked,
                    ),
                ],
            ),
            Function::new(
                "lastIndexOf",
                [
                    member([Type::String, Type::String], Type::Int, search::last_index_of, looked),
                    member(
                        [Type::String, Type::String, Type::Int],
                        Type::Int,
                        search::last_index_of,
                        looked,
                    ),
                ],
            ),
            Function::new(
                "lowerAscii",
                [member(
                    [Type::String],
                    Type::String,
                    |arguments, meter| {
                        changed("lowerAscii", arguments, meter, str::to_ascii_lowercase)
                    },
                    walk,
                )],
            ),
            Function::new(
                "upperAscii",
                [member(
                    [Type::String],
                    Type::String,
                    |arguments, meter| {
                        changed("upperAscii", arguments, meter, str::to_ascii_uppercase)
                    },
                    walk,
                )],
            ),
            Function::new(
                "trim",
                [member(
                    [Type::String],
                    Type::String,
                    |arguments, meter| {
                        changed("trim", arguments, meter, |text| text.trim().to_owned())
                    },
                    walk,
                )],
            ),
            Function::new(
                "replace",
                [
                    member(
                        [Type::String, Type::String, Type::String],
                        Type::String,
                        replace,
                        rebuild,
                    ),
                    member(
                        [Type::String, Type::String, Type::String, Type::Int],
                        Type::String,
                        replace,
                        rebuild,
                    ),
                ],
            ),
            Function::new(
                "split",
                [
                    member([Type::String, Type::String], strings(), split, rebuild),
                    member([Type::String, Type::String, Type::Int], strings(), split, rebuild),
                ],
            ),
            Function::new(
                "substring",
                [
                    member([Type::String, Type::Int], Type::String, substring, walk),
                    member([Type::String, Type::Int, Type::Int], Type::String, substring, walk),
                ],
            ),
            Function::new(
                "join",
                [
                    member([strings()], Type::String, join, joined),
                    member([strings(), Type::String], Type::String, join, joined),
                ],
            ),
            Function::new(
                "strings.quote",
                [Overload::global([Type::String], Type::String, |arguments, meter| {
                    changed("strings.quote", arguments, meter, quote)
                })
                .costs(walk)],
            ),
        ],
        ..Declarations::default()
    }
}

fn member<const N: usize>(
    parameters: [Type; N],
    result: Type,
    implementation: Implementation,
    cost: CostRule,
) -> Overload {
    Overload::member(parameters, result, implementation).costs(cost)
}

fn char_at<'a>(arguments: &[Value<'a>], meter: &mut Meter) -> Result<Value<'a>, EvaluationError> {
    let [Value::String(text), Value::Int(index)] = arguments else {
        return Err(EvaluationError::no_overload("charAt"));
    };
    meter.work(text.len())?;
    let at = usize::try_from(*index).ok().and_then(|index| byte_offset(text, index));
    let at = at.ok_or(out_of_range("charAt"))?;
    let found = text.get(at..).and_then(|rest| rest.chars().next());
    Ok(Value::string(found.map(String::from).unwrap_or_default()))
}

/// Where a character begins, or the text ends.
fn byte_offset(text: &str, characters: usize) -> Option<usize> {
    text.char_indices().map(|(offset, _)| offset).chain([text.len()]).nth(characters)
}

fn out_of_range(function: &'static str) -> EvaluationError {
    EvaluationError::failed(function, "the index is out of range")
}

fn changed<'a>(
    function: &'static str,
    arguments: &[Value<'a>],
    meter: &mut Meter,
    change: fn(&str) -> String,
) -> Result<Value<'a>, EvaluationError> {
    let [Value::String(text)] = arguments else {
        return Err(EvaluationError::no_overload(function));
    };
    meter.work(text.len().saturating_mul(2))?;
    Ok(Value::string(change(text)))
}

fn replace<'a>(arguments: &[Value<'a>], meter: &mut Meter) -> Result<Value<'a>, EvaluationError> {
    let (text, old, new, limit) = match arguments {
        [Value::String(text), Value::String(old), Value::String(new)] => (text, old, new, -1),
        [Value::String(text), Value::String(old), Value::String(new), Value::Int(limit)] => {
            (text, old, new, *limit)
        }
        _ => return Err(EvaluationError::no_overload("replace")),
    };
    meter.work(text.len())?;
    // A negative limit is none.
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let count = text.matches(&**old).take(limit).count();
    meter.work(text.len().saturating_add(count.saturating_mul(new.len())))?;
    Ok(Value::string(text.replacen(&**old, new, count)))
}

fn split<'a>(arguments: &[Value<'a>], meter: &mut Meter) -> Result<Value<'a>, EvaluationError> {
    let (text, separator, limit) = match arguments {
        [Value::String(text), Value::String(separator)] => (text, separator, -1),
        [Value::String(text), Value::String(separator), Value::Int(limit)] => {
            (text, separator, *limit)
        }
        _ => return Err(EvaluationError::no_overload("split")),
    };
    meter.work(text.len())?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut parts = Vec::new();
    let mut part = |part: &str, meter: &mut Meter| {
        meter.elements(1)?;
        meter.work(part.len())?;
        parts.push(Value::string(part));
        Ok(())
    };
    if separator.is_empty() {
        // Every character on its own; the last part is what is left.
        let mut rest: &str = text;
        for _ in 1..limit {
            let mut characters = rest.chars();
            let Some(first) = characters.next() else { break };
            part(first.encode_utf8(&mut [0; 4]), meter)?;
            rest = characters.as_str();
        }
        if limit > 0 && !rest.is_empty() {
            part(rest, meter)?;
        }
    } else {
        for found in text.splitn(limit, &**separator) {
            part(found, meter)?;
        }
    }
    Ok(Value::list(parts))
}

fn substring<'a>(arguments: &[Value<'a>], meter: &mut Meter) -> Result<Value<'a>, EvaluationError> {
    let (text, start, end) = match arguments {
        [Value::String(text), Value::Int(start)] => (text, start, None),
        [Value::String(text), Value::Int(start), Value::Int(end)] => (text, start, Some(end)),
        _ => return Err(EvaluationError::no_overload("substring")),
    };
    meter.work(text.len().saturating_mul(2))?;
    let offset =
        |index: &i64| usize::try_from(*index).ok().and_then(|index| byte_offset(text, index));
    let start = offset(start).ok_or(out_of_range("substring"))?;
    let end = match end {
        Some(end) => offset(end).ok_or(out_of_range("substring"))?,
        None => text.len(),
    };
    text.get(start..end).map(Value::string).ok_or(out_of_range("substring"))
}

fn join<'a>(arguments: &[Value<'a>], meter: &mut Meter) -> Result<Value<'a>, EvaluationError> {
    let (list, separator) = match arguments {
        [Value::List(list)] => (list, ""),
        [Value::List(list), Value::String(separator)] => (list, &**separator),
        _ => return Err(EvaluationError::no_overload("join")),
    };
    let mut joined = String::new();
    for (index, element) in list.elements().enumerate() {
        let Value::String(text) = element else {
            return Err(EvaluationError::failed("join", "an element is no string"));
        };
        meter.work(text.len().saturating_add(separator.len()))?;
        if index > 0 {
            joined.push_str(separator);
        }
        joined.push_str(&text);
    }
    Ok(Value::string(joined))
}

/// As a literal of the language.
fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        let escaped = match character {
            '\u{7}' => "\\a",
            '\u{8}' => "\\b",
            '\u{c}' => "\\f",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            '\u{b}' => "\\v",
            '\\' => "\\\\",
            '"' => "\\\"",
            other => {
                quoted.push(other);
                continue;
            }
        };
        quoted.push_str(escaped);
    }
    quoted.push('"');
    quoted
}
