//! The scopes that this issuer supports.
//! Never refuses an unknown scope: it is omitted from the granted scope (RFC 6749 §3.3).

pub(crate) const OPENID: &str = "openid";
pub(crate) const OFFLINE_ACCESS: &str = "offline_access";

/// `groups` and `profile` change nothing: name and groups are in every token. If they depended on
/// the scope, a forgotten option would lose them.
pub(crate) const KNOWN: [&str; 4] = [OPENID, OFFLINE_ACCESS, "groups", "profile"];

/// The supported scopes in `requested`, in a fixed order.
pub(crate) fn granted(requested: Option<&str>) -> String {
    let wanted: Vec<&str> =
        KNOWN.into_iter().filter(|known| contains(requested.unwrap_or(""), known)).collect();
    wanted.join(" ")
}

/// The scope of a machine client: it has no session to refresh, and no ID token.
pub(crate) fn granted_to_machine(requested: Option<&str>) -> String {
    let without_person: Vec<String> = granted(requested)
        .split_ascii_whitespace()
        .filter(|name| !matches!(*name, OPENID | OFFLINE_ACCESS))
        .map(str::to_owned)
        .collect();
    without_person.join(" ")
}

/// RFC 6749 §6: the requested part of `held`, or `None` if more is requested. Unknown scopes were
/// never granted, and requesting them again is harmless, as it was the first time.
pub(crate) fn narrowed(held: &str, requested: Option<&str>) -> Option<String> {
    let Some(requested) = requested else { return Some(held.to_owned()) };
    let wanted = granted(Some(requested));
    wanted.split_ascii_whitespace().all(|name| contains(held, name)).then_some(wanted)
}

pub(crate) fn contains(scope: &str, name: &str) -> bool {
    scope.split_ascii_whitespace().any(|member| member == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_scopes_are_left_out() {
        assert_eq!(granted(Some("email groups  openid openid")), "openid groups");
        assert_eq!(granted(None), "");
        assert_eq!(granted_to_machine(Some("openid offline_access groups")), "groups");
    }

    #[test]
    fn a_refresh_may_ask_for_less_but_not_for_more() {
        let held = "openid offline_access";
        assert_eq!(narrowed(held, None).as_deref(), Some(held));
        assert_eq!(narrowed(held, Some("openid email")).as_deref(), Some("openid"));
        assert_eq!(narrowed(held, Some("openid groups")), None);
    }
}
