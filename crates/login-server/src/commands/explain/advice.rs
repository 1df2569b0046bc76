//! What each reason means, where it ends a review, and what the operator does next.
//! Never depends on a single token: a reason means the same for all.

use login_review::{Outage, Reason};

use super::stage::Stage;

/// Where the review ended, what is wrong, and what to do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Advice {
    pub(super) stage: Stage,
    pub(super) what: &'static str,
    pub(super) next: &'static str,
}

/// What is wrong with a text that `guard.rs` refuses.
macro_rules! unstable {
    () => {
        "begins or ends with a blank, has control or invisible characters, or changes when it is \
         normalised (NFKC)"
    };
}

const fn advice(stage: Stage, what: &'static str, next: &'static str) -> Advice {
    Advice { stage, what, next }
}

const SIGN_IN: &str = "sign in again: `kubectl login`";
const ASK_ISSUER: &str = "look at what the issuer puts into its tokens (`--show-claims`)";
const LOOK_AT_MAPPING: &str = "compare `claimMappings` with what the token holds (`--show-claims`)";
const ALLOW: &str = "give the user other names, or allow exactly this one in `allowedSystemNames`";
const CLUSTER_OWN: &str = "nothing: kube-apiserver checks these itself, and asked here only \
                           because it refused the token";
const SERVICE_ACCOUNT: &str = "if it is of the cluster that asks, nothing: kube-apiserver checks \
                               these itself, and asked here only because it refused the token. \
                               To trust another cluster, configure its issuer with `discoveryURL`";

// recipe: reason for refusal
pub(super) const fn of(reason: Reason) -> Advice {
    match reason {
        Reason::Empty => advice(Stage::Shape, "there is no token", "pipe the token to stdin"),
        Reason::TooLong => advice(
            Stage::Shape,
            "it is too long",
            "put fewer groups into it, or raise `maxTokenBytes`",
        ),
        Reason::Malformed => advice(
            Stage::Shape,
            "it is not a signed JWT in compact form",
            "check that the whole token was copied, and nothing beside it",
        ),
        Reason::Header => advice(
            Stage::Header,
            "its header is unreadable, or demands what is not supported",
            "look at how the issuer signs",
        ),
        Reason::Algorithm => advice(
            Stage::Header,
            "its signature algorithm is not accepted",
            "let the issuer sign with RS256, ES256 or another that is accepted from it",
        ),
        Reason::BootstrapToken => advice(Stage::Shape, "it is a bootstrap token", CLUSTER_OWN),
        Reason::ServiceAccountToken => {
            advice(Stage::Issuer, "it looks like a token of a service account", SERVICE_ACCOUNT)
        }
        Reason::ForeignIssuer => advice(
            Stage::Issuer,
            "it names no issuer that is configured",
            "compare `issuer.url` with the token's `iss`, byte for byte (`--show-claims`)",
        ),
        Reason::UnknownKey => advice(
            Stage::KeyId,
            "it is signed with a key that the issuer does not publish",
            "if the issuer has new keys, `--online` fetches them; else another party signed it",
        ),
        Reason::AmbiguousKey => advice(
            Stage::KeyId,
            "more keys could be meant than are tried, and none that was tried fits",
            "let the issuer write `kid` into its tokens, and give each key its own",
        ),
        Reason::KeyAlgorithm => advice(
            Stage::KeyId,
            "the key that it names is for another algorithm (`alg`, or the kind of key)",
            "let the issuer sign with the algorithm that it publishes for the key",
        ),
        Reason::UnusableKey => advice(
            Stage::KeyId,
            "the key that it names is published, and is not used here",
            "let the issuer sign with another key, or publish this one as what it is",
        ),
        Reason::Signature => advice(
            Stage::Signature,
            "its signature is not the issuer's",
            "check that the token was not changed; else it is forged",
        ),
        Reason::TokenType => advice(
            Stage::Type,
            "it is another kind of JWT, such as a logout token",
            "send an ID token or an access token",
        ),
        Reason::MissingExpiry => advice(Stage::Times, "it does not say when it ends", ASK_ISSUER),
        Reason::Expired => advice(Stage::Times, "its time is over", SIGN_IN),
        Reason::NotYetValid => advice(
            Stage::Times,
            "its time has not begun",
            "compare the clocks of the issuer and this machine",
        ),
        Reason::IssuedInFuture => advice(
            Stage::Times,
            "it was issued in the future",
            "compare the clocks of the issuer and this machine",
        ),
        Reason::WrongAudience => advice(
            Stage::Audience,
            "it was issued for another audience",
            "compare `issuer.audiences` with the token's `aud` (`--show-claims`)",
        ),
        Reason::Claims => advice(
            Stage::Times,
            "a registered claim has a shape that its RFC does not know",
            ASK_ISSUER,
        ),
        Reason::MissingSubject => {
            advice(Stage::Mapping, "`sub` is there and is no text", ASK_ISSUER)
        }
        Reason::MissingUsername => advice(
            Stage::Mapping,
            "the username's claim is missing, empty, or no text",
            LOOK_AT_MAPPING,
        ),
        Reason::EmailNotVerified => advice(
            Stage::Mapping,
            "the username is an address that the issuer did not verify",
            "let the user verify the address at the issuer",
        ),
        Reason::GroupsShape => advice(
            Stage::Mapping,
            "the groups' claim is neither a text nor a list of texts",
            LOOK_AT_MAPPING,
        ),
        Reason::GroupsElsewhere => advice(
            Stage::Mapping,
            "the groups are kept at a place that may not be asked, does not give them for this \
             token, or gives what is not vouched for",
            "allow it in `issuers[].distributedClaims.endpoints`, or put the groups into the token",
        ),
        Reason::MissingUid => {
            advice(Stage::Mapping, "the uid's claim is missing or no text", LOOK_AT_MAPPING)
        }
        Reason::RequiredClaim => advice(
            Stage::Rules,
            "a required claim is missing or has another value",
            "compare `claimValidationRules` with what the token holds (`--show-claims`)",
        ),
        Reason::UnusableUsername => advice(
            Stage::Guard,
            concat!("the username is empty, too long, or ", unstable!()),
            LOOK_AT_MAPPING,
        ),
        Reason::UnusableGroup => {
            advice(Stage::Guard, concat!("a group is too long, or ", unstable!()), LOOK_AT_MAPPING)
        }
        Reason::TooManyGroups => advice(
            Stage::Guard,
            "there are more groups than a request may carry",
            "map fewer groups",
        ),
        Reason::ReservedUsername => advice(
            Stage::Guard,
            "the username is reserved, in whatever case: it begins with `system:`, or is kubeadm's \
             `kubernetes-admin`",
            ALLOW,
        ),
        Reason::ReservedGroup => advice(
            Stage::Guard,
            "a group is reserved, in whatever case: it begins with `system:`, or is \
             `kubeadm:cluster-admins`",
            ALLOW,
        ),
        Reason::UnusableExtra => advice(
            Stage::Guard,
            concat!("uid or extra is too long, too much, or ", unstable!()),
            LOOK_AT_MAPPING,
        ),
        Reason::Expression => advice(
            Stage::Mapping,
            "an expression failed, or gave another type than allowed",
            "guard claims that may be absent: `has(claims.x)`, `claims.?x.orValue(\"\")`, or for \
             any name `claims[?'x'].orValue(\"\")`",
        ),
        Reason::ExpressionCost => advice(
            Stage::Mapping,
            "an expression cost more than it may",
            "simplify it, or put less into the token",
        ),
        Reason::ClaimRule => advice(
            Stage::Rules,
            "a rule over the claims says no",
            "compare `claimValidationRules` with what the token holds (`--show-claims`)",
        ),
        Reason::UserRule => advice(
            Stage::Rules,
            "a rule over the mapped user says no",
            "compare `userValidationRules` with the user that the token is mapped to",
        ),
        Reason::AuthorizedParty => advice(
            Stage::Restrictions,
            "`azp` names a party that is not accepted",
            "add it to `issuers[].authorizedParties`, or use another client",
        ),
        Reason::Lifetime => advice(
            Stage::Restrictions,
            "it lives longer than its issuer's tokens may, or does not say since when",
            "let the issuer make shorter tokens, or raise `issuers[].maxTokenLifetime`",
        ),
        Reason::Revoked => advice(Stage::Revocation, "it was revoked", SIGN_IN),
        Reason::UnknownShape => advice(
            Stage::Shape,
            "it is no JWT, and no authenticator takes a token of this shape",
            "configure `introspection` for opaque tokens, or let the issuer make JWTs",
        ),
        Reason::MissingScope => advice(
            Stage::Restrictions,
            "it does not have the scopes that its introspector asks for",
            "let the client ask for `requiredScopes`",
        ),
        Reason::Inactive => advice(
            Stage::Statement,
            "the introspection endpoint says that it is not active",
            SIGN_IN,
        ),
        Reason::UnknownStaticToken => advice(
            Stage::StaticToken,
            "it is not among the static tokens",
            "compare it with the file of `staticTokens`",
        ),
    }
}

