//! From a tree to types: what every name means, which overloads a call may reach, and what type
//! every node has.
//! Never only the first fault: faults are collected, so that one run finds all of them.

mod calls;
mod literals;
mod unify;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::environment::Environment;
use crate::function::Overload;
use crate::syntax::ast::{Comprehension, Element, Entry, Expr, ExprKind, Literal};
use crate::syntax::{SyntaxError, Tree};
use crate::types::Type;

use unify::{Unbound, Unifier};

/// What the checker found out about a tree, by node number.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) types: Vec<Type>,
    pub(crate) meanings: BTreeMap<u32, Meaning>,
}

/// What a name or a call means.
#[derive(Clone, Debug)]
pub(crate) enum Meaning {
    /// A variable of the environment.
    Variable(Arc<str>),
    /// A variable of a macro; the innermost of this name.
    Local,
    /// The name of a type.
    Type(Type),
    /// A function by its full name, and the overloads that may be reached.
    Call { name: Cow<'static, str>, overloads: Vec<Overload> },
}

/// How a field is selected.
#[derive(Clone, Copy)]
enum Selection {
    /// `a.b`.
    Plain,
    /// `a.?b`.
    Optional,
}

/// Checks a tree against an environment.
pub(crate) fn check(tree: &Tree, environment: &Environment) -> Result<Checked, Vec<SyntaxError>> {
    let mut checker = Checker {
        environment,
        types: vec![Type::Error; tree.nodes as usize],
        meanings: BTreeMap::new(),
        scopes: Vec::new(),
        unifier: Unifier::default(),
        faults: Vec::new(),
    };
    checker.visit(&tree.root);
    let Checker { types, mut unifier, mut faults, meanings, .. } = checker;
    let types: Vec<Type> =
        types.iter().map(|found| unifier.substitute(found, Unbound::Dynamic)).collect();
    if faults.is_empty() {
        literals::check(&tree.root, &types, &meanings, &mut unifier, &mut faults);
    }
    if unifier.is_exhausted() {
        faults = vec![SyntaxError {
            offset: tree.root.offset as usize,
            message: "the types of this expression are too large".to_owned(),
        }];
    }
    if faults.is_empty() {
        Ok(Checked { types, meanings })
    } else {
        faults.sort_by_key(|fault| fault.offset);
        Err(faults)
    }
}

struct Checker<'e> {
    environment: &'e Environment,
    types: Vec<Type>,
    meanings: BTreeMap<u32, Meaning>,
    /// Variables of macros, the innermost at last.
    scopes: Vec<(Arc<str>, Type)>,
    unifier: Unifier,
    faults: Vec<SyntaxError>,
}

