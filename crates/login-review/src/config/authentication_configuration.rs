//! Kubernetes' `AuthenticationConfiguration`: the file of kube-apiserver's
//! `--authentication-config`, parsed by the same rules.
//! Never accepts silently what has no effect: `anonymous` gives a warning.
//!
//! Reading order: this file (the document), `issuer` (who signs), `rules` (conditions), `mappings`
//! (the resulting user), `expressions` (CEL in the last two).

mod expressions;
mod issuer;
mod mappings;
mod rules;

use super::{
    fields::{Field, Mapping},
    problems::{Faults, Problem},
};
use crate::{
    claims::mapping::{ClaimMapping, Source},
    policy::IssuerPolicy,
};

/// Versions of `apiserver.config.k8s.io`, newest first. `jwt` is the same in all three.
pub const API_VERSIONS: [&str; 3] = [
    "apiserver.config.k8s.io/v1",
    "apiserver.config.k8s.io/v1beta1",
    "apiserver.config.k8s.io/v1alpha1",
];
/// Maximum entries of `jwt`, as in kube-apiserver.
pub const MAX_ISSUERS: usize = 64;

const NEITHER: &str = "needs `claim` or `expression`";

/// A validated file.
#[derive(Clone, Debug)]
pub struct AuthenticationConfiguration {
    /// One per entry of `jwt`, in the order of the file.
    pub issuers: Vec<IssuerPolicy>,
    /// Settings that kube-apiserver applies and a webhook does not, and settings that look unsafe.
    pub warnings: Vec<Problem>,
}

/// Parses `text`; `file` is only named in problems. Returns every fault at once.
pub fn parse(text: &str, file: &str) -> Result<AuthenticationConfiguration, Vec<Problem>> {
    let mut faults = Faults::new(file);
    let tree = match located_yaml::parse(text) {
        Ok(tree) => tree,
        Err(fault) => {
            faults.add(fault.line, "", fault.message);
            return Err(faults.into_problems());
        }
    };
    let mut notes = Notes { faults, warnings: Faults::new(file) };
    let known = ["apiVersion", "kind", "jwt", "anonymous"];
    let mut issuers = Vec::new();
    if let Some(root) = Field::root(&tree).mapping(&known, &mut notes.faults) {
        type_meta(&root, &mut notes.faults);
        issuers = jwt(&root, &mut notes);
        anonymous(&root, &mut notes);
    }
    if notes.faults.is_empty() {
        Ok(AuthenticationConfiguration { issuers, warnings: notes.warnings.into_problems() })
    } else {
        Err(notes.faults.into_problems())
    }
}

/// Remarks about a file: faults refuse it, warnings do not.
struct Notes {
    faults: Faults,
    warnings: Faults,
}

fn type_meta(root: &Mapping<'_>, faults: &mut Faults) {
    if let Some(field) = root.required("apiVersion", faults)
        && let Some(version) = field.text(faults)
        && !API_VERSIONS.contains(&version)
    {
        field.fault(faults, format!("must be `{}`", API_VERSIONS.join("`, `")));
    }
    if let Some(field) = root.required("kind", faults)
        && let Some(kind) = field.text(faults)
        && kind != "AuthenticationConfiguration"
    {
        field.fault(faults, "must be `AuthenticationConfiguration`");
    }
}

