//! Checks a literal template against the types of the values in the literal list beside it.
//! Never a computed template or list: their clauses are checked when they are evaluated.

use super::template::{NAME, Piece, Verb, pieces};
use crate::syntax::ast::{Element, Expr, ExprKind, Literal};
use crate::types::Type;

/// What is wrong with a call of `format`, and where; `None` for other calls.
pub(crate) fn check<'e>(
    call: &'e Expr,
    type_of: &dyn Fn(&Expr) -> Type,
) -> Option<(&'e Expr, String)> {
    let ExprKind::Call { function, target: Some(target), arguments } = &call.kind else {
        return None;
    };
    let (ExprKind::Literal(Literal::String(template)), [values]) = (&target.kind, &**arguments)
    else {
        return None;
    };
    let ExprKind::List(values) = &values.kind else { return None };
    if &**function != NAME {
        return None;
    }
    compare(call, template, values, type_of).err()
}

fn compare<'e>(
    call: &'e Expr,
    template: &str,
    values: &'e [Element],
    type_of: &dyn Fn(&Expr) -> Type,
) -> Result<(), (&'e Expr, String)> {
    let mut rest = values.iter();
    for piece in pieces(template) {
        let verb = match piece {
            Ok(Piece::Text(_)) => continue,
            Ok(Piece::Clause(verb, _)) => verb,
            Err(fault) => return Err((call, fault.as_str().to_owned())),
        };
        let Some(Element { value, .. }) = rest.next() else {
            return Err((call, "the template has more clauses than there are values".to_owned()));
        };
        let refused = if verb == Verb::String {
            not_shown(value, type_of)
        } else {
            (!takes(verb, &type_of(value))).then_some(value)
        };
        if let Some(refused) = refused {
            let found = type_of(refused);
            return Err((
                refused,
                format!("{} cannot show a value of type '{found}'", clause(verb)),
            ));
        }
    }
    if rest.next().is_some() {
        return Err((call, "the template has fewer clauses than there are values".to_owned()));
    }
    Ok(())
}

fn clause(verb: Verb) -> &'static str {
    match verb {
        Verb::String => "%s",
        Verb::Decimal => "%d",
        Verb::Fixed => "%f",
        Verb::Scientific => "%e",
        Verb::Binary => "%b",
        Verb::Hexadecimal { .. } => "%x",
        Verb::Octal => "%o",
    }
}

/// A dynamic value is checked in the evaluation; but upstream refuses values of type `any`.
fn takes(verb: Verb, found: &Type) -> bool {
    match verb {
        _ if *found == Type::Dyn => true,
        Verb::String => is_shown(found),
        Verb::Decimal | Verb::Octal => matches!(found, Type::Int | Type::Uint),
        Verb::Fixed | Verb::Scientific => matches!(found, Type::Double | Type::String),
        Verb::Binary => matches!(found, Type::Int | Type::Uint | Type::Bool),
        Verb::Hexadecimal { .. } => {
            matches!(found, Type::Int | Type::Uint | Type::String | Type::Bytes)
        }
    }
}

fn is_shown(found: &Type) -> bool {
    matches!(
        found,
        Type::Dyn
            | Type::List(_)
            | Type::Map(..)
            | Type::Int
            | Type::Uint
            | Type::Double
            | Type::Bool
            | Type::String
            | Type::Timestamp
            | Type::Bytes
            | Type::Duration
            | Type::Type(_)
            | Type::Null
    )
}

/// The value that `%s` does not show: itself, or one within literal lists and maps.
fn not_shown<'e>(value: &'e Expr, type_of: &dyn Fn(&Expr) -> Type) -> Option<&'e Expr> {
    if !is_shown(&type_of(value)) {
        return Some(value);
    }
    match &value.kind {
        ExprKind::List(elements) => {
            elements.iter().find_map(|element| not_shown(&element.value, type_of))
        }
        ExprKind::Map(entries) => entries.iter().find_map(|entry| {
            not_shown(&entry.key, type_of).or_else(|| not_shown(&entry.value, type_of))
        }),
        _ => None,
    }
}
