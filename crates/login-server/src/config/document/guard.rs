//! `allowedSystemNames`: the reserved names that may be returned to kube-apiserver.
//! Never accepts a pattern: each name is allowed by its exact text.

use login_review::{
    Guard,
    config::{Faults, Field, Key, Mapping},
    guard::{KUBEADM_ADMIN, KUBEADM_ADMINS, RESERVED_PREFIX, is_reserved_group, is_reserved_user},
};

/// The keys of the section.
pub(super) const KEYS: &[Key] = &[
    Key::of("users", "Exact reserved usernames that are allowed."),
    Key::of("groups", "Exact reserved groups that are allowed."),
];

pub(super) fn read(field: &Field<'_>, faults: &mut Faults, warnings: &mut Faults) -> Guard {
    let Some(names) = field.keys(KEYS, faults) else {
        return Guard::default();
    };
    let users =
        reserved_names(&names, ("users", KUBEADM_ADMIN, is_reserved_user), faults, warnings);
    let groups =
        reserved_names(&names, ("groups", KUBEADM_ADMINS, is_reserved_group), faults, warnings);
    Guard::new(users, groups)
}

/// What it means if tokens may carry the name.
fn consequence(key: &str, name: &str) -> &'static str {
    match (key, name) {
        ("groups", "system:masters") => {
            "is allowed: every user whom an authenticator puts into it is an administrator of the cluster \
             whom no RBAC rule can restrain"
        }
        ("groups", KUBEADM_ADMINS) => {
            "is allowed: every user whom an authenticator puts into it is an administrator of the cluster"
        }
        ("groups", _) => {
            "is allowed: every user whom an authenticator puts into it has what Kubernetes gives its own \
             components"
        }
        _ => {
            "is allowed: every user whom an authenticator calls so has the rights of a component of \
             Kubernetes, and its name in the audit log"
        }
    }
}

fn reserved_names(
    names: &Mapping<'_>,
    (key, of_kubeadm, is_reserved): (&str, &str, fn(&str) -> bool),
    faults: &mut Faults,
    warnings: &mut Faults,
) -> Vec<String> {
    let Some(field) = names.field(key) else { return Vec::new() };
    let mut allowed = Vec::new();
    for (item, name) in field.texts(faults) {
        if !is_reserved(name) || name.eq_ignore_ascii_case(RESERVED_PREFIX) {
            let message = format!(
                "must begin with `{RESERVED_PREFIX}`, or be `{of_kubeadm}`; other names need no leave"
            );
            item.fault(faults, message);
        } else if name.contains('*') {
            item.fault(faults, "must be one exact name, not a pattern");
        } else {
            item.fault(warnings, format!("`{}` {}", name.escape_debug(), consequence(key, name)));
            allowed.push(name.to_owned());
        }
    }
    allowed
}
