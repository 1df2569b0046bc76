//! `< <= > >=`, and the declarations of the operators that evaluation implements itself.
//! Never implements equality: that is in `value/equality.rs`.

use std::cmp::Ordering;

use crate::error::EvaluationError;
use crate::function::{CostRule, Function, Implementation, Overload};
use crate::meter::Meter;
use crate::types::Type;
use crate::value::Value;

pub(super) fn functions() -> Vec<Function> {
    let (a, b) = (Type::parameter("A"), Type::parameter("B"));
    let list = Type::list(a.clone());
    let map = Type::map(a.clone(), b.clone());
    let optional = Type::optional;
    vec![
        ordering("_<_", |given, _| ordered("_<_", given, Ordering::is_lt)),
        ordering("_<=_", |given, _| ordered("_<=_", given, Ordering::is_le)),
        ordering("_>_", |given, _| ordered("_>_", given, Ordering::is_gt)),
        ordering("_>=_", |given, _| ordered("_>=_", given, Ordering::is_ge)),
        Function::new("_==_", [special([a.clone(), a.clone()], Type::Bool)]),
        Function::new("_!=_", [special([a.clone(), a.clone()], Type::Bool)]),
        Function::new("_?_:_", [special([Type::Bool, a.clone(), a.clone()], a.clone())]),
        Function::new("@not_strictly_false", [special([Type::Bool], Type::Bool)]),
        Function::new(
            "_[_]",
            [
                special([list.clone(), Type::Int], a.clone()),
                special([map.clone(), a.clone()], b.clone()),
                special([optional(list.clone()), Type::Int], optional(a.clone())),
                special([optional(map.clone()), a.clone()], optional(b.clone())),
            ],
        ),
        Function::new(
            "_[?_]",
            [
                special([list.clone(), Type::Int], optional(a.clone())),
                special([optional(list), Type::Int], optional(a.clone())),
                special([map.clone(), a.clone()], optional(b.clone())),
                special([optional(map), a], optional(b)),
            ],
        ),
    ]
}

/// Only declared: the planner turns such calls into nodes of their own.
fn special(parameters: impl IntoIterator<Item = Type>, result: Type) -> Overload {
    Overload::global(parameters, result, planned)
}

fn planned<'a>(_: &[Value<'a>], _: &mut Meter) -> Result<Value<'a>, EvaluationError> {
    Err(EvaluationError::no_overload("an operator"))
}

fn ordering(name: &'static str, implementation: Implementation) -> Function {
    let numbers = [Type::Int, Type::Uint, Type::Double];
    let mixed = numbers
        .iter()
        .flat_map(|left| numbers.iter().map(move |right| [left.clone(), right.clone()]));
    let uniform = [Type::Bool, Type::String, Type::Bytes, Type::Timestamp, Type::Duration]
        .map(|of| [of.clone(), of]);
    let overloads = mixed.chain(uniform).map(|sides| {
        let cost: CostRule = match sides {
            [Type::String | Type::Bytes, _] => {
                |given, _| given.iter().map(Value::size).min().unwrap_or(0).div_ceil(10)
            }
            _ => |_, _| 1,
        };
        Overload::global(sides, Type::Bool, implementation).costs(cost)
    });
    Function::new(name, overloads)
}

fn ordered<'a>(
    name: &'static str,
    given: &[Value<'a>],
    holds: fn(Ordering) -> bool,
) -> Result<Value<'a>, EvaluationError> {
    match given {
        // What is compared was charged as the arguments of a call.
        [left, right] => left
            .order(right)
            .map(|ordering| Value::Bool(holds(ordering)))
            .ok_or(EvaluationError::no_overload(name)),
        _ => Err(EvaluationError::no_overload(name)),
    }
}
