//! `claimValidationRules` and `userValidationRules`: conditions besides the signature.
//! Never skips a rule: one that cannot be checked refuses the file.

use std::collections::BTreeSet;

use super::{NEITHER, Notes, expressions, filled, is_unset, issuer::missing_unless_misfit};
use crate::{
    claims::rules::RequiredClaim,
    claims::{expression::selection, rules::Rule},
    config::{
        fields::{Field, Mapping},
        problems::Faults,
    },
};

/// The content of `claimValidationRules`.
#[derive(Default)]
pub(super) struct ClaimRules {
    pub(super) required: Vec<RequiredClaim>,
    pub(super) rules: Vec<Rule>,
}

impl ClaimRules {
    /// Whether one of the expressions uses `claims.email_verified`.
    pub(super) fn see_verification(&self) -> bool {
        self.rules.iter().any(|rule| rule.expression.selects_claim("email_verified"))
    }
}

pub(super) fn claim_validation_rules(entry: &Mapping<'_>, notes: &mut Notes) -> ClaimRules {
    let mut found = ClaimRules::default();
    let Some(list) = entry.field("claimValidationRules") else {
        return found;
    };
    let mut seen = BTreeSet::new();
    for item in list.items(&mut notes.faults) {
        let known = ["claim", "requiredValue", "expression", "message"];
        let faults = &mut notes.faults;
        let Some(rule) = item.mapping(&known, faults) else {
            continue;
        };
        let claim = filled(&rule, "claim", faults);
        let value = required_value(&rule, claim.as_ref().map(|(_, name)| *name), faults);
        let expression = filled(&rule, "expression", faults);
        let message = filled(&rule, "message", faults);
        match (claim, expression) {
            (Some(_), Some(_)) => item.fault(faults, "has both `claim` and `expression`"),
            (None, Some((field, source))) => {
                if let Some((value, _)) = value {
                    value.fault(faults, "belongs to `claim`, not to `expression`");
                }
                if seen.insert(source) {
                    let compiled = expressions::claim_rule(&field, source, notes);
                    found.rules.extend(
                        compiled.map(|expression| Rule { expression, message: text_of(message) }),
                    );
                } else {
                    field.fault(faults, "the same expression stands already above");
                }
            }
            (Some((field, claim)), None) => {
                if let Some((message, _)) = message {
                    message.fault(faults, "belongs to `expression`, not to `claim`");
                }
                if found.required.iter().any(|earlier| earlier.claim == claim) {
                    field.fault(faults, format!("a rule for `{claim}` stands already above"));
                }
                // Without a value the claim must be present and empty.
                if let Some((field, value)) = &value
                    && let Some(warning) = never_equal(claim, value)
                {
                    field.fault(&mut notes.warnings, warning);
                }
                let (claim, value) = (claim.to_owned(), text_of(value));
                found.required.push(RequiredClaim { claim, value });
            }
            (None, None) if is_unset(&rule, "claim") && is_unset(&rule, "expression") => {
                item.fault(faults, NEITHER);
            }
            (None, None) => {}
        }
    }
    found
}

pub(super) fn user_validation_rules(entry: &Mapping<'_>, notes: &mut Notes) -> Vec<Rule> {
    let mut rules = Vec::new();
    let faults = &mut notes.faults;
    let Some(list) = entry.field("userValidationRules") else {
        return rules;
    };
    let mut seen = BTreeSet::new();
    for item in list.items(faults) {
        let Some(rule) = item.mapping(&["expression", "message"], faults) else {
            continue;
        };
        let message = filled(&rule, "message", faults);
        let Some((field, source)) = filled(&rule, "expression", faults) else {
            missing_unless_misfit(&rule, "expression", faults);
            continue;
        };
        if seen.insert(source) {
            let compiled = expressions::user_rule(&field, source, faults);
            rules.extend(compiled.map(|expression| Rule { expression, message: text_of(message) }));
        } else {
            field.fault(faults, "the same expression stands already above");
        }
    }
    rules
}

/// A text. For a boolean or number the fault advises an expression: quoted, it would refuse every
/// token.
fn required_value<'t>(
    rule: &Mapping<'t>,
    claim: Option<&str>,
    faults: &mut Faults,
) -> Option<(Field<'t>, &'t str)> {
    let literal = rule.field("requiredValue").and_then(|field| Some((field.literal()?, field)));
    if let Some((literal, field)) = literal {
        let claim = selection(claim.unwrap_or("x"));
        let message = format!(
            "must be a text, which equals no claim that is a boolean or a number: write \
             `expression: {claim} == {literal}` instead of `claim` and `requiredValue`"
        );
        field.fault(faults, message);
        return None;
    }
    filled(rule, "requiredValue", faults)
}

/// A warning if this claim can never, or hardly, equal this text.
fn never_equal(claim: &str, value: &str) -> Option<String> {
    // OpenID Connect Core §2 and §5.1, RFC 7519 §4.1.
    let kind = match claim {
        "email_verified" | "phone_number_verified" => Some("a boolean"),
        "exp" | "iat" | "nbf" | "auth_time" | "updated_at" => Some("a number"),
        _ => None,
    };
    let is_literal = matches!(value, "true" | "false")
        || !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let instead = format!("`expression: {} == {value}`", selection(claim));
    match kind {
        Some(kind) if is_literal => Some(format!(
            "`{claim}` is {kind}, which equals no text: every token is refused. Write {instead} \
             instead of `claim` and `requiredValue`"
        )),
        Some(kind) => {
            Some(format!("`{claim}` is {kind}, which equals no text: every token is refused"))
        }
        None if is_literal => Some(format!(
            "equals the text `{value}` only; for a boolean or a number write {instead}"
        )),
        None => None,
    }
}

fn text_of(found: Option<(Field<'_>, &str)>) -> String {
    found.map(|(_, text)| text.to_owned()).unwrap_or_default()
}
