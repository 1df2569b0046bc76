//! Rules of kube-apiserver about literals, beyond their types: lists and maps do not mix types, and
//! a literal template has values of the types that its clauses take.
//! Never a rule about values that only evaluation knows.

use std::collections::BTreeMap;

use super::Meaning;
use super::unify::Unifier;
use crate::library::string_format;
use crate::syntax::SyntaxError;
use crate::syntax::ast::{Expr, ExprKind};
use crate::types::Type;

/// Adds the faults of all literals in a tree.
pub(super) fn check(
    root: &Expr,
    types: &[Type],
    meanings: &BTreeMap<u32, Meaning>,
    unifier: &mut Unifier,
    faults: &mut Vec<SyntaxError>,
) {
    Literals { types, meanings, unifier, faults }.visit(root, Mixing::Refused);
}

/// Whether the elements of a literal may be of different types.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mixing {
    Refused,
    Allowed,
}

struct Literals<'c> {
    types: &'c [Type],
    meanings: &'c BTreeMap<u32, Meaning>,
    unifier: &'c mut Unifier,
    faults: &'c mut Vec<SyntaxError>,
}

impl Literals<'_> {
    fn visit(&mut self, expr: &Expr, mut mixing: Mixing) {
        if self.is_format(expr) {
            // The values of a template are of the types that its clauses take.
            mixing = Mixing::Allowed;
            let type_of =
                |expr: &Expr| self.types.get(expr.id as usize).cloned().unwrap_or(Type::Dyn);
            if let Some((at, message)) = string_format::check(expr, &type_of) {
                self.faults.push(SyntaxError { offset: at.offset as usize, message });
            }
        }
        match &expr.kind {
            ExprKind::List(_) | ExprKind::Map(_) if mixing == Mixing::Allowed => {}
            ExprKind::List(elements) => {
                self.uniform(elements.iter().map(|element| (&element.value, element.optional)));
            }
            ExprKind::Map(entries) => {
                self.uniform(entries.iter().map(|entry| (&entry.key, false)));
                self.uniform(entries.iter().map(|entry| (&entry.value, entry.optional)));
            }
            _ => {}
        }
        expr.for_each_child(&mut |child| self.visit(child, mixing));
    }

    /// Whether it calls the `format` of `ext.Strings`, and not a host's function of that name.
    fn is_format(&self, expr: &Expr) -> bool {
        matches!(
            self.meanings.get(&expr.id),
            Some(Meaning::Call { name, overloads })
                if *name == string_format::NAME
                    && overloads.iter().any(|overload| !overload.of_host)
        )
    }

    fn uniform<'e>(&mut self, values: impl Iterator<Item = (&'e Expr, bool)>) {
        let mut first: Option<&Type> = None;
        for (value, optional) in values {
            let Some(found) = self.types.get(value.id as usize) else { continue };
            let found = match found {
                Type::Optional(inner) if optional => inner,
                other => other,
            };
            match first {
                None => first = Some(found),
                Some(first) if self.unifier.same(first, found) => {}
                Some(first) => {
                    self.faults.push(SyntaxError {
                        offset: value.offset as usize,
                        message: format!("expected type '{first}' but found '{found}'"),
                    });
                    return;
                }
            }
        }
    }
}
