//! Compiles the expressions when the file is parsed: every fault has its line and key.
//! Never leaves a fault of an expression to the first user who signs in.

use kubernetes_cel::{CompileError, Type};

use super::Notes;
use crate::{
    claims::expression::Expression,
    config::{fields::Field, problems::Faults},
};

/// Compiles an expression over `claims`.
pub(super) fn of_claims(
    field: &Field<'_>,
    source: &str,
    faults: &mut Faults,
) -> Option<Expression> {
    noted(field, Expression::over_claims(source), faults)
}

/// Compiles an expression over `claims` whose result is a boolean for any claims.
pub(super) fn claim_rule(field: &Field<'_>, source: &str, notes: &mut Notes) -> Option<Expression> {
    let expression = of_claims(field, source, &mut notes.faults)?;
    warn_of_missing_claims(field, &expression, notes);
    boolean(field, expression, &mut notes.faults)
}

/// Compiles an expression over `user` whose result is a boolean.
pub(super) fn user_rule(
    field: &Field<'_>,
    source: &str,
    faults: &mut Faults,
) -> Option<Expression> {
    let expression = noted(field, Expression::over_user(source), faults)?;
    boolean(field, expression, faults)
}

fn boolean(field: &Field<'_>, expression: Expression, faults: &mut Faults) -> Option<Expression> {
    match expression.result_type() {
        Type::Bool => Some(expression),
        Type::Dyn | Type::Any => {
            field.fault(faults, "must evaluate to bool: compare it, as in `claims.x == true`");
            None
        }
        other => {
            field.fault(faults, format!("must evaluate to bool, not to {other}"));
            None
        }
    }
}

/// Warns of an unusable result type: kube-apiserver accepts such an expression, and refuses every
/// token.
pub(super) fn warn_of_no_text(field: &Field<'_>, expression: &Expression, notes: &mut Notes) {
    if !matches!(expression.result_type(), Type::String | Type::Dyn | Type::Any) {
        let message = format!(
            "gives {}, and must give a string: every token is refused",
            expression.result_type()
        );
        field.fault(&mut notes.warnings, message);
    }
}

/// The same where a list of strings is also allowed.
pub(super) fn warn_of_no_texts(field: &Field<'_>, expression: &Expression, notes: &mut Notes) {
    let is_text = |kind: &Type| matches!(kind, Type::String | Type::Dyn | Type::Any);
    let is_taken = match expression.result_type() {
        Type::Null => true,
        Type::List(element) => is_text(element),
        other => is_text(other),
    };
    if !is_taken {
        let message = format!(
            "gives {}, and must give a string or a list of strings: every token is refused",
            expression.result_type()
        );
        field.fault(&mut notes.warnings, message);
    }
}

/// Warns that a missing claim is an error, which refuses the token.
pub(super) fn warn_of_missing_claims(
    field: &Field<'_>,
    expression: &Expression,
    notes: &mut Notes,
) {
    if let Some(how) = expression.takes_claims_for_a_map() {
        let message = format!(
            "`claims` is no map or list, so `{how}` can never work on it and refuses every token \
             that comes so far; ask `has(claims.name)`, or for any name \
             `claims[?'name'].hasValue()`, and for a value `claims[?'name'].orValue(…)`"
        );
        return field.fault(&mut notes.warnings, message);
    }
    if let Some(claim) = expression.fails_without() {
        let message = format!(
            "refuses tokens without the claim `{claim}`; where that is not meant, ask `has(…)` \
             first, or select it with `.?` and `orValue(…)`"
        );
        field.fault(&mut notes.warnings, message);
    }
}

fn noted(
    field: &Field<'_>,
    compiled: Result<Expression, CompileError>,
    faults: &mut Faults,
) -> Option<Expression> {
    let error = match compiled {
        Ok(expression) => return Some(expression),
        Err(error) => error,
    };
    for fault in error.faults {
        let (line, column) = (fault.line, fault.column);
        let message = format!("line {line}, column {column} of the expression: {}", fault.message);
        faults.add(Some(field.line_of_text(line.into())), &field.key, message);
    }
    None
}
