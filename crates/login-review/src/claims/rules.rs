//! Conditions besides the signature: `claimValidationRules`, `userValidationRules`.
//! Never passes a rule that could not be evaluated.

use kubernetes_cel::Value;
use login_common::Identity;
use login_protocols::oidc::Claims;
use serde_json::Value as Json;

use super::{
    expression::{Allowance, Expression},
    user::UserFields,
};
use crate::verdict::Reason;

/// A claim that must be a JSON string equal to `value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequiredClaim {
    /// The name of a top-level claim.
    pub claim: String,
    /// The required value.
    pub value: String,
}

/// An expression that must be true.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its result is a boolean.
    pub expression: Expression,
    /// The operator's reason for the rule, for the log; never shown to the user.
    pub message: String,
}

/// Whether each of `required` is a JSON string with exactly that value. Null counts as the empty
/// string, as in kube-apiserver.
pub(crate) fn check_required(required: &[RequiredClaim], claims: &Claims) -> Result<(), Reason> {
    let holds = |rule: &RequiredClaim| match claims.value(&rule.claim) {
        Some(Json::String(value)) => *value == rule.value,
        Some(Json::Null) => rule.value.is_empty(),
        _ => false,
    };
    if required.iter().all(holds) { Ok(()) } else { Err(Reason::RequiredClaim) }
}

/// Whether every rule holds for `claims`.
pub(crate) fn check_claims(
    rules: &[Rule],
    claims: &Claims,
    allowance: &mut Allowance,
) -> Result<(), Reason> {
    rules.iter().try_for_each(|rule| {
        holds(&rule.expression.of_claims(claims, allowance)?, Reason::ClaimRule)
    })
}

/// Whether every rule holds for `user`.
pub(crate) fn check_user(
    rules: &[Rule],
    user: &Identity,
    allowance: &mut Allowance,
) -> Result<(), Reason> {
    if rules.is_empty() {
        return Ok(());
    }
    let user = UserFields::new(user);
    rules
        .iter()
        .try_for_each(|rule| holds(&rule.expression.of_user(&user, allowance)?, Reason::UserRule))
}

fn holds(value: &Value<'_>, refusal: Reason) -> Result<(), Reason> {
    match value {
        Value::Bool(true) => Ok(()),
        Value::Bool(false) => Err(refusal),
        _ => Err(Reason::Expression),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_required_claim_is_a_text_of_exactly_that_value() {
        let check = |expected: &str, claims: Json| {
            let claims = Claims::parse(claims.to_string().as_bytes()).unwrap();
            let rule = RequiredClaim { claim: "hd".to_owned(), value: expected.to_owned() };
            check_required(&[rule], &claims)
        };
        assert_eq!(check("example.com", json!({"hd": "example.com"})), Ok(()));
        assert_eq!(check("", json!({"hd": ""})), Ok(()));
        assert_eq!(check("", json!({"hd": null})), Ok(()));
        for misfit in [
            json!({}),
            json!({"hd": "Example.com"}),
            json!({"hd": ["example.com"]}),
            json!({"hd": null}),
            json!({"HD": "example.com"}),
        ] {
            let found = check("example.com", misfit.clone());
            assert_eq!(found, Err(Reason::RequiredClaim), "{misfit}");
        }
        assert_eq!(check("", json!({})), Err(Reason::RequiredClaim));
    }
}
