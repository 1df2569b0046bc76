//! CEL expressions of the configuration: compiled once, evaluated for every token.
//! Never exceeds its allowance; never puts a claim's value into an error.

use std::{fmt, sync::Arc};

use kubernetes_cel::{
    Bindings, Budget, CompileError, Environment, EvaluationError, Limits, Patience, Program, Type,
    Value, value::List,
};
use login_protocols::oidc::Claims;
use serde_json::{Map as JsonMap, Value as Json, json};

use super::{
    selections::{selected_from, selects, takes_for_container},
    user::UserFields,
    variables::{claims_environment, claims_value, user_environment},
};
use crate::{
    guard::{MAX_EXTRA_LENGTH, MAX_GROUP_LENGTH, MAX_GROUPS},
    verdict::Reason,
};

/// A compiled expression and its source. Cheap to clone.
#[derive(Clone)]
pub struct Expression {
    source: Arc<str>,
    program: Arc<Program>,
}

impl Expression {
    /// An expression over the variable `claims`, a map of which only the names are known.
    pub fn over_claims(source: &str) -> Result<Self, CompileError> {
        Self::compile(source, claims_environment())
    }

    /// An expression over the variable `user`, which has exactly the fields of a user.
    pub fn over_user(source: &str) -> Result<Self, CompileError> {
        Self::compile(source, user_environment())
    }

    fn compile(source: &str, environment: &Environment) -> Result<Self, CompileError> {
        let program = Arc::new(Program::compile(source, environment)?);
        Ok(Self { source: source.into(), program })
    }

    /// As the operator wrote it.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The static type of its result.
    pub fn result_type(&self) -> &Type {
        self.program.result_type()
    }

    /// Whether it selects the claim `name`: `claims.email`, `claims.?email` or `has(claims.email)`;
    /// `claims["email"]` is not recognised, as in kube-apiserver.
    pub fn selects_claim(&self, name: &str) -> bool {
        selects(self.program.tree(), "claims", name)
    }

    /// The optional claim without which it fails or is false; `None` if another claim can replace
    /// it.
    pub fn fails_without(&self) -> Option<String> {
        let registered = json!({"iss": "", "aud": "", "sub": "", "iat": 0, "exp": 0});
        let registered = registered.as_object()?;
        let evaluated = |claims: &JsonMap<String, Json>| {
            let bindings = Bindings::new([("claims", claims_value(claims))]);
            match self.program.evaluate(&bindings, &Limits::default()).value {
                Err(EvaluationError::NoSuchField(name)) => Fate::Misses(name.to_string()),
                Ok(Value::Bool(false)) | Err(_) => Fate::Refuses,
                Ok(_) => Fate::Passes,
            }
        };
        let Fate::Misses(missing) = evaluated(registered) else { return None };
        let mut others = selected_from(self.program.tree(), "claims");
        others.retain(|name| *name != missing && !registered.contains_key(name));
        let kinds = [json!("a"), json!(["a"]), json!(true), json!(1), json!({"a": "a"})];
        let is_dispensable = kinds.iter().any(|kind| {
            let mut claims = registered.clone();
            claims.extend(others.iter().map(|name| (name.clone(), kind.clone())));
            matches!(evaluated(&claims), Fate::Passes)
        });
        (!is_dispensable).then_some(missing)
    }

    /// The operation that treats `claims` as a map, which it is not, so that the expression fails
    /// there. Macros over `claims` work, as in kube-apiserver.
    pub fn takes_claims_for_a_map(&self) -> Option<&'static str> {
        takes_for_container(self.program.tree(), "claims")
    }

    /// Evaluates it for these claims.
    pub(crate) fn of_claims<'a>(
        &'a self,
        claims: &'a Claims,
        allowance: &mut Allowance,
    ) -> Result<Value<'a>, Reason> {
        self.evaluate(claims, allowance).map_err(|error| reason(&error))
    }

    /// The same, with the error. The error names functions and claims, and no value.
    pub(super) fn evaluate<'a>(
        &'a self,
        claims: &'a Claims,
        allowance: &mut Allowance,
    ) -> Result<Value<'a>, EvaluationError> {
        allowance.spend(self, &Bindings::new([("claims", claims_value(claims.as_map()))]))
    }

    /// Evaluates it for this user.
    pub(crate) fn of_user<'a>(
        &'a self,
        user: &'a UserFields,
        allowance: &mut Allowance,
    ) -> Result<Value<'a>, Reason> {
        self.evaluate_user(user, allowance).map_err(|error| reason(&error))
    }

    /// The same, with the error.
    pub(super) fn evaluate_user<'a>(
        &'a self,
        user: &'a UserFields,
        allowance: &mut Allowance,
    ) -> Result<Value<'a>, EvaluationError> {
        allowance.spend(self, &Bindings::new([("user", user.value())]))
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.source).finish()
    }
}