/// The next step if it is known why an issuer's keys are missing.
pub(super) const MEND_KEYS: &str = "mend what the check `keys` says, at the issuer or in its entry \
                                    (`issuer.url`, `discoveryURL`, `certificateAuthority`), then \
                                    try again";

/// Whether `explain` sends requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Network {
    Online,
    Offline,
}

pub(super) const fn of_outage(outage: Outage, network: Network) -> Advice {
    let next = match outage {
        Outage::Internal => "report it: this is a fault of login-server",
        _ if matches!(network, Network::Online) => {
            "check that this machine reaches it, then try again"
        }
        _ => "name the server's `--state-dir`, or let it be asked with `--online`",
    };
    let (stage, what) = match outage {
        Outage::KeysUnavailable => (Stage::Keys, "the issuer's keys are not known here"),
        Outage::KeyUnconfirmed => {
            (Stage::Keys, "its key is not known, and the issuer was asked moments ago")
        }
        // recipe: authenticator
        Outage::IntrospectionUnavailable => {
            (Stage::Statement, "the introspection endpoint was not asked or did not answer")
        }
        Outage::GroupsUnavailable => {
            (Stage::Mapping, "the place of the user's groups was not asked or did not answer")
        }
        Outage::StoreUnavailable => (Stage::Revocation, "the database does not answer"),
        Outage::DeadlineExceeded => (Stage::Shape, "the evidence did not come in time"),
        Outage::Internal => (Stage::Shape, "something here is broken"),
    };
    advice(stage, what, next)
}
