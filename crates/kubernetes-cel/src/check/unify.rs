//! Which types fit each other, and what the parameters of generic functions stand for.
//! Never work without a bound: types grow with every level of an expression.

use std::sync::Arc;

use crate::types::{Parameter, Type};

/// Steps of the walks below for one expression.
const STEPS: u32 = 2_000_000;

/// What the fresh parameters of one expression stand for.
#[derive(Debug, Default)]
pub(super) struct Unifier {
    found: Vec<Option<Type>>,
    /// What `found` held before each change, so that an attempt can be taken back.
    changes: Vec<(u32, Option<Type>)>,
    steps: u32,
}

impl Unifier {
    pub(super) fn fresh(&mut self) -> Type {
        let number = u32::try_from(self.found.len()).unwrap_or(u32::MAX);
        self.found.push(None);
        Type::Parameter(Parameter::Fresh(number))
    }

    /// Whether the types have grown beyond what is sensible; nothing that was found counts then.
    pub(super) fn is_exhausted(&self) -> bool {
        self.steps >= STEPS
    }

    fn step(&mut self) -> bool {
        self.steps = self.steps.saturating_add(1);
        !self.is_exhausted()
    }

    /// Whether the pairs fit one after the other. What they teach about parameters is kept only if
    /// all do.
    pub(super) fn fit<'t>(
        &mut self,
        pairs: impl IntoIterator<Item = (&'t Type, &'t Type)>,
    ) -> bool {
        let mark = self.changes.len();
        for (to, from) in pairs {
            if !self.assignable(to, from) {
                while self.changes.len() > mark {
                    if let Some((number, before)) = self.changes.pop() {
                        self.put(number, before);
                    }
                }
                return false;
            }
        }
        true
    }

    fn put(&mut self, number: u32, found: Option<Type>) {
        if let Some(place) = self.found.get_mut(number as usize) {
            *place = found;
        }
    }

    fn find(&self, sought: &Type) -> Option<Type> {
        match sought {
            Type::Parameter(Parameter::Fresh(number)) => self.found.get(*number as usize)?.clone(),
            _ => None,
        }
    }

    fn assignable(&mut self, to: &Type, from: &Type) -> bool {
        if !self.step() {
            return false;
        }
        if is_parameter(from) {
            match self.substitutes(to, from) {
                Substitution::Fits => return true,
                Substitution::Contradicts => return false,
                Substitution::Impossible => {}
            }
        }
        if is_parameter(to) {
            return matches!(self.substitutes(from, to), Substitution::Fits);
        }
        if fits_everything(to) || fits_everything(from) {
            return true;
        }
        match (to, from) {
            (Type::Null, other) | (other, Type::Null) => is_nullable(other),
            (Type::List(to), Type::List(from)) | (Type::Optional(to), Type::Optional(from)) => {
                self.assignable(to, from)
            }
            (Type::Map(to_key, to_value), Type::Map(from_key, from_value)) => {
                self.assignable(to_key, from_key) && self.assignable(to_value, from_value)
            }
            (Type::Type(_), Type::Type(_)) => true,
            (to, from) => same_kind(to, from),
        }
    }

    /// Whether the parameter may stand for this type, beside what it stands for already.
    fn substitutes(&mut self, with: &Type, parameter: &Type) -> Substitution {
        if self.same(with, parameter) {
            return Substitution::Fits;
        }
        if let Some(known) = self.find(parameter) {
            if self.same(with, &known) {
                return Substitution::Fits;
            }
            if !self.assignable(with, &known) {
                return Substitution::Contradicts;
            }
            let general = self.most_general(with.clone(), known);
            if !self.occurs(parameter, &general) {
                self.set(parameter, general);
            }
            return Substitution::Fits;
        }
        if self.occurs(parameter, with) {
            return Substitution::Impossible;
        }
        self.set(parameter, with.clone());
        Substitution::Fits
    }

    fn set(&mut self, parameter: &Type, found: Type) {
        if let Type::Parameter(Parameter::Fresh(number)) = parameter {
            let before = self.find(parameter);
            self.changes.push((*number, before));
            self.put(*number, Some(found));
        }
    }

    /// The first, unless the second says less about the values.
    pub(super) fn most_general(&mut self, first: Type, second: Type) -> Type {
        if self.says_less_or_equal(&first, &second) { first } else { second }
    }

    fn says_less_or_equal(&mut self, first: &Type, second: &Type) -> bool {
        if !self.step() {
            return false;
        }
        if first.is_dynamic() || is_parameter(first) {
            return true;
        }
        if second.is_dynamic() || is_parameter(second) {
            return false;
        }
        match (first, second) {
            (Type::List(first), Type::List(second))
            | (Type::Optional(first), Type::Optional(second)) => {
                self.says_less_or_equal(first, second)
            }
            (Type::Map(first_key, first), Type::Map(second_key, second)) => {
                self.says_less_or_equal(first_key, second_key)
                    && self.says_less_or_equal(first, second)
            }
            (Type::Type(_), Type::Type(_)) => true,
            (first, second) => same_kind(first, second),
        }
    }

    /// Whether two types are the same, parameters by their numbers.
    pub(super) fn same(&mut self, first: &Type, second: &Type) -> bool {
        if !self.step() {
            return false;
        }
        match (first, second) {
            (Type::List(first), Type::List(second))
            | (Type::Optional(first), Type::Optional(second)) => {
                Arc::ptr_eq(first, second) || self.same(first, second)
            }
            (Type::Map(first_key, first), Type::Map(second_key, second)) => {
                self.same(first_key, second_key) && self.same(first, second)
            }
            (Type::Type(first), Type::Type(second)) => match (first, second) {
                (Some(first), Some(second)) => self.same(first, second),
                (None, None) => true,
                _ => false,
            },
            (first, second) => same_kind(first, second),
        }
    }

    fn occurs(&mut self, parameter: &Type, within: &Type) -> bool {
        if !self.step() || self.same(parameter, within) {
            return true;
        }
        match within {
            Type::Parameter(_) => match self.find(within) {
                Some(found) => self.occurs(parameter, &found),
                None => false,
            },
            Type::List(inner) | Type::Optional(inner) | Type::Type(Some(inner)) => {
                self.occurs(parameter, inner)
            }
            Type::Map(key, value) => self.occurs(parameter, key) || self.occurs(parameter, value),
            _ => false,
        }
    }

    /// The type with parameters replaced by what they stand for.
    pub(super) fn substitute(&mut self, replaced: &Type, unbound: Unbound) -> Type {
        if !self.step() {
            return Type::Error;
        }
        if let Some(found) = self.find(replaced) {
            return self.substitute(&found, unbound);
        }
        match replaced {
            Type::Parameter(_) if unbound == Unbound::Dynamic => Type::Dyn,
            Type::List(inner) => Type::list(self.substitute(inner, unbound)),
            Type::Optional(inner) => Type::optional(self.substitute(inner, unbound)),
            Type::Type(Some(inner)) => Type::of(self.substitute(inner, unbound)),
            Type::Map(key, value) => {
                Type::map(self.substitute(key, unbound), self.substitute(value, unbound))
            }
            other => other.clone(),
        }
    }
}

