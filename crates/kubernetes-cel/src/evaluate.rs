//! Evaluation: a plan and the values of variables give one value, or one error.
//! Never a panic, and never a step that the meter does not count.

mod fold;
pub(crate) mod select;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::EvaluationError;
use crate::meter::Meter;
use crate::plan::{Call, Node};
use crate::value::{Key, Object, Value};

/// The state of one evaluation.
pub(crate) struct Evaluator<'b, 'a> {
    variables: &'b [(&'b str, Value<'a>)],
    /// Variables of macros, by their places. An accumulator may hold an error: `all()` and
    /// `exists()` absorb it later.
    locals: Vec<Outcome<'a>>,
    meter: &'b mut Meter,
}

type Outcome<'a> = Result<Value<'a>, EvaluationError>;

/// Of the cost model: `ListCreateBaseCost`, `MapCreateBaseCost`.
const LIST: u64 = 10;
const MAP: u64 = 30;

impl<'b, 'a> Evaluator<'b, 'a> {
    pub(crate) fn new(
        variables: &'b [(&'b str, Value<'a>)],
        meter: &'b mut Meter,
    ) -> Evaluator<'b, 'a> {
        Evaluator { variables, locals: Vec::new(), meter }
    }

    /// The value of a node.
    pub(crate) fn value(&mut self, node: &Node) -> Outcome<'a> {
        self.meter.step()?;
        match node {
            Node::Constant(value) => Ok(value.clone()),
            Node::Variable(name, object) => self.variable(name, object.as_ref()),
            Node::Local(place) => self.local(*place),
            Node::Select { operand, field, mode } => self.select(operand, field, *mode),
            Node::Index { operand, index, mode } => self.index(operand, index, *mode),
            Node::Logic { conjunction, operands } => self.logic(*conjunction, operands),
            Node::Conditional(parts) => self.conditional(parts),
            Node::Equal { sides, negated } => self.equal(sides, *negated),
            Node::Member(element, list) => self.member(element, list),
            Node::Otherwise { sides, unwrap } => self.otherwise(sides, *unwrap),
            Node::NotStrictlyFalse(operand) => self.not_strictly_false(operand),
            Node::Call(call) => self.call(call),
            Node::List(elements) => self.list(elements),
            Node::Map(entries) => self.map(entries),
            Node::Fold(fold) => self.fold(fold),
            Node::Append(place, elements) => self.append(*place, elements),
            Node::Insert(place, arguments) => self.insert(*place, arguments),
        }
    }

    fn variable(&mut self, name: &Arc<str>, object: Option<&Arc<str>>) -> Outcome<'a> {
        self.meter.charge(1)?;
        let bound = self.variables.iter().find(|(bound, _)| *bound == &**name);
        match (bound, object) {
            (Some((_, Value::Map(fields))), Some(object)) => {
                Ok(Value::Object(Object::new(Arc::clone(object), fields.clone())))
            }
            (Some((_, value)), _) => Ok(value.clone()),
            (None, _) => Err(EvaluationError::Unbound(Arc::clone(name))),
        }
    }

    fn local(&mut self, place: usize) -> Outcome<'a> {
        self.meter.charge(1)?;
        self.locals.get(place).cloned().unwrap_or(Err(EvaluationError::DepthExceeded))
    }

    fn logic(&mut self, conjunction: bool, operands: &[Node]) -> Outcome<'a> {
        let mut absorbed = None;
        for operand in operands {
            match self.value(operand) {
                Ok(Value::Bool(value)) if value != conjunction => return Ok(Value::Bool(value)),
                Ok(Value::Bool(_)) => {}
                Ok(_) => {
                    let name = if conjunction { "&&" } else { "||" };
                    absorbed.get_or_insert(EvaluationError::no_overload(name));
                }
                Err(error) if error.is_final() => return Err(error),
                Err(error) => {
                    absorbed.get_or_insert(error);
                }
            }
        }
        absorbed.map_or(Ok(Value::Bool(conjunction)), Err)
    }

    fn conditional(&mut self, parts: &[Node; 3]) -> Outcome<'a> {
        let [condition, then, otherwise] = parts;
        let branch = match self.value(condition)? {
            Value::Bool(true) => then,
            Value::Bool(false) => otherwise,
            _ => return Err(EvaluationError::no_overload("?:")),
        };
        let value = self.value(branch)?;
        self.attribute_within(branch);
        Ok(value)
    }

    /// Where an attribute is part of another one, the cost model counts only what it selects.
    fn attribute_within(&mut self, node: &Node) {
        if node.is_attribute() && !matches!(node, Node::Conditional(_)) {
            self.meter.refund(1);
        }
    }

    fn equal(&mut self, sides: &[Node; 2], negated: bool) -> Outcome<'a> {
        let [left, right] = sides;
        let both = self.both(left, right)?;
        self.meter.texts(&both)?;
        let [left, right] = both;
        let cost = match &left {
            Value::Opaque(_) => 1,
            _ => left.size().min(right.size()).div_ceil(10),
        };
        self.meter.charge(cost)?;
        match left.equals(&right, self.meter) {
            // Values that cannot be compared are unequal, although `==` on them is an error.
            Err(error) if negated && !error.is_final() => Ok(Value::Bool(true)),
            outcome => Ok(Value::Bool(outcome? != negated)),
        }
    }

    fn member(&mut self, element: &Node, list: &Value<'static>) -> Outcome<'a> {
        let element = self.value(element)?;
        let Value::List(list) = list else { return Ok(Value::Bool(false)) };
        for candidate in list.elements() {
            self.meter.elements(1)?;
            if candidate.equals(&element, self.meter)? {
                return Ok(Value::Bool(true));
            }
        }
        Ok(Value::Bool(false))
    }

    fn otherwise(&mut self, sides: &[Node; 2], unwrap: bool) -> Outcome<'a> {
        let [left, right] = sides;
        match self.value(left)? {
            Value::Optional(None) => self.value(right),
            Value::Optional(Some(value)) if unwrap => Ok(Value::clone(&value)),
            value @ Value::Optional(_) => Ok(value),
            _ => Err(EvaluationError::no_overload(if unwrap { "orValue" } else { "or" })),
        }
    }

    fn not_strictly_false(&mut self, operand: &Node) -> Outcome<'a> {
        let value = match self.value(operand) {
            Ok(Value::Bool(value)) => value,
            Err(error) if error.is_final() => return Err(error),
            Ok(_) | Err(_) => true,
        };
        self.meter.charge(1)?;
        Ok(Value::Bool(value))
    }

    fn call(&mut self, call: &Call) -> Outcome<'a> {
        match &*call.arguments {
            [] => self.dispatch(call, &[]),
            [first] => {
                let arguments = [self.charged(first)?];
                self.dispatch(call, &arguments)
            }
            [first, second] => {
                let arguments = self.both(first, second)?;
                self.dispatch(call, &arguments)
            }
            all => {
                let arguments =
                    all.iter().map(|node| self.value(node)).collect::<Result<Vec<_>, _>>()?;
                self.dispatch(call, &arguments)
            }
        }
    }

    /// The argument of a call, which is charged even if it is an error.
    fn charged(&mut self, node: &Node) -> Outcome<'a> {
        self.value(node).or_else(|error| {
            self.meter.charge(1)?;
            Err(error)
        })
    }

    /// Both sides; as in cel-go, the right one is evaluated even if the left one is an error, but
    /// not if that error ends the evaluation.
    fn both(&mut self, left: &Node, right: &Node) -> Result<[Value<'a>; 2], EvaluationError> {
        let left = match self.value(left) {
            Err(error) if error.is_final() => return Err(error),
            outcome => outcome,
        };
        match (left, self.value(right)) {
            (Ok(left), Ok(right)) => Ok([left, right]),
            (Err(_), Err(last)) if last.is_final() => Err(last),
            (Err(error), _) | (_, Err(error)) => {
                if !error.is_final() {
                    self.meter.charge(1)?;
                }
                Err(error)
            }
        }
    }

    /// Calls the first overload that accepts these values.
    fn dispatch(&mut self, call: &Call, arguments: &[Value<'a>]) -> Outcome<'a> {
        let overload = call.overloads.iter().find(|overload| {
            overload.parameters.len() == arguments.len()
                && overload
                    .parameters
                    .iter()
                    .zip(arguments)
                    .all(|(parameter, argument)| !overload.guarded || argument.fits(parameter))
        });
        let Some(overload) = overload else {
            self.meter.charge(1)?;
            return Err(EvaluationError::no_overload(call.name.clone()));
        };
        self.meter.texts(arguments)?;
        match (overload.implementation)(arguments, self.meter) {
            Ok(value) if overload.of_host && !value.fits(&overload.result) => {
                let reason = "the result is of another type than declared";
                Err(EvaluationError::failed(call.name.clone(), reason))
            }
            Ok(value) => {
                self.meter.charge((overload.cost)(arguments, &value))?;
                Ok(value)
            }
            Err(error) if error.is_final() => Err(error),
            Err(error) => {
                self.meter.charge((overload.cost)(arguments, &Value::Null))?;
                Err(error)
            }
        }
    }

    /// The values of a list; those of `[?optional]` only where they are present.
    fn elements(&mut self, elements: &[(Node, bool)]) -> Result<Vec<Value<'a>>, EvaluationError> {
        self.meter.elements(elements.len())?;
        let mut values = Vec::with_capacity(elements.len());
        for (element, optional) in elements {
            let value = self.value(element)?;
            values.extend(present(value, *optional)?);
        }
        Ok(values)
    }

    fn list(&mut self, elements: &[(Node, bool)]) -> Outcome<'a> {
        let values = self.elements(elements)?;
        self.meter.charge(LIST)?;
        Ok(Value::list(values))
    }

    fn map(&mut self, entries: &[(Node, Node, bool)]) -> Outcome<'a> {
        self.meter.elements(entries.len().saturating_mul(2))?;
        let mut values = BTreeMap::new();
        for (key, value, optional) in entries {
            let key = Key::from_value(&self.value(key)?)
                .ok_or(EvaluationError::failed("{}", "a key of this type is not supported"))?;
            let value = self.value(value)?;
            match present(value, *optional)? {
                Some(value) => values.insert(key, value),
                None => values.remove(&key),
            };
        }
        self.meter.charge(MAP)?;
        Ok(Value::map(values))
    }
}

/// The value itself, or what an optional one holds.
fn present(value: Value<'_>, optional: bool) -> Result<Option<Value<'_>>, EvaluationError> {
    match value {
        value if !optional => Ok(Some(value)),
        Value::Optional(inner) => Ok(inner.map(|inner| Value::clone(&inner))),
        _ => Err(EvaluationError::no_overload("?")),
    }
}
