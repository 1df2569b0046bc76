//! The steps of a review in order, and at which of them each reason ends it.
//! Never judges: it only says where a review ended.

use login_review::{Outage, Reason};

/// What the authenticators check about a token, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Shape,
    Header,
    Issuer,
    StaticToken,
    Introspection,
    Keys,
    Type,
    Algorithm,
    Times,
    Audience,
    KeyId,
    Signature,
    Revocation,
    Restrictions,
    Mapping,
    Rules,
    Guard,
    AskedAudiences,
}

/// Which authenticator judges the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Authenticator {
    Jwt,
    StaticToken,
    Introspection,
    /// None: the review ended before that was known.
    Nobody,
}

impl Authenticator {
    /// By the name that [`login_review::ParsedToken::authenticator`] returns.
    pub(super) fn named(name: &str) -> Self {
        match name {
            "jwt" => Self::Jwt,
            "static_token" => Self::StaticToken,
            "introspection" => Self::Introspection,
            _ => Self::Nobody,
        }
    }

    /// Its steps.
    pub(super) const fn stages(self) -> &'static [Stage] {
        use Stage::{
            Algorithm, AskedAudiences, Audience, Guard, Header, Introspection, Issuer, KeyId, Keys,
            Mapping, Restrictions, Revocation, Rules, Shape, Signature, StaticToken, Times, Type,
        };
        match self {
            Self::Jwt => &[
                Shape,
                Header,
                Issuer,
                Keys,
                Type,
                Algorithm,
                Times,
                Audience,
                KeyId,
                Signature,
                Revocation,
                Restrictions,
                Mapping,
                Rules,
                Guard,
                AskedAudiences,
            ],
            Self::StaticToken => &[Shape, StaticToken, Times, Guard, AskedAudiences],
            Self::Introspection => &[
                Shape,
                Introspection,
                Issuer,
                Times,
                Audience,
                Revocation,
                Restrictions,
                Mapping,
                Rules,
                Guard,
                AskedAudiences,
            ],
            Self::Nobody => &[Shape, Header, Issuer],
        }
    }
}

/// What is known besides a reason.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    /// The token reached its authenticator.
    pub(super) is_routed: bool,
    /// The fault is not in `aud`, but in the audiences that the caller asked for.
    pub(super) is_audience_asked: bool,
    /// `aud` is the malformed claim.
    pub(super) is_audience_malformed: bool,
    /// The refusing expression is a rule.
    pub(super) is_rule: bool,
}

impl Stage {
    /// A stable name.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Shape => "shape",
            Self::Header => "header",
            Self::Issuer => "issuer",
            Self::StaticToken => "static token",
            Self::Introspection => "introspection",
            Self::Keys => "keys",
            Self::Type => "type",
            Self::Algorithm => "algorithm",
            Self::Times => "times",
            Self::Audience => "audience",
            Self::KeyId => "key id",
            Self::Signature => "signature",
            Self::Revocation => "revocation",
            Self::Restrictions => "restrictions",
            Self::Mapping => "mapping",
            Self::Rules => "rules",
            Self::Guard => "guard",
            Self::AskedAudiences => "asked audiences",
        }
    }

    /// Where `reason` ends a review; `seen` distinguishes places that share a reason.
    pub(super) const fn of(reason: Reason, seen: Seen) -> Self {
        match reason {
            Reason::Empty
            | Reason::TooLong
            | Reason::Malformed
            | Reason::BootstrapToken
            | Reason::UnknownShape => Self::Shape,
            Reason::Algorithm if seen.is_routed => Self::Algorithm,
            Reason::Header | Reason::Algorithm => Self::Header,
            Reason::ServiceAccountToken | Reason::ForeignIssuer => Self::Issuer,
            Reason::UnknownStaticToken => Self::StaticToken,
            Reason::Inactive => Self::Introspection,
            Reason::TokenType => Self::Type,
            Reason::Claims if seen.is_audience_malformed => Self::Audience,
            Reason::MissingExpiry
            | Reason::Expired
            | Reason::NotYetValid
            | Reason::IssuedInFuture
            | Reason::Claims => Self::Times,
            Reason::WrongAudience if seen.is_audience_asked => Self::AskedAudiences,
            Reason::WrongAudience => Self::Audience,
            Reason::UnknownKey
            | Reason::AmbiguousKey
            | Reason::KeyAlgorithm
            | Reason::UnusableKey => Self::KeyId,
            Reason::Signature => Self::Signature,
            Reason::Revoked => Self::Revocation,
            Reason::AuthorizedParty | Reason::Lifetime | Reason::MissingScope => Self::Restrictions,
            Reason::Expression | Reason::ExpressionCost if seen.is_rule => Self::Rules,
            Reason::MissingSubject
            | Reason::MissingUsername
            | Reason::EmailNotVerified
            | Reason::GroupsShape
            | Reason::GroupsElsewhere
            | Reason::MissingUid
            | Reason::Expression
            | Reason::ExpressionCost => Self::Mapping,
            Reason::RequiredClaim | Reason::ClaimRule | Reason::UserRule => Self::Rules,
            Reason::UnusableUsername
            | Reason::UnusableGroup
            | Reason::TooManyGroups
            | Reason::ReservedUsername
            | Reason::ReservedGroup
            | Reason::UnusableExtra => Self::Guard,
        }
    }

    /// Where `outage` ends a review.
    pub(super) const fn of_outage(outage: Outage) -> Self {
        match outage {
            Outage::KeysUnavailable | Outage::KeyUnconfirmed => Self::Keys,
            Outage::IntrospectionUnavailable => Self::Introspection,
            Outage::GroupsUnavailable => Self::Mapping,
            Outage::StoreUnavailable => Self::Revocation,
            Outage::DeadlineExceeded | Outage::Internal => Self::Shape,
        }
    }
}
