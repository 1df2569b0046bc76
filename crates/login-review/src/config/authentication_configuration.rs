//! Kubernetes' `AuthenticationConfiguration`: the file kube-apiserver's `--authentication-config`
//! reads, by the same rules.
//! Never accepts silently what is not applied: CEL is refused, `anonymous` is warned about.
//!
//! Reading order: this file (the document), `issuer` (who), `rules` (what must hold), `mappings`
//! (what it means).

mod issuer;
mod mappings;
mod rules;

use super::{
    fields::{Faults, Field, Mapping, Problem},
    located,
};
use crate::{claims::mapping::ClaimMapping, policy::IssuerPolicy};

/// Versions of `apiserver.config.k8s.io`, newest first. Their `jwt` is the same in all three.
pub const API_VERSIONS: [&str; 3] = [
    "apiserver.config.k8s.io/v1",
    "apiserver.config.k8s.io/v1beta1",
    "apiserver.config.k8s.io/v1alpha1",
];
/// Entries `jwt` may have, as in kube-apiserver.
pub const MAX_ISSUERS: usize = 64;

/// A checked file.
#[derive(Clone, Debug)]
pub struct AuthenticationConfiguration {
    /// One per entry of `jwt`, in the order of the file.
    pub issuers: Vec<IssuerPolicy>,
    /// What kube-apiserver would apply and a webhook does not, and what looks unsafe.
    pub warnings: Vec<Problem>,
}

/// Reads `text`; `file` is named in problems only. Returns every fault at once.
pub fn parse(text: &str, file: &str) -> Result<AuthenticationConfiguration, Vec<Problem>> {
    let mut faults = Faults::new(file);
    let tree = match located::parse(text) {
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

/// `claimMappings` of `entry`, by the same rules in whatever file it stands.
pub fn claim_mappings(entry: &Mapping<'_>, faults: &mut Faults) -> Option<ClaimMapping> {
    mappings::read(entry, faults)
}

/// What is said about a file: faults refuse it, warnings do not.
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
    let required_claims = rules::claim_validation_rules(&entry, &mut notes.faults);
    let mapping = mappings::read(&entry, &mut notes.faults);
    rules::user_validation_rules(&entry, &mut notes.faults);
    let issuer = issuer?;
    let mut policy = IssuerPolicy::new(issuer.url, issuer.audiences, mapping?);
    policy.discovery_url = issuer.discovery_url;
    policy.certificate_authority_pem = issuer.certificate_authority_pem;
    policy.required_claims = required_claims;
    Some(policy)
}

/// Two issuers that put the same text before a username can each name the other's users.
fn warn_of_shared_names(policies: &[(Field<'_>, IssuerPolicy)], warnings: &mut Faults) {
    for (index, (entry, policy)) in policies.iter().enumerate() {
        let prefix = &policy.mapping.username.prefix;
        let earlier = policies
            .iter()
            .take(index)
            .find(|(_, earlier)| earlier.mapping.username.prefix == *prefix);
        if let Some((earlier, _)) = earlier {
            let key = format!("{}.claimMappings.username.prefix", entry.key);
            let message = format!(
                "`{}` has the same prefix `{prefix}`: either issuer can name users of the other",
                earlier.key
            );
            warnings.add(Some(entry.line), &key, message);
        }
    }
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

/// CEL is refused by name, so that no rule is believed to hold that nobody checks.
fn refuse_expression(field: &Field<'_>, faults: &mut Faults) {
    let message = format!("CEL expressions are not supported yet: `{}`", field.key);
    field.fault(faults, message);
}

/// The text of `name` and where it stands; absent, null and empty are the same to Kubernetes.
fn filled<'t>(
    mapping: &Mapping<'t>,
    name: &str,
    faults: &mut Faults,
) -> Option<(Field<'t>, &'t str)> {
    let field = mapping.field(name)?;
    let text = field.text(faults)?;
    (!text.is_empty()).then_some((field, text))
}

#[cfg(test)]
mod tests;
