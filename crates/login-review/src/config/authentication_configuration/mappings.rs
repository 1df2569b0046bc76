//! `jwt[].claimMappings`: the sources of username, groups, uid and extra.
//! Never assumes a prefix: Kubernetes requires it, even if it is empty.

use std::collections::BTreeSet;

use super::{NEITHER, Notes, expressions, filled, is_unset, issuer::missing_unless_misfit};
use crate::{
    claims::{
        expression::Expression,
        mapping::{ClaimMapping, ExtraMapping, PrefixedClaim, Source, UidSource},
    },
    config::fields::{Field, Mapping},
    guard::{OWN_DOMAIN, is_of_kubernetes},
};

/// Parses the key `claimMappings` of `entry`. `rules_see_verification`: whether a validation rule
/// already uses `claims.email_verified`.
pub(super) fn read(
    entry: &Mapping<'_>,
    rules_see_verification: bool,
    notes: &mut Notes,
) -> Option<ClaimMapping> {
    let known = ["username", "groups", "uid", "extra"];
    let field = entry.required("claimMappings", &mut notes.faults)?;
    let mappings = field.mapping(&known, &mut notes.faults)?;
    let name = mappings.required("username", &mut notes.faults);
    let username = name.as_ref().and_then(|field| username(field, notes));
    let groups = mappings.field("groups").and_then(|field| groups(&field, notes));
    let uid = mappings.field("uid").and_then(|field| uid(&field, notes));
    let extra = mappings.field("extra").map(|field| extra(&field, notes)).unwrap_or_default();
    if let (Some(field), Some(Source::Expression(expression))) = (&name, &username)
        && !rules_see_verification
    {
        check_email(field, expression, &extra, notes);
    }
    Some(ClaimMapping { username: username?, groups, uid, extra, session: None })
}

fn username(field: &Field<'_>, notes: &mut Notes) -> Option<Source> {
    let (source, at) = claim_or_expression(field, Presence::Required, notes)?;
    if let Source::Expression(expression) = &source {
        expressions::warn_of_no_text(&at, expression, notes);
    }
    Some(source)
}

fn groups(field: &Field<'_>, notes: &mut Notes) -> Option<Source> {
    let (source, at) = claim_or_expression(field, Presence::Optional, notes)?;
    if let Source::Expression(expression) = &source {
        expressions::warn_of_no_texts(&at, expression, notes);
        expressions::warn_of_missing_claims(&at, expression, notes);
    }
    Some(source)
}

/// Whether a mapping must name a source.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    Required,
    Optional,
}

/// The source that a mapping names, and its field.
fn claim_or_expression<'t>(
    field: &Field<'t>,
    presence: Presence,
    notes: &mut Notes,
) -> Option<(Source, Field<'t>)> {
    let faults = &mut notes.faults;
    let mapping = field.mapping(&["claim", "prefix", "expression"], faults)?;
    let claim = filled(&mapping, "claim", faults);
    let prefix = mapping.field("prefix");
    let prefix_text = prefix.as_ref().and_then(|prefix| prefix.text(faults));
    if let Some((expression, source)) = filled(&mapping, "expression", faults) {
        if claim.is_some() {
            field.fault(faults, "has both `claim` and `expression`");
            return None;
        }
        if let Some(prefix) = &prefix {
            prefix.fault(faults, "belongs to `claim`, not to `expression`");
        }
        let compiled = expressions::of_claims(&expression, source, faults)?;
        return prefix.is_none().then_some((Source::Expression(compiled), expression));
    }
    let Some((at, claim)) = claim else {
        if presence == Presence::Required
            && is_unset(&mapping, "claim")
            && is_unset(&mapping, "expression")
        {
            field.fault(faults, NEITHER);
        }
        return None;
    };
    if prefix.is_none() {
        let key = format!("{}.prefix", field.key);
        let message = "is required with `claim`; it may be the empty text `\"\"`";
        faults.add(Some(mapping.line), &key, message);
    }
    let (claim, prefix) = (claim.to_owned(), prefix_text?.to_owned());
    Some((PrefixedClaim { claim, prefix }.into(), at))
}

