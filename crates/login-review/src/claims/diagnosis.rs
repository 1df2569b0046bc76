//! Which expression refuses a token, and why: for the operator's log and `explain`.
//! Never a claim's value, and never for whoever shows the token.

use login_cel::{error::EvaluationError, meter::Patience, value::Value};
use login_protocols::oidc::Claims;

use super::{
    expression::{Allowance, EXTRA_BYTES, Expression, GROUPS_BYTES, text, texts},
    mapping::{Source, UidSource},
    rules::Rule,
    user::UserFields,
};
use crate::{policy::IssuerPolicy, verdict::Reason};

impl IssuerPolicy {
    /// The first expression, in the order of a review, that refuses these claims; none if it was
    /// not an expression. The review says that; this only finds it again.
    pub fn refusing_expression(&self, claims: &Claims) -> Option<String> {
        self.refusing_expression_within(claims, None)
    }

    /// The same, while there is patience.
    pub fn refusing_expression_within(
        &self,
        claims: &Claims,
        patience: Option<&Patience>,
    ) -> Option<String> {
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
            return Some(told(&key, expression, &said));
        }
        for rule in &self.claim_rules {
            let value = rule.expression.evaluate(claims, allowance);
            if let Some(found) = fault("claimValidationRules", rule, value) {
                return Some(found);
            }
        }
        let again = &mut Allowance::within(patience);
        let user =
            UserFields::new(&self.mapping.identity_within(&self.issuer, claims, again).ok()?);
        self.user_rules.iter().find_map(|rule| {
            let value = rule.expression.evaluate_user(&user, allowance);
            fault("userValidationRules", rule, value)
        })
    }
}

/// Key, expression, and whether a list will do.
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
