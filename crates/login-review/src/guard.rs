//! The last check of a user, after all mapping: refuses names that are reserved for Kubernetes.
//! Never repairs a name: a dropped group would hide an attack.

mod form;

use std::collections::BTreeSet;

use login_common::Identity;

pub use self::form::is_stable;
use self::form::{folds_to, folds_to_reserved_prefix};
use crate::verdict::Reason;

/// The prefix that Kubernetes reserves. kube-apiserver would accept such a name from a webhook;
/// RBAC cannot even restrict `system:masters`.
pub const RESERVED_PREFIX: &str = "system:";
/// The user of kubeadm's `admin.conf`. Nothing is bound to the name itself, but in an audit log it
/// would be mistaken for that user.
pub const KUBEADM_ADMIN: &str = "kubernetes-admin";
/// The group of that user, to which kubeadm binds the role cluster-admin (kubeadm's constant
/// `ClusterAdminsGroupAndClusterRoleBinding`).
pub const KUBEADM_ADMINS: &str = "kubeadm:cluster-admins";
/// Maximum bytes of a username.
pub const MAX_USERNAME_LENGTH: usize = 1024;
/// Maximum bytes of a uid.
pub const MAX_UID_LENGTH: usize = 1024;
/// Maximum number of groups of a user.
pub const MAX_GROUPS: usize = 2000;
/// Maximum bytes of a group name.
pub const MAX_GROUP_LENGTH: usize = 512;

/// Maximum number of keys in `extra`.
pub const MAX_EXTRA_KEYS: usize = 64;
/// Maximum bytes of all keys and values of `extra` together: they are sent in HTTP headers.
pub const MAX_EXTRA_LENGTH: usize = 32 * 1024;
/// The extra key that joins kube-apiserver's audit log with the issuer's: `JTI=` and the `jti`.
pub const CREDENTIAL_ID_KEY: &str = "authentication.kubernetes.io/credential-id";

/// The domain of extra keys that this program sets itself. `.internal` is reserved for private use
/// (ICANN resolution 2024.07.29.06), so no other party can own it.
pub const OWN_DOMAIN: &str = "kubectl-login.internal";

/// Whether an extra key belongs to Kubernetes: `k8s.io`, `kubernetes.io`, and their subdomains.
pub(crate) fn is_of_kubernetes(key: &str) -> bool {
    let Some((domain, _)) = key.split_once('/') else { return false };
    ["k8s.io", "kubernetes.io"].into_iter().any(|owner| {
        domain.strip_suffix(owner).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    })
}

/// Whether a username is reserved, in any case of letters, unless the operator allows it.
pub fn is_reserved_user(name: &str) -> bool {
    folds_to_reserved_prefix(name) || folds_to(name, KUBEADM_ADMIN)
}

/// Whether a group name is reserved, in any case of letters, unless the operator allows it.
pub fn is_reserved_group(name: &str) -> bool {
    folds_to_reserved_prefix(name) || folds_to(name, KUBEADM_ADMINS)
}

/// The reserved names that the operator allows, by exact text. Default: none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guard {
    users: BTreeSet<String>,
    groups: BTreeSet<String>,
}

impl Guard {
    /// Allows exactly these reserved users and groups.
    pub fn new(
        users: impl IntoIterator<Item = String>,
        groups: impl IntoIterator<Item = String>,
    ) -> Self {
        Self { users: users.into_iter().collect(), groups: groups.into_iter().collect() }
    }

    /// Refuses an `identity` that must not reach kube-apiserver.
    pub fn check(&self, identity: &Identity) -> Result<(), Reason> {
        let username = identity.username.as_str();
        if username.is_empty() || username.len() > MAX_USERNAME_LENGTH || !is_stable(username) {
            return Err(Reason::UnusableUsername);
        }
        if is_reserved_user(username) && !self.users.contains(username) {
            return Err(Reason::ReservedUsername);
        }
        if identity.groups.len() > MAX_GROUPS {
            return Err(Reason::TooManyGroups);
        }
        for group in &identity.groups {
            if group.is_empty() || group.len() > MAX_GROUP_LENGTH || !is_stable(group) {
                return Err(Reason::UnusableGroup);
            }
            if is_reserved_group(group) && !self.groups.contains(group) {
                return Err(Reason::ReservedGroup);
            }
        }
        check_extra(identity)
    }
}

