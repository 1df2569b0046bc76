//! Which function a call means, which of its overloads it may reach, and what it results in.
//! Never a call: what a function computes is for evaluation.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::unify::Unbound;
use super::{Checker, Meaning, Selection, dotted};
use crate::function::Overload;
use crate::syntax::ast::{Expr, ExprKind, Literal};
use crate::types::{Parameter, Type};

impl<'e> Checker<'e> {
    pub(super) fn call(
        &mut self,
        expr: &Expr,
        function: &str,
        target: Option<&Expr>,
        arguments: &[Expr],
    ) -> Type {
        if function == "_?._" {
            return self.optional_select(expr, arguments);
        }
        for argument in arguments {
            self.visit(argument);
        }
        if let Some(target) = target
            && self.namespaced(target, function).is_none()
        {
            self.visit(target);
        }
        self.called(expr, function, target, arguments)
    }

    fn lookup(&self, name: &str) -> Option<(&'e Cow<'static, str>, &'e [Overload])> {
        let (name, overloads) =
            self.environment.functions.get_key_value(name.trim_start_matches('.'))?;
        Some((name, overloads))
    }

    /// `optional.of(x)`: the target is the beginning of a name, not a value.
    fn namespaced(
        &self,
        target: &Expr,
        function: &str,
    ) -> Option<(&'e Cow<'static, str>, &'e [Overload])> {
        let (prefix, _) = dotted(target)?;
        self.lookup(&format!("{prefix}.{function}"))
    }

    /// A call whose arguments are typed.
    fn called(
        &mut self,
        expr: &Expr,
        function: &str,
        target: Option<&Expr>,
        arguments: &[Expr],
    ) -> Type {
        let namespaced = target.and_then(|target| self.namespaced(target, function));
        let target = target.filter(|_| namespaced.is_none());
        match namespaced.or_else(|| self.lookup(function)) {
            Some((name, overloads)) => {
                self.resolve(expr, name.clone(), overloads, target, arguments)
            }
            None => self.undeclared(expr, function),
        }
    }

    fn optional_select(&mut self, expr: &Expr, arguments: &[Expr]) -> Type {
        let [operand, field] = arguments else {
            return self.fault(expr, "unsupported optional field selection".to_owned());
        };
        let ExprKind::Literal(Literal::String(name)) = &field.kind else {
            return self.fault(field, "unsupported optional field selection".to_owned());
        };
        self.visit(field);
        let found = self.field(expr, operand, name, Selection::Optional);
        self.unifier.substitute(&found, Unbound::Kept)
    }

    /// Finds the overloads that a call may reach, and what it results in.
    fn resolve(
        &mut self,
        expr: &Expr,
        name: Cow<'static, str>,
        overloads: &[Overload],
        target: Option<&Expr>,
        arguments: &[Expr],
    ) -> Type {
        let given: Vec<Type> =
            target.into_iter().chain(arguments).map(|argument| self.type_of(argument)).collect();
        let mut result: Option<Type> = None;
        let mut reached = Vec::new();
        for overload in overloads {
            if overload.member != target.is_some() || overload.parameters.len() != given.len() {
                continue;
            }
            let mut fresh = BTreeMap::new();
            let parameters: Vec<Type> = overload
                .parameters
                .iter()
                .map(|parameter| self.instantiate(parameter, &mut fresh))
                .collect();
            let overload_result = self.instantiate(&overload.result, &mut fresh);
            if !self.unifier.fit(given.iter().zip(&parameters)) {
                continue;
            }
            reached.push(overload.clone());
            let found = self.unifier.substitute(&overload_result, Unbound::Kept);
            result = Some(match result {
                None => found,
                Some(first) if first.is_dynamic() || self.unifier.same(&first, &found) => first,
                Some(_) => Type::Dyn,
            });
        }
        match result {
            Some(result) => {
                self.meanings.insert(expr.id, Meaning::Call { name, overloads: reached });
                result
            }
            None => self.no_overload(expr, &name, &given, target.is_some()),
        }
    }

    fn no_overload(&mut self, expr: &Expr, name: &str, given: &[Type], member: bool) -> Type {
        let mut shown: Vec<String> = given
            .iter()
            .map(|given| self.unifier.substitute(given, Unbound::Dynamic).to_string())
            .collect();
        let target = if member { format!("{}.", shown.remove(0)) } else { String::new() };
        let shown = shown.join(", ");
        self.fault(
            expr,
            format!("found no matching overload for '{name}' applied to '{target}({shown})'"),
        )
    }

    /// A declared type with parameters of this use.
    fn instantiate(&mut self, declared: &Type, fresh: &mut BTreeMap<Parameter, Type>) -> Type {
        match declared {
            Type::Parameter(parameter) => {
                fresh.entry(*parameter).or_insert_with(|| self.unifier.fresh()).clone()
            }
            Type::List(inner) => Type::list(self.instantiate(inner, fresh)),
            Type::Optional(inner) => Type::optional(self.instantiate(inner, fresh)),
            Type::Type(Some(inner)) => Type::of(self.instantiate(inner, fresh)),
            Type::Map(key, value) => {
                Type::map(self.instantiate(key, fresh), self.instantiate(value, fresh))
            }
            other => other.clone(),
        }
    }
}
