//! `in` and `size`.
//! Never an index: evaluation selects by itself (`evaluate/select.rs`).

use crate::error::EvaluationError;
use crate::function::{Function, Implementation, Overload};
use crate::types::Type;
use crate::value::Value;

pub(super) fn functions() -> Vec<Function> {
    let (a, b) = (Type::parameter("A"), Type::parameter("B"));
    let list = Type::list(a.clone());
    let map = Type::map(a.clone(), b);
    let sized = [Type::Bytes, list.clone(), map.clone(), Type::String];
    let sizes = sized.into_iter().flat_map(|of| {
        [Overload::global([of.clone()], Type::Int, SIZE), Overload::member([of], Type::Int, SIZE)]
    });
    vec![
        Function::new(
            "@in",
            [
                Overload::global([a.clone(), list.clone()], Type::Bool, |given, meter| {
                    let [element, Value::List(list)] = given else {
                        return Err(EvaluationError::no_overload("in"));
                    };
                    for candidate in list.elements() {
                        meter.elements(1)?;
                        if candidate.equals(element, meter)? {
                            return Ok(Value::Bool(true));
                        }
                    }
                    Ok(Value::Bool(false))
                })
                .costs(|given, _| given.get(1).map_or(1, Value::size)),
                Overload::global([a, map], Type::Bool, |given, _| match given {
                    [key, Value::Map(map)] => Ok(Value::Bool(map.find(key).is_some())),
                    _ => Err(EvaluationError::no_overload("in")),
                }),
            ],
        ),
        Function::new("size", sizes),
    ]
}

const SIZE: Implementation = |given, meter| match given {
    [value @ (Value::String(_) | Value::Bytes(_) | Value::List(_) | Value::Map(_))] => {
        if let Value::String(text) = value {
            meter.work(text.len())?;
        }
        i64::try_from(value.size()).map(Value::Int).map_err(|_| EvaluationError::overflow("size"))
    }
    _ => Err(EvaluationError::no_overload("size")),
};
