//! The cost rules that several libraries share, as in `library/cost.go` of kube-apiserver.
//! Never the rule of a single function: it is declared with the function.

use crate::value::Value;

/// The cost of reading a string, per character (`common.StringTraversalCostFactor`).
pub(super) const CHARACTER: f64 = 0.1;
/// The cost of a regular expression, per character of it (`common.RegexStringLengthCostFactor`).
const PATTERN_CHARACTER: f64 = 0.25;
/// The cost of creating a list (`common.ListCreateBaseCost`).
const NEW_LIST: u64 = 10;
/// The most values that are counted for a cost; beyond, it is more than any budget.
const LOOKED_AT: u32 = 1_000_000;

/// A cost for each character of the first argument.
pub(super) fn per_character(arguments: &[Value<'_>], factor: f64) -> u64 {
    scaled(arguments.first().map_or(0, Value::size), factor)
}

/// A size times a factor, rounded up.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "as upstream counts; sizes are far below 2^53, and the cast saturates"
)]
pub(super) fn scaled(size: u64, factor: f64) -> u64 {
    (size as f64 * factor).ceil() as u64
}

/// The cost of matching a text against a pattern of that many characters.
pub(super) fn matching(text: u64, pattern: u64) -> u64 {
    scaled(text.saturating_add(1), CHARACTER).saturating_mul(scaled(pattern, PATTERN_CHARACTER))
}

/// The cost of a function that creates a list: a factor for each element.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "as upstream counts; the cast saturates"
)]
pub(super) fn new_list(size: u64, factor: f64) -> u64 {
    ((size as f64 * factor) as u64).saturating_add(1 + NEW_LIST)
}

/// The cost of walking through a value with all that it contains.
pub(super) fn traversal(value: &Value<'_>) -> u64 {
    let mut left = LOOKED_AT;
    walk(value, &mut left).unwrap_or(u64::MAX)
}

fn walk(value: &Value<'_>, left: &mut u32) -> Option<u64> {
    *left = left.checked_sub(1)?;
    match value {
        // Ten characters, or rather bytes, cost one; rounded down.
        Value::String(text) => Some(text.len() as u64 / 10),
        Value::Bytes(bytes) => Some(bytes.len() as u64 / 10),
        Value::List(list) => list
            .elements()
            .try_fold(0_u64, |sum, element| Some(sum.saturating_add(walk(&element, left)?))),
        Value::Map(map) => map.entries().try_fold(0_u64, |sum, (key, value)| {
            let key = walk(&key.into_value(), left)?;
            Some(sum.saturating_add(key).saturating_add(walk(&value, left)?))
        }),
        // As a loop sees it: values, each with one unit more.
        Value::Object(object) => object.fields.entries().try_fold(0_u64, |sum, (_, value)| {
            Some(sum.saturating_add(walk(&value, left)?).saturating_add(1))
        }),
        _ => Some(1),
    }
}
