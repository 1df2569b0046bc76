//! What a review ends with, and the names of the reasons in logs and metrics.
//! Never carries anything a token said, other than in an accepted identity.

use std::fmt;

use login_common::{Identity, UnixTime};

/// When a verdict ends whose token names no end: how long it may be repeated is up to whoever
/// keeps it.
pub const ENDLESS: UnixTime = UnixTime::from_seconds(i64::MAX);

/// The end of a review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The token is good.
    Accepted {
        /// Who it belongs to.
        identity: Identity,
        /// The requested audiences it is good for; empty leaves the field of the answer out.
        audiences: Vec<String>,
        /// No cached copy of this verdict may be used from then on.
        expires_at: UnixTime,
    },
    /// The token is not good, and asking again would not help.
    Refused(Reason),
    /// Nobody can say now; asking again later may help.
    CannotTell(Outage),
}

macro_rules! names {
    ($(#[$about:meta])* $type:ident { $($(#[$doc:meta])* $variant:ident => $name:literal,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $type { $($(#[$doc])* $variant,)+ }

        impl $type {
            /// Every value, for metrics that begin at zero.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// A stable snake_case name for logs and metrics.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

names! {
    /// Why a token is refused. The caller is never told; the operator's log is.
    Reason {
        /// There is no token.
        Empty => "empty",
        /// Longer than any token accepted here.
        TooLong => "too_long",
        /// Not a JWS in compact form with readable claims.
        Malformed => "malformed",
        /// The JWS header is unreadable, or demands what is not supported (`crit`, `b64`, …).
        Header => "header",
        /// Signed with an algorithm that is not accepted from this issuer.
        Algorithm => "algorithm",
        /// A bootstrap token; kube-apiserver checks those itself.
        BootstrapToken => "bootstrap_token",
        /// A token of a service account; kube-apiserver checks those itself.
        ServiceAccountToken => "service_account_token",
        /// Names no issuer, or one that is not configured.
        ForeignIssuer => "foreign_issuer",
        /// Signed with a key the issuer does not publish.
        UnknownKey => "unknown_key",
        /// Could mean more keys of its issuer than are tried.
        AmbiguousKey => "ambiguous_key",
        /// The key that it names is for another algorithm than its own.
        KeyAlgorithm => "key_algorithm",
        /// The key that it names is published, and cannot or must not be used.
        UnusableKey => "unusable_key",
        /// The signature does not match.
        Signature => "signature",
        /// Another kind of JWT, such as a logout token.
        TokenType => "token_type",
        /// Says not when it ends.
        MissingExpiry => "missing_expiry",
        /// Its time is over.
        Expired => "expired",
        /// Its time has not begun.
        NotYetValid => "not_yet_valid",
        /// Issued in the future.
        IssuedInFuture => "issued_in_future",
        /// Made for somebody else, or not for any of the audiences asked about.
        WrongAudience => "wrong_audience",
        /// A registered claim has a shape that its RFC does not know.
        Claims => "claims",
        /// `sub` is there and is no text, where the uid is built from it.
        MissingSubject => "missing_subject",
        /// The username claim is missing, empty, or no text.
        MissingUsername => "missing_username",
        /// The username comes from `email` and `email_verified` is not `true`.
        EmailNotVerified => "email_not_verified",
        /// The groups claim is neither a text nor a list of texts.
        GroupsShape => "groups_shape",
        /// The groups are kept elsewhere (distributed claims), where they may not be asked for,
        /// are not given for this token, or are not vouched for.
        GroupsElsewhere => "groups_elsewhere",
        /// The uid claim is missing or no text.
        MissingUid => "missing_uid",
        /// A required claim is missing or has another value.
        RequiredClaim => "required_claim",
        /// The mapped username is empty, too long, or a text that hops on its way may change.
        UnusableUsername => "unusable_username",
        /// A mapped group is too long, or a text that hops on its way may change.
        UnusableGroup => "unusable_group",
        /// More groups than a request may carry.
        TooManyGroups => "too_many_groups",
        /// The mapped username is reserved, such as `system:…`, and is not allowed by name.
        ReservedUsername => "reserved_username",
        /// A mapped group is reserved, such as `system:…`, and is not allowed by name.
        ReservedGroup => "reserved_group",
        /// A mapped uid or extra value is too long, too many, or a text that hops may change.
        UnusableExtra => "unusable_extra",
        /// An expression of the mapping failed, or its result has another type than allowed.
        Expression => "expression",
        /// An expression cost more than it may.
        ExpressionCost => "expression_cost",
        /// A rule over the claims says no.
        ClaimRule => "claim_rule",
        /// A rule over the mapped user says no.
        UserRule => "user_rule",
        /// `azp` names a party that is not accepted.
        AuthorizedParty => "authorized_party",
        /// Lives longer than its issuer's tokens may.
        Lifetime => "lifetime",
        /// The list of revocations names it, its session, its subject or its issuer.
        Revoked => "revoked",
        /// Not a JWT, and no authenticator takes a token of this shape.
        UnknownShape => "unknown_shape",
        /// A scope is missing that its introspector demands.
        MissingScope => "missing_scope",
        /// The introspection endpoint says that it is not active.
        Inactive => "inactive",
        /// Not among the static tokens.
        UnknownStaticToken => "unknown_static_token",
    }
}

names! {
    /// Why nobody can say whether a token is good.
    Outage {
        /// The issuer's keys are not known and could not be fetched.
        KeysUnavailable => "keys_unavailable",
        /// The token names a key that is not known, and its issuer was asked too short a while ago
        /// to be asked again. A refusal would be cached, and the key may be new.
        KeyUnconfirmed => "key_unconfirmed",
        /// The introspection endpoint of an opaque token does not answer.
        IntrospectionUnavailable => "introspection_unavailable",
        /// The place where a user's groups are kept does not answer.
        GroupsUnavailable => "groups_unavailable",
        /// A database that must be asked does not answer.
        StoreUnavailable => "store_unavailable",
        /// The evidence did not come, or an expression did not end, within the time of one review.
        DeadlineExceeded => "deadline_exceeded",
        /// A fault of this program.
        Internal => "internal",
    }
}

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
