//! Comprehensions: a range, an accumulator, and a step for every element.
//! Never copies an accumulator that grows.

use std::sync::Arc;

use super::{Evaluator, LIST, Outcome, present};
use crate::error::EvaluationError;
use crate::plan::{Fold, Node};
use crate::value::{Key, List, Map, Value};

impl<'a> Evaluator<'_, 'a> {
    pub(super) fn fold(&mut self, fold: &Fold) -> Outcome<'a> {
        let range = self.value(&fold.range)?;
        let start = self.outcome(&fold.start)?;
        self.locals.truncate(fold.base);
        self.locals.push(start);
        match range {
            Value::List(list) => {
                for (index, element) in list.elements().enumerate() {
                    let position = Value::Int(i64::try_from(index).unwrap_or(i64::MAX));
                    let first = if fold.two { position } else { element.clone() };
                    if !self.step(fold, first, Ok(element))? {
                        break;
                    }
                }
            }
            Value::Map(map) => {
                for (key, value) in map.entries() {
                    if !self.step(fold, key.into_value(), Ok(value))? {
                        break;
                    }
                }
            }
            Value::Object(object) => {
                // Macros loop over its values, and with two variables over what those values name.
                for (_, value) in object.fields.entries() {
                    let named = match &value {
                        Value::String(name) => object.select(name),
                        _ => None,
                    };
                    if !self.step(fold, value, named.ok_or(EvaluationError::NoSuchKey))? {
                        break;
                    }
                }
            }
            _ => return Err(EvaluationError::no_overload("a comprehension")),
        }
        self.locals.truncate(fold.base + 1);
        let result = self.value(&fold.result);
        self.locals.truncate(fold.base);
        result
    }

    /// An outcome that may be absorbed later; an error that may not ends the evaluation.
    fn outcome(&mut self, node: &Node) -> Result<Outcome<'a>, EvaluationError> {
        match self.value(node) {
            Err(error) if error.is_final() => Err(error),
            outcome => Ok(outcome),
        }
    }

    /// Runs the step for one element; false if the loop ends before it.
    fn step(
        &mut self,
        fold: &Fold,
        first: Value<'a>,
        second: Outcome<'a>,
    ) -> Result<bool, EvaluationError> {
        self.locals.truncate(fold.base + 1);
        self.locals.push(Ok(first));
        if fold.two {
            self.locals.push(second);
        }
        if let Ok(Value::Bool(false)) = self.outcome(&fold.condition)? {
            return Ok(false);
        }
        let outcome = self.outcome(&fold.step)?;
        if let Some(accumulator) = self.locals.get_mut(fold.base) {
            *accumulator = outcome;
        }
        Ok(true)
    }

    pub(super) fn append(&mut self, place: usize, elements: &[(Node, bool)]) -> Outcome<'a> {
        self.meter.charge(1)?;
        if let Some(Err(error)) = self.locals.get(place) {
            return Err(error.clone());
        }
        let constant = elements.iter().all(|(node, _)| matches!(node, Node::Constant(_)));
        self.meter.charge(1 + if constant { 0 } else { LIST })?;
        let Ok(Value::List(taken)) = self.taken(place) else {
            return Err(EvaluationError::no_overload("_+_"));
        };
        let mut shared = match taken {
            List::Shared(shared) => shared,
            json @ List::Json(_) => Arc::new(json.elements().collect()),
        };
        for (element, optional) in elements {
            let value = present(self.value(element)?, *optional)?;
            self.meter.elements(1)?;
            Arc::make_mut(&mut shared).extend(value);
        }
        Ok(Value::List(List::Shared(shared)))
    }

    pub(super) fn insert(&mut self, place: usize, arguments: &[Node]) -> Outcome<'a> {
        self.meter.charge(2)?;
        if let Some(Err(error)) = self.locals.get(place) {
            return Err(error.clone());
        }
        let mut entries = Vec::new();
        match arguments {
            [key, value] => entries.push((self.value(key)?, self.value(value)?)),
            [map] => match self.value(map)? {
                Value::Map(map) => {
                    self.meter.elements(map.len())?;
                    entries.extend(map.entries().map(|(key, value)| (key.into_value(), value)));
                }
                _ => return Err(EvaluationError::no_overload("cel.@mapInsert")),
            },
            _ => return Err(EvaluationError::no_overload("cel.@mapInsert")),
        }
        let mut shared = match self.taken(place) {
            Ok(Value::Map(Map::Shared(shared))) => shared,
            Ok(Value::Map(json)) => Arc::new(json.entries().collect()),
            _ => return Err(EvaluationError::no_overload("cel.@mapInsert")),
        };
        // A tree that grows takes longer than a list does.
        self.meter.elements(entries.len().saturating_mul(8))?;
        for (key, value) in entries {
            let key = Key::from_value(&key).ok_or(EvaluationError::failed(
                "transformMap",
                "a key of this type is not supported",
            ))?;
            if Arc::make_mut(&mut shared).insert(key, value).is_some() {
                return Err(EvaluationError::failed("transformMap", "a key occurs twice"));
            }
        }
        Ok(Value::Map(Map::Shared(shared)))
    }

    /// The accumulator itself, so that nothing else shares it while it grows. The step puts it
    /// back.
    fn taken(&mut self, place: usize) -> Outcome<'a> {
        match self.locals.get_mut(place) {
            Some(accumulator) => std::mem::replace(accumulator, Ok(Value::Null)),
            None => Err(EvaluationError::DepthExceeded),
        }
    }
}