impl Checker<'_> {
    fn fault(&mut self, at: &Expr, message: String) -> Type {
        self.faults.push(SyntaxError { offset: at.offset as usize, message });
        Type::Error
    }

    fn undeclared(&mut self, at: &Expr, name: &str) -> Type {
        self.fault(at, format!("undeclared reference to '{name}'"))
    }

    fn type_of(&self, expr: &Expr) -> Type {
        self.types.get(expr.id as usize).cloned().unwrap_or(Type::Error)
    }

    /// Types a node and all below it.
    fn visit(&mut self, expr: &Expr) -> Type {
        let found = match &expr.kind {
            ExprKind::Literal(literal) => literal_type(literal),
            ExprKind::Ident(name) => self.ident(expr, name),
            ExprKind::Select { operand, field, test } => self.select(expr, operand, field, *test),
            ExprKind::Call { function, target, arguments } => {
                self.call(expr, function, target.as_deref(), arguments)
            }
            ExprKind::Logic { operands, .. } => self.logic(operands),
            ExprKind::List(elements) => self.list(elements),
            ExprKind::Map(entries) => self.map(entries),
            ExprKind::Struct(name, values) => {
                for value in values {
                    self.visit(value);
                }
                self.fault(expr, format!("values of type '{name}' cannot be constructed here"))
            }
            ExprKind::Comprehension(fold) => self.fold(fold),
        };
        if let Some(place) = self.types.get_mut(expr.id as usize) {
            place.clone_from(&found);
        }
        found
    }

    fn local(&self, name: &str) -> Option<Type> {
        self.scopes.iter().rev().find(|(local, _)| **local == *name).map(|(_, found)| found.clone())
    }

    /// The meaning of a full name outside of macros.
    fn global(&self, name: &str) -> Option<(Meaning, Type)> {
        let name = name.trim_start_matches('.');
        if let Some((name, found)) = self.environment.variables.get_key_value(name) {
            return Some((Meaning::Variable(Arc::clone(name)), found.clone()));
        }
        let named = self.environment.types.get(name)?;
        Some((Meaning::Type(named.clone()), Type::of(named.clone())))
    }

    fn ident(&mut self, expr: &Expr, name: &str) -> Type {
        if let Some(found) = self.local(name) {
            self.meanings.insert(expr.id, Meaning::Local);
            return found;
        }
        match self.global(name) {
            Some((meaning, found)) => {
                self.meanings.insert(expr.id, meaning);
                found
            }
            None => self.undeclared(expr, name),
        }
    }

    fn select(&mut self, expr: &Expr, operand: &Expr, field: &str, test: bool) -> Type {
        let name = dotted(expr).filter(|_| !test);
        if let Some((name, first)) = name
            && self.local(&first).is_none()
            && let Some((meaning, found)) = self.global(&name)
        {
            self.meanings.insert(expr.id, meaning);
            return found;
        }
        let found = self.field(expr, operand, field, Selection::Plain);
        if test { Type::Bool } else { self.unifier.substitute(&found, Unbound::Kept) }
    }

    fn field(&mut self, expr: &Expr, operand: &Expr, field: &str, selection: Selection) -> Type {
        let operand = self.visit(operand);
        let operand = self.unifier.substitute(&operand, Unbound::Kept);
        let (target, was_optional) = unwrap_optional(operand);
        let found = match &target {
            Type::Map(_, value) => Type::clone(value),
            Type::Object(object) => match object.fields.get(field) {
                Some(found) => found.clone(),
                None => self.fault(expr, format!("undefined field '{field}'")),
            },
            Type::Opaque(_) => self.fault(expr, format!("undefined field '{field}'")),
            Type::Parameter(_) => {
                self.unifier.fit([(&Type::Dyn, &target)]);
                Type::Dyn
            }
            Type::Dyn | Type::Any | Type::Error => Type::Dyn,
            other => {
                self.fault(expr, format!("type '{other}' does not support field selection"));
                Type::Dyn
            }
        };
        match selection {
            Selection::Plain if !was_optional => found,
            Selection::Plain | Selection::Optional => Type::optional(found),
        }
    }

    fn logic(&mut self, operands: &[Expr]) -> Type {
        for operand in operands {
            let found = self.visit(operand);
            self.expect(operand, &found, &Type::Bool);
        }
        Type::Bool
    }

    fn expect(&mut self, at: &Expr, found: &Type, expected: &Type) {
        if !self.unifier.fit([(expected, found)]) {
            self.mismatch(at, expected, found);
        }
    }

    fn mismatch(&mut self, at: &Expr, expected: &Type, found: &Type) -> Type {
        let expected = self.unifier.substitute(expected, Unbound::Dynamic);
        let found = self.unifier.substitute(found, Unbound::Dynamic);
        self.fault(at, format!("expected type '{expected}' but found '{found}'"))
    }

    /// What elements before this one and this one have in common.
    fn join(&mut self, before: Option<Type>, found: Type) -> Type {
        match before {
            None => found,
            Some(before) if self.unifier.fit([(&before, &found)]) => {
                self.unifier.most_general(before, found)
            }
            // Whether types may be mixed here is for `literals` to say.
            Some(_) => Type::Dyn,
        }
    }

    /// The type of an element or value, which an optional one must be wrapped in.
    fn wrapped(&mut self, at: &Expr, found: Type, optional: bool) -> Type {
        if !optional {
            return found;
        }
        let (inner, was_optional) = unwrap_optional(found);
        if !was_optional && !inner.is_dynamic() {
            self.mismatch(at, &Type::optional(inner.clone()), &inner);
        }
        inner
    }

    fn list(&mut self, elements: &[Element]) -> Type {
        let mut common = None;
        for Element { value, optional } in elements {
            let found = self.visit(value);
            let found = self.wrapped(value, found, *optional);
            common = Some(self.join(common, found));
        }
        Type::list(common.unwrap_or_else(|| self.unifier.fresh()))
    }

    fn map(&mut self, entries: &[Entry]) -> Type {
        let (mut keys, mut values) = (None, None);
        for Entry { key, value, optional } in entries {
            let found = self.visit(key);
            keys = Some(self.join(keys, found));
            let found = self.visit(value);
            let found = self.wrapped(value, found, *optional);
            values = Some(self.join(values, found));
        }
        Type::map(
            keys.unwrap_or_else(|| self.unifier.fresh()),
            values.unwrap_or_else(|| self.unifier.fresh()),
        )
    }

    fn fold(&mut self, fold: &Comprehension) -> Type {
        let range = self.visit(&fold.range);
        let accumulator = self.visit(&fold.start);
        let range = self.unifier.substitute(&range, Unbound::Kept);
        let (first, second) = match &range {
            Type::List(element) if fold.second.is_some() => (Type::Int, Type::clone(element)),
            Type::List(element) => (Type::clone(element), Type::Error),
            Type::Map(key, value) => (Type::clone(key), Type::clone(value)),
            Type::Dyn | Type::Error | Type::Parameter(_) => {
                self.unifier.fit([(&Type::Dyn, &range)]);
                (Type::Dyn, Type::Dyn)
            }
            other => {
                let mut message = format!(
                    "expression of type '{other}' cannot be range of a comprehension (must be \
                     list, map, or dynamic)"
                );
                if *other == Type::Any {
                    message.push_str("; write `dyn(…)` around it");
                }
                self.fault(&fold.range, message);
                (Type::Error, Type::Error)
            }
        };
        let outside = self.scopes.len();
        self.scopes.push((Arc::clone(&fold.accumulator), accumulator.clone()));
        let around = self.scopes.len();
        self.scopes.push((Arc::clone(&fold.variable), first));
        if let Some(name) = &fold.second {
            self.scopes.push((Arc::clone(name), second));
        }
        let condition = self.visit(&fold.condition);
        self.expect(&fold.condition, &condition, &Type::Bool);
        let step = self.visit(&fold.step);
        self.expect(&fold.step, &step, &accumulator);
        self.scopes.truncate(around);
        let result = self.visit(&fold.result);
        self.scopes.truncate(outside);
        self.unifier.substitute(&result, Unbound::Kept)
    }
}

fn literal_type(literal: &Literal) -> Type {
    match literal {
        Literal::Null => Type::Null,
        Literal::Bool(_) => Type::Bool,
        Literal::Int(_) => Type::Int,
        Literal::Uint(_) => Type::Uint,
        Literal::Double(_) => Type::Double,
        Literal::String(_) => Type::String,
        Literal::Bytes(_) => Type::Bytes,
    }
}

fn unwrap_optional(found: Type) -> (Type, bool) {
    match found {
        Type::Optional(inner) => (Type::clone(&inner), true),
        other => (other, false),
    }
}

/// `a.b.c` as one name, and its first part.
fn dotted(expr: &Expr) -> Option<(String, String)> {
    match &expr.kind {
        ExprKind::Ident(name) => Some((name.to_string(), name.to_string())),
        ExprKind::Select { operand, field, test: false } => {
            let (mut name, first) = dotted(operand)?;
            name.push('.');
            name.push_str(field);
            Some((name, first))
        }
        _ => None,
    }
}