fn uid(field: &Field<'_>, notes: &mut Notes) -> Option<UidSource> {
    let mapping = field.mapping(&["claim", "expression"], &mut notes.faults)?;
    let claim = filled(&mapping, "claim", &mut notes.faults);
    let expression = filled(&mapping, "expression", &mut notes.faults);
    match (claim, expression) {
        (Some(_), Some(_)) => {
            field.fault(&mut notes.faults, "has both `claim` and `expression`");
            None
        }
        (Some((_, claim)), None) => Some(UidSource::Claim(claim.to_owned())),
        (None, Some((at, source))) => {
            let expression = expressions::of_claims(&at, source, &mut notes.faults)?;
            expressions::warn_of_no_text(&at, &expression, notes);
            expressions::warn_of_missing_claims(&at, &expression, notes);
            Some(UidSource::Expression(expression))
        }
        (None, None) => None,
    }
}

fn extra(field: &Field<'_>, notes: &mut Notes) -> Vec<ExtraMapping> {
    let mut seen = BTreeSet::new();
    let mut mappings = Vec::new();
    for item in field.items(&mut notes.faults) {
        let Some(entry) = item.mapping(&["key", "valueExpression"], &mut notes.faults) else {
            continue;
        };
        let key = filled(&entry, "key", &mut notes.faults);
        match &key {
            None => missing_unless_misfit(&entry, "key", &mut notes.faults),
            Some((field, key)) => {
                if let Some(message) = fault_of_extra_key(key) {
                    field.fault(&mut notes.faults, message);
                }
                if !seen.insert(*key) {
                    field.fault(&mut notes.faults, format!("`{key}` stands already above"));
                }
            }
        }
        let Some((at, source)) = filled(&entry, "valueExpression", &mut notes.faults) else {
            missing_unless_misfit(&entry, "valueExpression", &mut notes.faults);
            continue;
        };
        let Some(values) = expressions::of_claims(&at, source, &mut notes.faults) else { continue };
        expressions::warn_of_no_texts(&at, &values, notes);
        expressions::warn_of_missing_claims(&at, &values, notes);
        if let Some((_, key)) = key {
            mappings.push(ExtraMapping { key: key.to_owned(), values });
        }
    }
    mappings
}

/// A user who can change the address of an account could otherwise take another user's name.
fn check_email(
    username: &Field<'_>,
    expression: &Expression,
    extra: &[ExtraMapping],
    notes: &mut Notes,
) {
    let verified = "email_verified";
    let is_seen = expression.selects_claim(verified)
        || extra.iter().any(|mapping| mapping.values.selects_claim(verified));
    if expression.selects_claim("email") && !is_seen {
        let key = format!("{}.expression", username.key);
        let message = "uses `claims.email`, so `claims.email_verified` must be used here, in an \
                       `extra[].valueExpression` or in a `claimValidationRules[].expression`";
        notes.faults.add(Some(username.line), &key, message);
    }
}

/// Keys are owned by the domain before the slash (Kubernetes `IsDomainPrefixedPath`).
fn fault_of_extra_key(key: &str) -> Option<&'static str> {
    let parts = key.split_once('/').filter(|(domain, path)| !domain.is_empty() && !path.is_empty());
    let Some((domain, path)) = parts else {
        return Some("must be a path with a domain before it, such as `example.com/tenant`");
    };
    if key.chars().any(char::is_uppercase) {
        return Some("must be lower case");
    }
    if !is_dns_subdomain(domain) {
        return Some("must begin with a domain: letters, digits, `-` and `.`, at most 253");
    }
    let of_path = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~%!$&'()*+,;=:".contains(&byte);
    if !path.bytes().all(of_path) {
        return Some("has a character after the slash that a path cannot have");
    }
    if domain == OWN_DOMAIN {
        return Some("belongs to this program, which sets such keys itself");
    }
    is_of_kubernetes(key).then_some("the domains `k8s.io` and `kubernetes.io` are reserved")
}

/// RFC 1123 §2.1, without a limit on labels, as Kubernetes checks it.
fn is_dns_subdomain(domain: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_label = |label: &str| {
        let bytes = label.as_bytes();
        bytes.first().is_some_and(|byte| is_letter(*byte))
            && bytes.last().is_some_and(|byte| is_letter(*byte))
            && bytes.iter().all(|byte| is_letter(*byte) || *byte == b'-')
    };
    domain.len() <= 253 && domain.split('.').all(is_label)
}
