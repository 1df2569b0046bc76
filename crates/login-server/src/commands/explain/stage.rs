//! The steps of a review in order, by authenticator.
//! Never says at which of them a reason ends a review: see `advice`.

use login_review::Authenticator;

/// What the authenticators check about a token, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Shape,
    Header,
    Issuer,
    StaticToken,
    Statement,
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

/// The steps of `authenticator`; without one, those before it is known.
pub(super) const fn stages(authenticator: Option<Authenticator>) -> &'static [Stage] {
    use Stage::{
        Algorithm, AskedAudiences, Audience, Guard, Header, Issuer, KeyId, Keys, Mapping,
        Restrictions, Revocation, Rules, Shape, Signature, Statement, StaticToken, Times, Type,
    };
    match authenticator {
        Some(Authenticator::Jwt) => &[
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
        Some(Authenticator::StaticToken) => &[Shape, StaticToken, Times, Guard, AskedAudiences],
        Some(Authenticator::Remote(_)) => &[
            Shape,
            Statement,
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
        None => &[Shape, Header, Issuer],
    }
}

impl Stage {
    /// A stable name. The statement of another party has that of the `authenticator`.
    pub(super) fn name(self, authenticator: Option<Authenticator>) -> &'static str {
        match self {
            Self::Shape => "shape",
            Self::Header => "header",
            Self::Issuer => "issuer",
            Self::StaticToken => "static token",
            Self::Statement => authenticator.map_or("statement", Authenticator::as_str),
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
}
