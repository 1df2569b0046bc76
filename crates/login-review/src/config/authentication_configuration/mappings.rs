//! `jwt[].claimMappings`: which claims make username, groups and uid.
//! Never assumes a prefix: Kubernetes wants it written, even if it is empty.

use std::collections::BTreeSet;

use super::{filled, issuer::missing_unless_misfit, refuse_expression};
use crate::{
    claims::mapping::{ClaimMapping, PrefixedClaim},
    config::fields::{Faults, Field, Mapping},
    guard::is_of_kubernetes,
};

pub(super) fn read(entry: &Mapping<'_>, faults: &mut Faults) -> Option<ClaimMapping> {
    let known = ["username", "groups", "uid", "extra"];
    let mappings = entry.required("claimMappings", faults)?.mapping(&known, faults)?;
    let username =
        mappings.required("username", faults).and_then(|field| prefixed(&field, true, faults));
    let groups = mappings.field("groups").and_then(|field| prefixed(&field, false, faults));
    let uid_claim = mappings.field("uid").and_then(|field| uid(&field, faults));
    if let Some(field) = mappings.field("extra") {
        extra(&field, faults);
    }
    Some(ClaimMapping { username: username?, groups, uid_claim, session: None })
}

fn prefixed(field: &Field<'_>, required: bool, faults: &mut Faults) -> Option<PrefixedClaim> {
    let mapping = field.mapping(&["claim", "prefix", "expression"], faults)?;
    let claim = filled(&mapping, "claim", faults);
    let prefix = mapping.field("prefix");
    let prefix_text = prefix.as_ref().and_then(|prefix| prefix.text(faults));
    if let Some((expression, _)) = filled(&mapping, "expression", faults) {
        refuse_expression(&expression, faults);
        if claim.is_some() {
            field.fault(faults, "has both `claim` and `expression`");
        }
        if let Some(prefix) = prefix {
            prefix.fault(faults, "belongs to `claim`, not to `expression`");
        }
        return None;
    }
    let Some((_, claim)) = claim else {
        if required {
            missing_unless_misfit(&mapping, "claim", faults);
        }
        return None;
    };
    if prefix.is_none() {
        let key = format!("{}.prefix", field.key);
        let message = "is required with `claim`; it may be the empty text `\"\"`";
        faults.add(Some(mapping.line), &key, message);
    }
    Some(PrefixedClaim { claim: claim.to_owned(), prefix: prefix_text?.to_owned() })
}

fn uid(field: &Field<'_>, faults: &mut Faults) -> Option<String> {
    let mapping = field.mapping(&["claim", "expression"], faults)?;
    let claim = filled(&mapping, "claim", faults);
    if let Some((expression, _)) = filled(&mapping, "expression", faults) {
        refuse_expression(&expression, faults);
        if claim.is_some() {
            field.fault(faults, "has both `claim` and `expression`");
        }
    }
    claim.map(|(_, claim)| claim.to_owned())
}

/// Extra values come from CEL only, so every entry is refused; its key is checked all the same,
/// so that the operator sees everything at once.
fn extra(field: &Field<'_>, faults: &mut Faults) {
    let mut seen = BTreeSet::new();
    for item in field.items(faults) {
        let Some(entry) = item.mapping(&["key", "valueExpression"], faults) else {
            continue;
        };
        match filled(&entry, "key", faults) {
            None => missing_unless_misfit(&entry, "key", faults),
            Some((field, key)) => {
                if let Some(message) = fault_of_extra_key(key) {
                    field.fault(faults, message);
                }
                if !seen.insert(key) {
                    field.fault(faults, format!("`{key}` stands already above"));
                }
            }
        }
        match filled(&entry, "valueExpression", faults) {
            None => missing_unless_misfit(&entry, "valueExpression", faults),
            Some((field, _)) => refuse_expression(&field, faults),
        }
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