/// The outcome of an expression for some claims.
enum Fate {
    Misses(String),
    Refuses,
    Passes,
}

/// The remaining budget of all expressions of one token together.
///
/// kube-apiserver limits each expression but not their number, so that 64 rules could take seconds
/// of a core for one token. Four times the limit of one is far beyond what an expression over a
/// token of 64 KiB needs. It lasts some tenths of a second, except for large patterns on long
/// texts: there `patience` stops the evaluation, which gives no verdict.
#[derive(Clone, Debug)]
pub(crate) struct Allowance {
    left: Budget,
    patience: Option<Patience>,
}

/// How many expressions may each use the full budget of one.
const WHOLE_EXPRESSIONS: u64 = 4;

impl Default for Allowance {
    fn default() -> Self {
        Self::within(None)
    }
}

impl Allowance {
    /// The budget for one token, within the time limit of `patience`.
    pub(crate) fn within(patience: Option<&Patience>) -> Self {
        let Budget { cost, work } = Budget::default();
        let left = Budget { cost: cost * WHOLE_EXPRESSIONS, work: work * WHOLE_EXPRESSIONS };
        Self { left, patience: patience.cloned() }
    }

    fn spend<'a>(
        &mut self,
        expression: &'a Expression,
        bindings: &Bindings<'a>,
    ) -> Result<Value<'a>, EvaluationError> {
        let most = Budget::default();
        let Self { left, patience } = self;
        let budget = Budget { cost: most.cost.min(left.cost), work: most.work.min(left.work) };
        let limits = Limits { budget, patience: patience.clone() };
        let evaluation = expression.program.evaluate(bindings, &limits);
        left.cost = left.cost.saturating_sub(evaluation.spent.cost);
        left.work = left.work.saturating_sub(evaluation.spent.work);
        evaluation.value
    }
}

/// The expression that selects `claim`.
pub(crate) fn selection(claim: &str) -> String {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if claim.chars().all(is_name) && !claim.starts_with(|c: char| c.is_ascii_digit()) {
        format!("claims.{claim}")
    } else {
        format!("claims[{claim:?}]")
    }
}

fn reason(error: &EvaluationError) -> Reason {
    if error.is_final() { Reason::ExpressionCost } else { Reason::Expression }
}

/// For [`texts`] of groups: twice the guard's limit, since there may be duplicates.
pub(crate) const GROUPS_BYTES: usize = 2 * MAX_GROUPS * MAX_GROUP_LENGTH;
/// For [`texts`] of one key of extra: leaves room for many short ones.
pub(crate) const EXTRA_BYTES: usize = 8 * MAX_EXTRA_LENGTH;

/// A string; other types are refused.
pub(crate) fn text(value: &Value<'_>) -> Result<String, Reason> {
    match value {
        Value::String(text) => Ok((**text).to_owned()),
        _ => Err(Reason::Expression),
    }
}

/// A string or a list of strings, without the empty ones; null is an empty list. Copies at most
/// `most` bytes: elements of a computed list may share one long string.
pub(crate) fn texts(value: &Value<'_>, most: usize) -> Result<Vec<String>, Reason> {
    match value {
        Value::Null => Ok(Vec::new()),
        Value::String(text) if text.is_empty() => Ok(Vec::new()),
        Value::String(_) => Ok(vec![text(value)?]),
        Value::List(list) => elements(list, most),
        _ => Err(Reason::Expression),
    }
}

fn elements(list: &List<'_>, most: usize) -> Result<Vec<String>, Reason> {
    let mut texts = Vec::new();
    let mut left = most;
    for element in list.elements() {
        let Value::String(element) = element else { return Err(Reason::Expression) };
        if !element.is_empty() {
            let size = element.len().saturating_add(size_of::<String>());
            left = left.checked_sub(size).ok_or(Reason::ExpressionCost)?;
            texts.push((*element).to_owned());
        }
    }
    Ok(texts)
}

#[cfg(test)]
mod tests;
