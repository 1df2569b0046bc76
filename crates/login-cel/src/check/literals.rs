//! Rules of kube-apiserver about literals, beyond their types: lists and maps do not mix types, and
//! what is spelt out as a duration, timestamp, pattern or template must be one.
//!
//! Never here: values that are known at evaluation only.

use super::unify::Unifier;
use crate::library::string_format;
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
    visit(expr, false, types, unifier, faults);
}

fn visit(
    expr: &Expr,
    may_mix: bool,
    types: &[Type],
    unifier: &mut Unifier,
    faults: &mut Vec<SyntaxError>,
) {
    let type_of = |expr: &Expr| types.get(expr.id as usize).cloned().unwrap_or(Type::Dyn);
    if let Some((at, message)) = string_format::check(expr, &type_of) {
        faults.push(SyntaxError { offset: at.offset as usize, message });
    }
    match &expr.kind {
        ExprKind::List(_) | ExprKind::Map(_) if may_mix => {}
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
    // The values of a template are of the types that its clauses take.
    let may_mix = may_mix || string_format::is_call(expr);
    expr.for_each_child(&mut |child| visit(child, may_mix, types, unifier, faults));
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