fn jwt(root: &Mapping<'_>, notes: &mut Notes) -> Vec<IssuerPolicy> {
    let Some(list) = root.field("jwt") else {
        return Vec::new();
    };
    let entries = list.items(&mut notes.faults);
    if entries.len() > MAX_ISSUERS {
        list.fault(&mut notes.faults, format!("has more than {MAX_ISSUERS} entries"));
        return Vec::new();
    }
    let mut seen = issuer::Seen::default();
    let mut policies: Vec<(Field<'_>, IssuerPolicy)> = Vec::new();
    for entry in entries {
        if let Some(policy) = authenticator(&entry, &mut seen, notes) {
            policies.push((entry, policy));
        }
    }
    warn_of_shared_names(&policies, &mut notes.warnings);
    policies.into_iter().map(|(_, policy)| policy).collect()
}

fn authenticator(
    entry: &Field<'_>,
    seen: &mut issuer::Seen,
    notes: &mut Notes,
) -> Option<IssuerPolicy> {
    let known = ["issuer", "claimValidationRules", "claimMappings", "userValidationRules"];
    let entry = entry.mapping(&known, &mut notes.faults)?;
    let issuer = issuer::read(&entry, seen, notes);
    let claim_rules = rules::claim_validation_rules(&entry, notes);
    let mapping = mappings::read(&entry, claim_rules.see_verification(), notes);
    let user_rules = rules::user_validation_rules(&entry, notes);
    let issuer = issuer?;
    let mut policy = IssuerPolicy::new(issuer.url, issuer.audiences, mapping?);
    policy.discovery_url = issuer.discovery_url;
    policy.certificate_authority_pem = issuer.certificate_authority_pem;
    policy.required_claims = claim_rules.required;
    policy.claim_rules = claim_rules.rules;
    policy.user_rules = user_rules;
    Some(policy)
}

/// Warns of issuers that build usernames in the same way: each can name the other's users.
fn warn_of_shared_names(policies: &[(Field<'_>, IssuerPolicy)], warnings: &mut Faults) {
    for (index, (entry, policy)) in policies.iter().enumerate() {
        let username = &policy.mapping.username;
        let is_same = |earlier: &Source| match (username, earlier) {
            (Source::Claim(claim), Source::Claim(earlier)) => claim.prefix == earlier.prefix,
            (Source::Expression(text), Source::Expression(earlier)) => {
                text.source() == earlier.source() && !text.selects_claim("iss")
            }
            (Source::Claim(_), Source::Expression(_))
            | (Source::Expression(_), Source::Claim(_)) => false,
        };
        let mut earlier = policies.iter().take(index);
        let Some((earlier, _)) = earlier.find(|(_, policy)| is_same(&policy.mapping.username))
        else {
            continue;
        };
        let (key, what) = match username {
            Source::Claim(claim) => ("prefix", format!("prefix `{}`", claim.prefix)),
            Source::Expression(_) => ("expression", "expression".to_owned()),
        };
        let key = format!("{}.claimMappings.username.{key}", entry.key);
        let message = format!(
            "`{}` has the same {what}: either issuer can name users of the other",
            earlier.key
        );
        warnings.add(Some(entry.line), &key, message);
    }
}

/// `claimMappings` of `entry`, by the same rules in any file. Omits the warnings that compare
/// issuers.
pub fn claim_mappings(entry: &Mapping<'_>, faults: &mut Faults) -> Option<ClaimMapping> {
    let mut notes =
        Notes { faults: std::mem::replace(faults, Faults::new("")), warnings: Faults::new("") };
    let mapping = mappings::read(entry, false, &mut notes);
    *faults = notes.faults;
    mapping
}

fn anonymous(root: &Mapping<'_>, notes: &mut Notes) {
    let Some(field) = root.field("anonymous") else {
        return;
    };
    let faults = &mut notes.faults;
    let Some(anonymous) = field.mapping(&["enabled", "conditions"], faults) else {
        return;
    };
    let enabled = anonymous.field("enabled").and_then(|field| field.flag(faults));
    if let Some(conditions) = anonymous.field("conditions") {
        let items = conditions.items(faults);
        for item in items.iter().filter(|item| !item.is_null()) {
            if let Some(condition) = item.mapping(&["path"], faults) {
                condition.text("path", faults);
            }
        }
        if !items.is_empty() && enabled != Some(true) {
            conditions.fault(faults, "needs `enabled: true`");
        }
    }
    let message = "applies in kube-apiserver only; a token webhook is not asked about requests \
                   without a token";
    field.fault(&mut notes.warnings, message);
}

/// The text of `name` and its position; absent, null and empty are the same to Kubernetes.
fn filled<'t>(
    mapping: &Mapping<'t>,
    name: &str,
    faults: &mut Faults,
) -> Option<(Field<'t>, &'t str)> {
    let field = mapping.field(name)?;
    let text = field.text(faults)?;
    (!text.is_empty()).then_some((field, text))
}

/// Whether `name` is absent, null or empty; another type is already reported as a fault.
fn is_unset(mapping: &Mapping<'_>, name: &str) -> bool {
    mapping.field(name).is_none_or(|field| field.is_empty_text())
}

#[cfg(test)]
mod tests;
