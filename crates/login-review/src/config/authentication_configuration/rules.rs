//! `claimValidationRules` and `userValidationRules`: what must hold besides a good signature.
//! Never skips a rule: one that cannot be checked refuses the file.

use std::collections::BTreeSet;

use super::{filled, issuer::missing_unless_misfit, refuse_expression};
use crate::{
    config::fields::{Faults, Mapping},
    policy::RequiredClaim,
};

pub(super) fn claim_validation_rules(
    entry: &Mapping<'_>,
    faults: &mut Faults,
) -> Vec<RequiredClaim> {
    let mut required: Vec<RequiredClaim> = Vec::new();
    let Some(list) = entry.field("claimValidationRules") else {
        return required;
    };
    for item in list.items(faults) {
        let known = ["claim", "requiredValue", "expression", "message"];
        let Some(rule) = item.mapping(&known, faults) else {
            continue;
        };
        let claim = filled(&rule, "claim", faults);
        let value = filled(&rule, "requiredValue", faults);
        let expression = filled(&rule, "expression", faults);
        let message = filled(&rule, "message", faults);
        if let Some((expression, _)) = &expression {
            refuse_expression(expression, faults);
        }
        match (claim, expression) {
            (Some(_), Some(_)) => item.fault(faults, "has both `claim` and `expression`"),
            (None, Some(_)) => {
                if let Some((value, _)) = value {
                    value.fault(faults, "belongs to `claim`, not to `expression`");
                }
            }
            (Some((field, claim)), None) => {
                if let Some((message, _)) = message {
                    message.fault(faults, "belongs to `expression`, not to `claim`");
                }
                if required.iter().any(|earlier| earlier.claim == claim) {
                    field.fault(faults, format!("a rule for `{claim}` stands already above"));
                }
                // Without a value the claim must be there and be the empty text.
                let value = value.map(|(_, text)| text.to_owned()).unwrap_or_default();
                required.push(RequiredClaim { claim: claim.to_owned(), value });
            }
            (None, None) => missing_unless_misfit(&rule, "claim", faults),
        }
    }
    required
}

pub(super) fn user_validation_rules(entry: &Mapping<'_>, faults: &mut Faults) {
    let Some(list) = entry.field("userValidationRules") else {
        return;
    };
    let mut seen = BTreeSet::new();
    for item in list.items(faults) {
        let Some(rule) = item.mapping(&["expression", "message"], faults) else {
            continue;
        };
        rule.text("message", faults);
        let Some((field, expression)) = filled(&rule, "expression", faults) else {
            missing_unless_misfit(&rule, "expression", faults);
            continue;
        };
        refuse_expression(&field, faults);
        if !seen.insert(expression) {
            field.fault(faults, "the same expression stands already above");
        }
    }
}
