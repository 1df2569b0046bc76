//! `kubernetes.quantity`: amounts with units, as in the resources of a container.
//! Never the text of a quantity as a result: CEL has no function for it.

use std::any::Any;
use std::cmp::Ordering;

use super::cost::{CHARACTER, per_character};
use crate::error::EvaluationError;
use crate::function::{Declarations, Function, Implementation, Overload};
use crate::meter::Meter;
use crate::types::Type;
use crate::value::{Opaque, Value};

mod amount;
mod parse;
#[cfg(test)]
mod tests;

use amount::Amount;

const NAME: &str = "kubernetes.Quantity";
const TYPE: Type = Type::opaque(NAME);

#[derive(Clone, Copy, Debug)]
struct Quantity(Amount);

impl Opaque for Quantity {
    fn type_name(&self) -> &'static str {
        NAME
    }

    fn equals(&self, other: &dyn Opaque) -> bool {
        let other = other.as_any().downcast_ref::<Quantity>();
        other.is_some_and(|other| self.0.compare(other.0).is_eq())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn text(&self) -> String {
        self.0.text()
    }
}

pub(super) fn library() -> Declarations {
    let compare = |name, result, implementation: Implementation| {
        Function::new(name, [Overload::member([TYPE, TYPE], result, implementation)])
    };
    let combine = |name, implementation: Implementation| {
        Function::new(
            name,
            [
                Overload::member([TYPE, TYPE], TYPE, implementation),
                Overload::member([TYPE, Type::Int], TYPE, implementation),
            ],
        )
    };
    let property = |name, result, implementation: Implementation| {
        Function::new(name, [Overload::member([TYPE], result, implementation)])
    };
    Declarations {
        functions: vec![
            Function::new(
                "quantity",
                [Overload::global([Type::String], TYPE, |arguments, meter| {
                    read("quantity", arguments, meter)?
                        .map(|amount| Value::opaque(Quantity(amount)))
                        .ok_or(EvaluationError::failed("quantity", "the text is no quantity"))
                })
                .costs(|arguments, _| per_character(arguments, CHARACTER))],
            ),
            Function::new(
                "isQuantity",
                [Overload::global([Type::String], Type::Bool, |arguments, meter| {
                    Ok(Value::Bool(read("isQuantity", arguments, meter)?.is_some()))
                })
                .costs(|arguments, _| per_character(arguments, CHARACTER))],
            ),
            Function::new(
                "sign",
                [Overload::global([TYPE], Type::Int, |arguments, _| {
                    Ok(Value::Int(this(arguments.first())?.sign()))
                })],
            ),
            compare("isGreaterThan", Type::Bool, |arguments, _| {
                Ok(Value::Bool(ordering(arguments)?.is_gt()))
            }),
            compare("isLessThan", Type::Bool, |arguments, _| {
                Ok(Value::Bool(ordering(arguments)?.is_lt()))
            }),
            compare("compareTo", Type::Int, |arguments, _| {
                Ok(Value::Int(ordering(arguments)? as i64))
            }),
            property("asApproximateFloat", Type::Double, |arguments, _| {
                Ok(Value::Double(this(arguments.first())?.approximately()))
            }),
            property("asInteger", Type::Int, |arguments, _| {
                this(arguments.first())?
                    .as_integer()
                    .map(Value::Int)
                    .ok_or(EvaluationError::failed("asInteger", "the quantity is no integer"))
            }),
            property("isInteger", Type::Bool, |arguments, _| {
                Ok(Value::Bool(this(arguments.first())?.as_integer().is_some()))
            }),
            combine("add", |arguments, _| combined("add", arguments, Amount::add)),
            combine("sub", |arguments, _| combined("sub", arguments, Amount::sub)),
        ],
        types: vec![(NAME, TYPE)],
        ..Declarations::default()
    }
}

fn read(
    function: &'static str,
    arguments: &[Value<'_>],
    meter: &mut Meter,
) -> Result<Option<Amount>, EvaluationError> {
    let [Value::String(text)] = arguments else {
        return Err(EvaluationError::no_overload(function));
    };
    meter.work(text.len())?;
    Ok(parse::amount(text))
}

fn this(value: Option<&Value<'_>>) -> Result<Amount, EvaluationError> {
    let quantity = value.and_then(Value::downcast::<Quantity>);
    quantity.map(|quantity| quantity.0).ok_or(EvaluationError::no_overload("quantity"))
}

fn ordering(arguments: &[Value<'_>]) -> Result<Ordering, EvaluationError> {
    Ok(this(arguments.first())?.compare(this(arguments.get(1))?))
}

fn combined<'a>(
    function: &'static str,
    arguments: &[Value<'a>],
    combine: fn(Amount, Amount) -> Option<Amount>,
) -> Result<Value<'a>, EvaluationError> {
    let second = match arguments.get(1) {
        Some(Value::Int(number)) => Amount::whole(*number),
        other => this(other)?,
    };
    combine(this(arguments.first())?, second)
        .map(|amount| Value::opaque(Quantity(amount)))
        .ok_or(EvaluationError::overflow(function))
}
