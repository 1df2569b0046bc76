//! `ext.Lists`, version 3: lists made of lists.
//! Never Kubernetes' own functions over lists (`lists`).

use std::cmp::Ordering;
use std::sync::Arc;

use super::cost::{CHARACTER, new_list};
use super::lists::{COMPARABLE, is_comparable};
use crate::error::EvaluationError;
use crate::function::{Declarations, Function, Overload};
use crate::meter::Meter;
use crate::syntax::Macro;
use crate::syntax::ast::{Comprehension, Expr, ExprKind};
use crate::syntax::macros::{Expander, Misuse};
use crate::types::Type;
use crate::value::{List, Value};

/// Elements that `lists.range()` makes at most.
const RANGE: i64 = 1_000_000;

/// Of work, for every pair of elements that is compared.
const COMPARISON: usize = 16;

/// What `sortBy` becomes; no text can name it.
const SORT_BY_KEYS: &str = "@sortByAssociatedKeys";
const SORT_BY_INPUT: &str = "@__sortBy_input__";

pub(super) fn library() -> Declarations {
    let t = || Type::list(Type::parameter("T"));
    Declarations {
        functions: vec![
            Function::new(
                "slice",
                [Overload::member([t(), Type::Int, Type::Int], t(), slice).costs(by_result)],
            ),
            Function::new(
                "flatten",
                [
                    Overload::member([Type::list(t())], t(), flatten)
                        .costs(flatten_cost)
                        .unguarded(),
                    Overload::member(
                        [Type::list(Type::Dyn), Type::Int],
                        Type::list(Type::Dyn),
                        flatten,
                    )
                    .costs(flatten_cost)
                    .unguarded(),
                ],
            ),
            Function::new(
                "sort",
                COMPARABLE.map(|element| {
                    Overload::member([Type::list(element.clone())], Type::list(element), sort)
                        .costs(|arguments, _| squared(arguments.first()))
                        .unguarded()
                }),
            ),
            Function::new(
                SORT_BY_KEYS,
                COMPARABLE.map(|key| {
                    Overload::member([t(), Type::list(key)], t(), sort_by_keys)
                        .costs(|arguments, _| squared(arguments.get(1)))
                        .unguarded()
                }),
            ),
            Function::new(
                "lists.range",
                [Overload::global([Type::Int], Type::list(Type::Int), range).costs(by_result)],
            ),
            Function::new("reverse", [Overload::member([t()], t(), reverse).costs(by_result)]),
            Function::new(
                "distinct",
                [Overload::member([t()], t(), distinct)
                    .costs(|arguments, _| squared(arguments.first()))],
            ),
        ],
        macros: vec![Macro { name: "sortBy", member: true, arguments: 2, expand: expand_sort_by }],
        ..Declarations::default()
    }
}

/// `list.sortBy(e, key)`: the list is bound to a name of its own and sorted by `list.map(e, key)`.
fn expand_sort_by(
    expander: &mut Expander<'_>,
    target: Option<Expr>,
    arguments: Vec<Expr>,
) -> Result<Expr, Misuse> {
    let (Some(list), Ok([variable, key])) = (target, <[Expr; 2]>::try_from(arguments)) else {
        return Err(Misuse { offset: 0, message: "sortBy takes a variable and a key" });
    };
    let is_list = matches!(
        list.kind,
        ExprKind::List(_)
            | ExprKind::Select { .. }
            | ExprKind::Ident(_)
            | ExprKind::Comprehension(_)
            | ExprKind::Call { .. }
    );
    if !is_list {
        return Err(Misuse {
            offset: list.offset,
            message: "sortBy can only be applied to a list, identifier, comprehension, call or select expression",
        });
    }
    let Some(variable) = variable.as_ident().cloned() else {
        return Err(Misuse {
            offset: variable.offset,
            message: "the first argument must be the name of a variable",
        });
    };
    let input = expander.ident(SORT_BY_INPUT);
    let keys = expander.map_over(input, variable, key);
    let input = expander.ident(SORT_BY_INPUT);
    let sorted = expander.member_call(SORT_BY_KEYS, input, vec![keys]);
    let fold = Comprehension {
        range: expander.list(Vec::new()),
        variable: Arc::from("#unused"),
        second: None,
        accumulator: Arc::from(SORT_BY_INPUT),
        start: list,
        condition: expander.boolean(false),
        step: expander.ident(SORT_BY_INPUT),
        result: sorted,
    };
    Ok(expander.fold(fold))
}

