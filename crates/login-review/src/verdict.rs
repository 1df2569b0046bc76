//! The verdict of a review, and the names of the reasons in logs and metrics.
//! Never contains data from a token, other than in an accepted identity.

use login_common::{Identity, UnixTime};

/// When a verdict expires whose token has no expiry: its cache decides how long it is used.
pub const ENDLESS: UnixTime = UnixTime::from_seconds(i64::MAX);

/// The result of a review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The token is valid.
    Accepted {
        /// The user that it belongs to.
        identity: Identity,
        /// The requested audiences it is valid for; empty omits the field of the response.
        audiences: Vec<String>,
        /// From this time on no cached copy of this verdict may be used.
        expires_at: UnixTime,
    },
    /// The token is not valid, and repeating the request would not help.
    Refused(Reason),
    /// No verdict is possible now; repeating the request later may help.
    CannotTell(Outage),
}

macro_rules! names {
    ($(#[$about:meta])* $type:ident { $($(#[$doc:meta])* $variant:ident => $name:literal,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $type { $($(#[$doc])* $variant,)+ }

        impl $type {
            /// Every value, for metrics that start at zero.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// A stable snake_case name for logs and metrics.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

// recipe: reason for refusal
names! {
    /// Why a token is refused. Logged for the operator; never returned to the caller.
    Reason {
        /// The token is empty.
        Empty => "empty",
        /// Exceeds the maximum token length.
        TooLong => "too_long",
        /// Not a JWS in compact form with readable claims.
        Malformed => "malformed",
        /// The JWS header is unreadable, or requires something unsupported (`crit`, `b64`, …).
        Header => "header",
        /// Signed with an algorithm that is not accepted from this issuer.
        Algorithm => "algorithm",
        /// A bootstrap token; kube-apiserver checks those itself.
        BootstrapToken => "bootstrap_token",
        /// A token of a service account; kube-apiserver checks those itself.
        ServiceAccountToken => "service_account_token",
        /// Names no issuer, or one that is not configured.
        ForeignIssuer => "foreign_issuer",
        /// Signed with a key that the issuer does not publish.
        UnknownKey => "unknown_key",
        /// Matches more keys of its issuer than are tried.
        AmbiguousKey => "ambiguous_key",
        /// The key that it names is for another algorithm.
        KeyAlgorithm => "key_algorithm",
        /// The key that it names is published, but cannot or must not be used.
        UnusableKey => "unusable_key",
        /// The signature does not match.
        Signature => "signature",
        /// Another kind of JWT, such as a logout token.
        TokenType => "token_type",
        /// Has no `exp`.
        MissingExpiry => "missing_expiry",
        /// `exp` is not after now.
        Expired => "expired",
        /// `nbf` is further in the future than the leeway.
        NotYetValid => "not_yet_valid",
        /// `iat` is further in the future than the leeway.
        IssuedInFuture => "issued_in_future",
        /// For another party, or for none of the requested audiences.
        WrongAudience => "wrong_audience",
        /// A registered claim has an invalid type or value.
        Claims => "claims",
        /// `sub` is present and not a string, and the uid is built from it.
        MissingSubject => "missing_subject",
        /// The username claim is missing, empty, or not a string.
        MissingUsername => "missing_username",
        /// The username comes from `email` and `email_verified` is not `true`.
        EmailNotVerified => "email_not_verified",
        /// The groups claim is neither a string nor a list of strings.
        GroupsShape => "groups_shape",
        /// The groups are distributed claims from an endpoint that is not allowed, that refuses
        /// them for this token, or whose JWT is not valid.
        GroupsElsewhere => "groups_elsewhere",
        /// The uid claim is missing or not a string.
        MissingUid => "missing_uid",
        /// A required claim is missing or has another value.
        RequiredClaim => "required_claim",
        /// The mapped username is empty, too long, or a text that later hops may change.
        UnusableUsername => "unusable_username",
        /// A mapped group is too long, or a text that later hops may change.
        UnusableGroup => "unusable_group",
        /// The user has more groups than allowed.
        TooManyGroups => "too_many_groups",
        /// The mapped username is reserved, such as `system:…`, and is not allowed by name.
        ReservedUsername => "reserved_username",
        /// A mapped group is reserved, such as `system:…`, and is not allowed by name.
        ReservedGroup => "reserved_group",
        /// A mapped uid or extra is too long, has too many keys, or is a text that later hops may
        /// change.
        UnusableExtra => "unusable_extra",
        /// An expression of the mapping failed, or its result has another type than allowed.
        Expression => "expression",
        /// An expression exceeded its cost limit.
        ExpressionCost => "expression_cost",
        /// A rule over the claims is false.
        ClaimRule => "claim_rule",
        /// A rule over the mapped user is false.
        UserRule => "user_rule",
        /// `azp` names a party that is not accepted.
        AuthorizedParty => "authorized_party",
        /// Its lifetime exceeds the maximum for its issuer.
        Lifetime => "lifetime",
        /// The list of revocations names it, its session, its subject or its issuer.
        Revoked => "revoked",
        /// Not a JWT, and no authenticator accepts a token of this shape.
        UnknownShape => "unknown_shape",
        /// A scope that its authenticator requires is missing.
        MissingScope => "missing_scope",
        /// The party that knows it says that it is not valid.
        Inactive => "inactive",
        /// Not among the static tokens.
        UnknownStaticToken => "unknown_static_token",
    }
}

names! {
    /// Why no verdict is possible.
    Outage {
        /// The issuer's keys are not cached and could not be fetched.
        KeysUnavailable => "keys_unavailable",
        /// The token names an unknown key, and its issuer was asked too recently to be asked again.
        /// A refusal would be cached, and the key may be new.
        KeyUnconfirmed => "key_unconfirmed",
        // recipe: authenticator
        /// The introspection endpoint of an opaque token does not respond.
        IntrospectionUnavailable => "introspection_unavailable",
        /// The endpoint of a user's distributed groups does not respond.
        GroupsUnavailable => "groups_unavailable",
        /// A required database does not respond.
        StoreUnavailable => "store_unavailable",
        /// The evidence was not gathered, or an expression did not end, within the time of one
        /// review.
        DeadlineExceeded => "deadline_exceeded",
        /// A bug in this program.
        Internal => "internal",
    }
}

pub(crate) use names;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_snake_case() {
        let names: Vec<&str> = Reason::ALL
            .iter()
            .map(|reason| reason.as_str())
            .chain(Outage::ALL.iter().map(|outage| outage.as_str()))
            .collect();
        let unique: BTreeSet<&str> = names.iter().copied().collect();
        assert_eq!(unique.len(), names.len());
        for name in names {
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
        }
    }
}
