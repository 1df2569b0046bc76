//! Rules of kube-apiserver about literals, beyond their types: lists and maps do not mix types, and
//! what is spelt out as a duration, timestamp or pattern must be one.
//!
//! Never here: values that are known at evaluation only.

use super::unify::Unifier;
use crate::syntax::SyntaxError;
use crate::syntax::ast::{Expr, ExprKind};
use crate::types::Type;

/// Adds the faults of all literals in a tree.
pub(super) fn check(
    expr: &Expr,
    types: &[Type],
    unifier: &mut Unifier,
    faults: &mut Vec<SyntaxError>,
) {
    match &expr.kind {
        ExprKind::List(elements) => {
            let elements = elements.iter().map(|element| (&element.value, element.optional));
            uniform(elements, types, unifier, faults);
        }
        ExprKind::Map(entries) => {
            uniform(entries.iter().map(|entry| (&entry.key, false)), types, unifier, faults);
            let values = entries.iter().map(|entry| (&entry.value, entry.optional));
            uniform(values, types, unifier, faults);
        }
        _ => {}
    }
    expr.for_each_child(&mut |child| check(child, types, unifier, faults));
}

fn uniform<'e>(
    values: impl Iterator<Item = (&'e Expr, bool)>,
    types: &[Type],
    unifier: &mut Unifier,
    faults: &mut Vec<SyntaxError>,
) {
    let mut first: Option<&Type> = None;
    for (value, optional) in values {
        let Some(found) = types.get(value.id as usize) else { continue };
        let found = match found {
            Type::Optional(inner) if optional => inner,
            other => other,
        };
        match first {
            None => first = Some(found),
            Some(first) if unifier.same(first, found) => {}
            Some(first) => {
                faults.push(SyntaxError {
                    offset: value.offset as usize,
                    message: format!("expected type '{first}' but found '{found}'"),
                });
                return;
            }
        }
    }
}