/// What becomes of a parameter that stands for nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unbound {
    /// It stays.
    Kept,
    /// It becomes dynamic.
    Dynamic,
}

enum Substitution {
    Fits,
    /// The parameter stands for something else already.
    Contradicts,
    /// The parameter would stand for a type that holds it.
    Impossible,
}

fn is_parameter(described: &Type) -> bool {
    matches!(described, Type::Parameter(_))
}

fn fits_everything(described: &Type) -> bool {
    described.is_dynamic() || matches!(described, Type::Error)
}

/// What null may be given for, as cel-go keeps it from its first checker.
fn is_nullable(described: &Type) -> bool {
    matches!(
        described,
        Type::Null
            | Type::Opaque(_)
            | Type::Optional(_)
            | Type::Object(_)
            | Type::Duration
            | Type::Timestamp
    )
}

/// Types without parts: the same kind and the same name.
fn same_kind(first: &Type, second: &Type) -> bool {
    match (first, second) {
        (Type::Opaque(first), Type::Opaque(second)) => first == second,
        (Type::Object(first), Type::Object(second)) => first.name == second.name,
        (Type::Parameter(first), Type::Parameter(second)) => first == second,
        (Type::List(_) | Type::Map(..) | Type::Optional(_) | Type::Type(_), _) => false,
        (first, second) => std::mem::discriminant(first) == std::mem::discriminant(second),
    }
}