/// Checks the uid and `extra`. This program decides nothing by them, but others may.
fn check_extra(identity: &Identity) -> Result<(), Reason> {
    let (uid, extra) = (&identity.uid, &identity.extra);
    if uid.len() > MAX_UID_LENGTH || !is_stable(uid) {
        return Err(Reason::UnusableExtra);
    }
    let mut length = 0;
    for (key, values) in extra {
        let is_ours = key == CREDENTIAL_ID_KEY || !is_of_kubernetes(key);
        if !is_ours || key.is_empty() || key.chars().any(char::is_uppercase) {
            return Err(Reason::UnusableExtra);
        }
        for text in values.iter().chain([key]) {
            if !is_stable(text) {
                return Err(Reason::UnusableExtra);
            }
            length += text.len();
        }
    }
    if extra.len() > MAX_EXTRA_KEYS || length > MAX_EXTRA_LENGTH {
        return Err(Reason::UnusableExtra);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(guard: &Guard, username: &str, groups: &[&str]) -> Result<(), Reason> {
        guard.check(&Identity {
            username: username.to_owned(),
            groups: groups.iter().map(ToString::to_string).collect(),
            ..Identity::default()
        })
    }

    // W17
    #[test]
    fn kubernetes_own_names_are_refused() {
        let guard = Guard::default();
        for username in ["system:admin", "system:node:a", "system:anonymous", "system:"] {
            assert_eq!(check(&guard, username, &[]), Err(Reason::ReservedUsername), "{username}");
        }
        for group in ["system:masters", "system:nodes", "system:authenticated", "system:"] {
            assert_eq!(check(&guard, "a", &["dev", group]), Err(Reason::ReservedGroup), "{group}");
        }
        assert_eq!(check(&guard, "system", &["systems", "oidc:system:masters"]), Ok(()));
    }

    #[test]
    fn a_reserved_name_is_refused_in_whatever_case() {
        let guard = Guard::new(["system:admin".to_owned()], ["System:Masters".to_owned()]);
        for username in ["System:admin", "SYSTEM:ADMIN", "Kubernetes-Admin"] {
            assert_eq!(check(&guard, username, &[]), Err(Reason::ReservedUsername), "{username}");
        }
        assert_eq!(check(&guard, "system:admin", &["System:Masters"]), Ok(()));
        for group in ["system:masters", "SYSTEM:MASTERS", "Kubeadm:Cluster-Admins"] {
            assert_eq!(check(&guard, "a", &[group]), Err(Reason::ReservedGroup), "{group}");
        }
    }

    #[test]
    fn the_administrators_of_kubeadm_are_refused_unless_they_are_allowed() {
        let (user, group) = ("kubernetes-admin", "kubeadm:cluster-admins");
        let guard = Guard::default();
        assert_eq!(check(&guard, user, &[]), Err(Reason::ReservedUsername));
        assert_eq!(check(&guard, "a", &["dev", group]), Err(Reason::ReservedGroup));
        // Each is reserved only for its use in kubeadm, and by its exact text.
        assert_eq!(check(&guard, group, &[user]), Ok(()));
        assert_eq!(check(&guard, "oidc:kubernetes-admin", &["kubeadm:cluster-admins2"]), Ok(()));
        let guard = Guard::new([user.to_owned()], [group.to_owned()]);
        assert_eq!(check(&guard, user, &[group]), Ok(()));
        assert_eq!(check(&guard, "system:admin", &[]), Err(Reason::ReservedUsername));
    }

    // W17
    #[test]
    fn a_reserved_name_is_allowed_by_its_exact_text_and_only_as_what_it_was_allowed() {
        let guard = Guard::new(["system:admin".to_owned()], ["system:masters".to_owned()]);
        assert_eq!(check(&guard, "system:admin", &["system:masters"]), Ok(()));
        assert_eq!(check(&guard, "system:admins", &[]), Err(Reason::ReservedUsername));
        assert_eq!(check(&guard, "system:masters", &[]), Err(Reason::ReservedUsername));
        assert_eq!(check(&guard, "a", &["system:admin"]), Err(Reason::ReservedGroup));
        assert_eq!(check(&guard, "a", &["system:masters:x"]), Err(Reason::ReservedGroup));
    }

    // W18
    #[test]
    fn a_username_is_a_bounded_visible_text() {
        let guard = Guard::default();
        let longest = "x".repeat(MAX_USERNAME_LENGTH);
        assert_eq!(check(&guard, &longest, &[]), Ok(()));
        let unseen = ["a\u{200b}b", "\u{feff}a", "a ", "\u{202e}a", "a\u{2028}", "e\u{301}"];
        assert_eq!(check(&guard, "é b", &["é b"]), Ok(()));
        for username in unseen {
            assert_eq!(check(&guard, username, &[]), Err(Reason::UnusableUsername), "{username:?}");
            assert_eq!(check(&guard, "a", &[username]), Err(Reason::UnusableGroup), "{username:?}");
        }
        for username in ["", " ", "\u{2003}", "a\nb", "a\0", "\u{85}a", &format!("{longest}x")] {
            let refused = check(&guard, username, &[]);
            assert_eq!(refused, Err(Reason::UnusableUsername), "{username:?}");
        }
    }

    #[test]
    fn groups_are_bounded_in_number_and_length() {
        let guard = Guard::default();
        let longest = "x".repeat(MAX_GROUP_LENGTH);
        assert_eq!(check(&guard, "a", &[&longest]), Ok(()));
        for group in [" ", "a\tb", &format!("{longest}x")] {
            assert_eq!(check(&guard, "a", &[group]), Err(Reason::UnusableGroup), "{group:?}");
        }
        assert_eq!(check(&guard, "a", &vec!["g"; MAX_GROUPS]), Ok(()));
        assert_eq!(check(&guard, "a", &vec!["g"; MAX_GROUPS + 1]), Err(Reason::TooManyGroups));
    }

    #[test]
    fn uid_and_extra_are_bounded_visible_texts() {
        let check = |uid: &str, extra: &[(&str, &[&str])]| {
            let owned = |values: &[&str]| values.iter().map(ToString::to_string).collect();
            Guard::default().check(&Identity {
                username: "a".to_owned(),
                uid: uid.to_owned(),
                extra: extra.iter().map(|(k, v)| ((*k).to_owned(), owned(v))).collect(),
                groups: Vec::new(),
            })
        };
        let longest = "x".repeat(MAX_UID_LENGTH);
        assert_eq!(check(&longest, &[("a.b/c", &["d", ""])]), Ok(()));
        assert_eq!(check("", &[(CREDENTIAL_ID_KEY, &["JTI=1"]), ("notk8s.io/x", &[])]), Ok(()));
        for uid in ["a\nb", "\0", "a ", "\u{feff}a", "a\u{200d}b", &format!("{longest}x")] {
            assert_eq!(check(uid, &[]), Err(Reason::UnusableExtra), "{uid:?}");
        }
        let value = "x".repeat(MAX_EXTRA_LENGTH);
        for extra in [
            ("a.b/c", ["a\u{7f}"].as_slice()),
            ("a.b/c\n", &["a"]),
            ("a.b/c ", &["a"]),
            ("a.b/\u{200b}c", &["a"]),
            ("a.b/c", &["d", " a"]),
            ("a.b/c", &["a\u{202e}"]),
            ("", &["a"]),
            ("a.b/C", &["a"]),
            ("a.b/c", &[value.as_str()]),
            ("k8s.io/x", &["a"]),
            ("authentication.kubernetes.io/credential-ids", &["a"]),
            ("x.kubernetes.io/x", &["a"]),
        ] {
            assert_eq!(check("u", &[extra]), Err(Reason::UnusableExtra), "{extra:?}");
        }
        let keys: Vec<String> = (0..=MAX_EXTRA_KEYS).map(|n| format!("a.b/{n}")).collect();
        let many: Vec<(&str, &[&str])> =
            keys.iter().map(|key| (key.as_str(), [].as_slice())).collect();
        assert_eq!(check("u", &many[1..]), Ok(()));
        assert_eq!(check("u", &many), Err(Reason::UnusableExtra));
    }
}
