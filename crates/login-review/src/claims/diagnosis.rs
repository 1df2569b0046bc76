//! Finds which expression or required claim refuses a token, and why: for the operator's log and
//! `explain`.
//! Never contains a claim's value, and is never shown to the caller.

use kubernetes_cel::{EvaluationError, Patience, Value};
use login_protocols::oidc::Claims;
use serde_json::Value as Json;

use super::{
    expression::{Allowance, EXTRA_BYTES, Expression, GROUPS_BYTES, selection, text, texts},
    mapping::{Source, UidSource},
    rules::{Rule, check_required},
    user::UserFields,
};
use crate::{claims::rules::RequiredClaim, policy::IssuerPolicy, verdict::Reason};

/// An expression that refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusingExpression {
    /// Whether it is a validation rule; otherwise it is a mapping.
    pub is_rule: bool,
    /// Its key, its text, and its result or error.
    pub said: String,
}

impl IssuerPolicy {
    /// The first required claim that these claims do not satisfy; `None` if they satisfy all.
    pub fn refusing_claim(&self, claims: &Claims) -> Option<String> {
        let lacks = |rule: &&RequiredClaim| check_required(&[(*rule).clone()], claims).is_err();
        let RequiredClaim { claim, value } = self.required_claims.iter().find(lacks)?;
        let found = match claims.value(claim) {
            None => "is missing".to_owned(),
            Some(Json::Null) => "is null".to_owned(),
            Some(Json::String(_)) => "is another text".to_owned(),
            Some(Json::Bool(_)) => {
                format!("is a boolean, which `expression: {} == true` asks for", selection(claim))
            }
            Some(Json::Number(_)) => "is a number, for which an `expression` has to ask".to_owned(),
            Some(Json::Array(_)) => {
                format!("is a list, which `expression: {value:?} in {}` asks for", selection(claim))
            }
            Some(Json::Object(_)) => "is an object".to_owned(),
        };
        Some(format!("`{claim}` must be the text `{value}`, and {found}"))
    }

    /// The first expression, in the order of a review, that refuses these claims; `None` if no
    /// expression did. Only explains a refusal, the review makes it.
    pub fn refusing_expression(&self, claims: &Claims) -> Option<RefusingExpression> {
        self.refusing_expression_within(claims, None)
    }

    /// The same, within the time limit of `patience`.
    pub fn refusing_expression_within(
        &self,
        claims: &Claims,
        patience: Option<&Patience>,
    ) -> Option<RefusingExpression> {
        let of_rule = |said: String| RefusingExpression { is_rule: true, said };
        let allowance = &mut Allowance::within(patience);
        for (key, expression, takes_lists) in mapped(self) {
            let most = if key == "groups" { GROUPS_BYTES } else { EXTRA_BYTES };
            let said = match expression.evaluate(claims, allowance) {
                Err(error) => error.to_string(),
                Ok(value) if takes_lists => match texts(&value, most) {
                    Err(Reason::ExpressionCost) => "gives more text than it may".to_owned(),
                    Err(_) => "gives neither a string nor a list of strings".to_owned(),
                    Ok(_) => continue,
                },
                Ok(value) if text(&value).is_err() => "gives no string".to_owned(),
                Ok(_) => continue,
            };
            return Some(RefusingExpression {
                is_rule: false,
                said: told(&key, expression, &said),
            });
        }
        for rule in &self.claim_rules {
            let value = rule.expression.evaluate(claims, allowance);
            if let Some(found) = fault("claimValidationRules", rule, value) {
                return Some(of_rule(found));
            }
        }
        let again = &mut Allowance::within(patience);
        let user =
            UserFields::new(&self.mapping.identity_within(&self.issuer, claims, again).ok()?);
        let found = self.user_rules.iter().find_map(|rule| {
            let value = rule.expression.evaluate_user(&user, allowance);
            fault("userValidationRules", rule, value)
        });
        found.map(of_rule)
    }
}

/// Key, expression, and whether the result may be a list.
fn mapped(policy: &IssuerPolicy) -> impl Iterator<Item = (String, &Expression, bool)> {
    let mapping = &policy.mapping;
    let username =
        by_expression(&mapping.username).map(|found| ("username".to_owned(), found, false));
    let groups = mapping.groups.as_ref().and_then(by_expression);
    let groups = groups.map(|found| ("groups".to_owned(), found, true));
    let uid = mapping.uid.as_ref().and_then(|uid| match uid {
        UidSource::Expression(found) => Some(("uid".to_owned(), found, false)),
        UidSource::Claim(_) => None,
    });
    let extra = mapping.extra.iter();
    let extra = extra.map(|entry| (format!("extra `{}`", entry.key), &entry.values, true));
    username.into_iter().chain(groups).chain(uid).chain(extra)
}

fn by_expression(source: &Source) -> Option<&Expression> {
    match source {
        Source::Expression(expression) => Some(expression),
        Source::Claim(_) => None,
    }
}

fn fault(key: &str, rule: &Rule, value: Result<Value<'_>, EvaluationError>) -> Option<String> {
    let said = match value {
        Ok(Value::Bool(true)) => return None,
        Ok(Value::Bool(false)) if rule.message.is_empty() => "is false".to_owned(),
        Ok(Value::Bool(false)) => rule.message.clone(),
        Ok(_) => "gives no boolean".to_owned(),
        Err(error) => error.to_string(),
    };
    Some(told(key, &rule.expression, &said))
}

fn told(key: &str, expression: &Expression, said: &str) -> String {
    format!("{key}: `{}`: {said}", expression.source())
}