fn by_result(_: &[Value<'_>], result: &Value<'_>) -> u64 {
    new_list(result.size(), 1.0)
}

fn flatten_cost(arguments: &[Value<'_>], _: &Value<'_>) -> u64 {
    let depth = match arguments.get(1) {
        Some(Value::Int(depth)) => f64::from(i32::try_from(*depth).unwrap_or(i32::MAX)),
        _ => 1.0,
    };
    new_list(arguments.first().map_or(0, Value::size), if depth < 0.0 { 1.0 } else { depth })
}

/// As if every element were compared with every other.
fn squared(list: Option<&Value<'_>>) -> u64 {
    let Some(Value::List(list)) = list else { return new_list(0, 1.0) };
    let factor = match list.get(0) {
        Some(Value::String(_) | Value::Bytes(_)) => 2.0 + CHARACTER,
        _ => 2.0,
    };
    let size = list.len() as u64;
    new_list(size.saturating_mul(size), factor)
}

fn slice<'a>(arguments: &[Value<'a>], meter: &mut Meter) -> Result<Value<'a>, EvaluationError> {
    let [Value::List(list), Value::Int(start), Value::Int(end)] = arguments else {
        return Err(EvaluationError::no_overload("slice"));
    };
    let refused = EvaluationError::failed("slice", "the indexes are not within the list");
    let (Ok(start), Ok(end)) = (usize::try_from(*start), usize::try_from(*end)) else {
        return Err(refused);
    };
    if start > end || end > list.len() {
        return Err(refused);
    }
    meter.elements(end - start)?;
    Ok(Value::list((start..end).filter_map(|index| list.get(index)).collect()))
}

fn flatten<'a>(arguments: &[Value<'a>], meter: &mut Meter) -> Result<Value<'a>, EvaluationError> {
    let (list, levels) = match arguments {
        [Value::List(list)] => (list, 1),
        [Value::List(list), Value::Int(levels)] => (list, *levels),
        _ => return Err(EvaluationError::no_overload("flatten")),
    };
    let Ok(levels) = u64::try_from(levels) else {
        return Err(EvaluationError::failed("flatten", "the number of levels is negative"));
    };
    let mut flat = Vec::new();
    flatten_into(&mut flat, list, levels, meter)?;
    Ok(Value::list(flat))
}

fn flatten_into<'a>(
    flat: &mut Vec<Value<'a>>,
    list: &List<'a>,
    levels: u64,
    meter: &mut Meter,
) -> Result<(), EvaluationError> {
    meter.elements(list.len())?;
    for element in list.elements() {
        match element {
            Value::List(inner) if levels > 0 => flatten_into(flat, &inner, levels - 1, meter)?,
            element => flat.push(element),
        }
    }
    Ok(())
}

fn sort<'a>(arguments: &[Value<'a>], meter: &mut Meter) -> Result<Value<'a>, EvaluationError> {
    match arguments {
        [Value::List(list)] => sorted(list, list, meter),
        _ => Err(EvaluationError::no_overload("sort")),
    }
}

fn sort_by_keys<'a>(
    arguments: &[Value<'a>],
    meter: &mut Meter,
) -> Result<Value<'a>, EvaluationError> {
    match arguments {
        [Value::List(list), Value::List(keys)] => sorted(list, keys, meter),
        _ => Err(EvaluationError::no_overload("sortBy")),
    }
}

fn sorted<'a>(
    list: &List<'a>,
    keys: &List<'a>,
    meter: &mut Meter,
) -> Result<Value<'a>, EvaluationError> {
    if list.len() != keys.len() {
        return Err(EvaluationError::failed("sortBy", "there are not as many keys as elements"));
    }
    meter.elements(list.len().saturating_mul(2))?;
    let first = keys.get(0).map(|key| key.type_of());
    let rounds = list.len().checked_ilog2().unwrap_or(0) as usize + 2;
    let mut pairs = Vec::with_capacity(list.len());
    for (key, element) in keys.elements().zip(list.elements()) {
        if !is_comparable(&key) {
            return Err(EvaluationError::failed("sort", "the elements cannot be compared"));
        }
        if Some(key.type_of()) != first {
            return Err(EvaluationError::failed("sort", "the elements are of several types"));
        }
        // Sorting takes a text in hand so many times.
        meter.work(key.text_length().saturating_mul(rounds))?;
        pairs.push((key, element));
    }
    pairs.sort_by(|(left, _), (right, _)| left.order(right).unwrap_or(Ordering::Equal));
    Ok(Value::list(pairs.into_iter().map(|(_, element)| element).collect()))
}

fn range<'a>(arguments: &[Value<'a>], meter: &mut Meter) -> Result<Value<'a>, EvaluationError> {
    let [Value::Int(length)] = arguments else {
        return Err(EvaluationError::no_overload("lists.range"));
    };
    let count = usize::try_from(*length).ok().filter(|_| *length <= RANGE);
    let count =
        count.ok_or(EvaluationError::failed("lists.range", "the length is out of bounds"))?;
    meter.elements(count)?;
    Ok(Value::list((0..*length).map(Value::Int).collect()))
}

fn reverse<'a>(arguments: &[Value<'a>], meter: &mut Meter) -> Result<Value<'a>, EvaluationError> {
    let [Value::List(list)] = arguments else {
        return Err(EvaluationError::no_overload("reverse"));
    };
    meter.elements(list.len())?;
    Ok(Value::list((0..list.len()).rev().filter_map(|index| list.get(index)).collect()))
}

fn distinct<'a>(arguments: &[Value<'a>], meter: &mut Meter) -> Result<Value<'a>, EvaluationError> {
    let [Value::List(list)] = arguments else {
        return Err(EvaluationError::no_overload("distinct"));
    };
    let mut distinct: Vec<Value<'a>> = Vec::new();
    'elements: for element in list.elements() {
        meter.elements(1)?;
        for other in &distinct {
            meter.work(COMPARISON)?;
            if element.equals(other, meter)? {
                continue 'elements;
            }
        }
        distinct.push(element);
    }
    Ok(Value::list(distinct))
}
