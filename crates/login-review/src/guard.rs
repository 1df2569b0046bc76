//! The last look at a user, after all mapping: names that would be Kubernetes' own are refused.
//! Never repairs a name: a dropped group would hide an attack.

use std::collections::BTreeSet;

use login_common::Identity;

use crate::verdict::Reason;

/// What Kubernetes keeps for itself. kube-apiserver would believe such a name from a webhook;
/// `system:masters` cannot even be restrained by RBAC.
pub const RESERVED_PREFIX: &str = "system:";
/// Bytes a username may have.
pub const MAX_USERNAME_LENGTH: usize = 1024;
/// Groups a user may have.
pub const MAX_GROUPS: usize = 2000;
/// Bytes the name of a group may have.
pub const MAX_GROUP_LENGTH: usize = 512;

/// Which reserved names the operator allows, each by its exact text. Default: none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guard {
    users: BTreeSet<String>,
    groups: BTreeSet<String>,
}

impl Guard {
    /// Allows exactly these users and groups to begin with `system:`.
    pub fn new(
        users: impl IntoIterator<Item = String>,
        groups: impl IntoIterator<Item = String>,
    ) -> Self {
        Self { users: users.into_iter().collect(), groups: groups.into_iter().collect() }
    }

    /// Whether `identity` may be told to kube-apiserver.
    pub fn check(&self, identity: &Identity) -> Result<(), Reason> {
        let username = identity.username.as_str();
        if username.trim().is_empty()
            || username.len() > MAX_USERNAME_LENGTH
            || username.contains(char::is_control)
        {
            return Err(Reason::UnusableUsername);
        }
        if username.starts_with(RESERVED_PREFIX) && !self.users.contains(username) {
            return Err(Reason::ReservedUsername);
        }
        if identity.groups.len() > MAX_GROUPS {
            return Err(Reason::TooManyGroups);
        }
        for group in &identity.groups {
            if group.trim().is_empty()
                || group.len() > MAX_GROUP_LENGTH
                || group.contains(char::is_control)
            {
                return Err(Reason::UnusableGroup);
            }
            if group.starts_with(RESERVED_PREFIX) && !self.groups.contains(group) {
                return Err(Reason::ReservedGroup);
            }
        }
        Ok(())
    }
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
}
