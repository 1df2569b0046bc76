//! What each reason means, and what the operator does next.
//! Never depends on a single token: a reason means the same for all.

use login_review::{Outage, Reason};

/// What is wrong, and what to do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Advice {
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

const fn advice(what: &'static str, next: &'static str) -> Advice {
    Advice { what, next }
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

pub(super) const fn of(reason: Reason) -> Advice {
    match reason {
        Reason::Empty => advice("there is no token", "pipe the token to stdin"),
        Reason::TooLong => {
            advice("it is too long", "put fewer groups into it, or raise `maxTokenBytes`")
        }
        Reason::Malformed => advice(
            "it is not a signed JWT in compact form",
            "check that the whole token was copied, and nothing beside it",
        ),
        Reason::Header => advice(
            "its header is unreadable, or demands what is not supported",
            "look at how the issuer signs",
        ),
        Reason::Algorithm => advice(
            "its signature algorithm is not accepted",
            "let the issuer sign with RS256, ES256 or another that is accepted from it",
        ),
        Reason::BootstrapToken => advice("it is a bootstrap token", CLUSTER_OWN),
        Reason::ServiceAccountToken => {
            advice("it looks like a token of a service account", SERVICE_ACCOUNT)
        }
        Reason::ForeignIssuer => advice(
            "it names no issuer that is configured",
            "compare `issuer.url` with the token's `iss`, byte for byte (`--show-claims`)",
        ),
        Reason::UnknownKey => advice(
            "it is signed with a key that the issuer does not publish",
            "if the issuer has new keys, `--online` fetches them; else another party signed it",
        ),
        Reason::AmbiguousKey => advice(
            "more keys could be meant than are tried, and none that was tried fits",
            "let the issuer write `kid` into its tokens, and give each key its own",
        ),
        Reason::KeyAlgorithm => advice(
            "the key that it names is for another algorithm (`alg`, or the kind of key)",
            "let the issuer sign with the algorithm that it publishes for the key",
        ),
        Reason::UnusableKey => advice(
            "the key that it names is published, and is not used here",
            "let the issuer sign with another key, or publish this one as what it is",
        ),
        Reason::Signature => advice(
            "its signature is not the issuer's",
            "check that the token was not changed; else it is forged",
        ),
        Reason::TokenType => advice(
            "it is another kind of JWT, such as a logout token",
            "send an ID token or an access token",
        ),
        Reason::MissingExpiry => advice("it does not say when it ends", ASK_ISSUER),
        Reason::Expired => advice("its time is over", SIGN_IN),
        Reason::NotYetValid => {
            advice("its time has not begun", "compare the clocks of the issuer and this machine")
        }
        Reason::IssuedInFuture => advice(
            "it was issued in the future",
            "compare the clocks of the issuer and this machine",
        ),
        Reason::WrongAudience => advice(
            "it was issued for another audience",
            "compare `issuer.audiences` with the token's `aud` (`--show-claims`)",
        ),
        Reason::Claims => {
            advice("a registered claim has a shape that its RFC does not know", ASK_ISSUER)
        }
        Reason::MissingSubject => advice("`sub` is there and is no text", ASK_ISSUER),
        Reason::MissingUsername => {
            advice("the username's claim is missing, empty, or no text", LOOK_AT_MAPPING)
        }
        Reason::EmailNotVerified => advice(
            "the username is an address that the issuer did not verify",
            "let the user verify the address at the issuer",
        ),
        Reason::GroupsShape => {
            advice("the groups' claim is neither a text nor a list of texts", LOOK_AT_MAPPING)
        }
        Reason::GroupsElsewhere => advice(
            "the groups are kept at a place that may not be asked, does not give them for this \
             token, or gives what is not vouched for",
            "allow it in `issuers[].distributedClaims.endpoints`, or put the groups into the token",
        ),
        Reason::MissingUid => advice("the uid's claim is missing or no text", LOOK_AT_MAPPING),
        Reason::RequiredClaim => advice(
            "a required claim is missing or has another value",
            "compare `claimValidationRules` with what the token holds (`--show-claims`)",
        ),
        Reason::UnusableUsername => {
            advice(concat!("the username is empty, too long, or ", unstable!()), LOOK_AT_MAPPING)
        }
        Reason::UnusableGroup => {
            advice(concat!("a group is too long, or ", unstable!()), LOOK_AT_MAPPING)
        }
        Reason::TooManyGroups => {
            advice("there are more groups than a request may carry", "map fewer groups")
        }
        Reason::ReservedUsername => advice(
            "the username is reserved, in whatever case: it begins with `system:`, or is kubeadm's \
             `kubernetes-admin`",
            ALLOW,
        ),
        Reason::ReservedGroup => advice(
            "a group is reserved, in whatever case: it begins with `system:`, or is \
             `kubeadm:cluster-admins`",
            ALLOW,
        ),
        Reason::UnusableExtra => {
            advice(concat!("uid or extra is too long, too much, or ", unstable!()), LOOK_AT_MAPPING)
        }
        Reason::Expression => advice(
            "an expression failed, or gave another type than allowed",
            "guard claims that may be absent: `has(claims.x)`, `claims.?x.orValue(\"\")`, or for \
             any name `claims[?'x'].orValue(\"\")`",
        ),
        Reason::ExpressionCost => {
            advice("an expression cost more than it may", "simplify it, or put less into the token")
        }
        Reason::ClaimRule => advice(
            "a rule over the claims says no",
            "compare `claimValidationRules` with what the token holds (`--show-claims`)",
        ),
        Reason::UserRule => advice(
            "a rule over the mapped user says no",
            "compare `userValidationRules` with the user that the token is mapped to",
        ),
        Reason::AuthorizedParty => advice(
            "`azp` names a party that is not accepted",
            "add it to `issuers[].authorizedParties`, or use another client",
        ),
        Reason::Lifetime => advice(
            "it lives longer than its issuer's tokens may, or does not say since when",
            "let the issuer make shorter tokens, or raise `issuers[].maxTokenLifetime`",
        ),
        Reason::Revoked => advice("it was revoked", SIGN_IN),
        Reason::UnknownShape => advice(
            "it is no JWT, and no authenticator takes a token of this shape",
            "configure `introspection` for opaque tokens, or let the issuer make JWTs",
        ),
        Reason::MissingScope => advice(
            "it does not have the scopes that its introspector asks for",
            "let the client ask for `requiredScopes`",
        ),
        Reason::Inactive => {
            advice("the introspection endpoint says that it is not active", SIGN_IN)
        }
        Reason::UnknownStaticToken => advice(
            "it is not among the static tokens",
            "compare it with the file of `staticTokens`",
        ),
    }
}

/// The next step if it is known why an issuer's keys are missing.
pub(super) const MEND_KEYS: &str = "mend what the check `keys` says, at the issuer or in its entry \
                                    (`issuer.url`, `discoveryURL`, `certificateAuthority`), then \
                                    try again";

pub(super) const fn of_outage(outage: Outage, is_online: bool) -> Advice {
    let next = match outage {
        Outage::Internal => "report it: this is a fault of login-server",
        _ if is_online => "check that this machine reaches it, then try again",
        _ => "name the server's `--state-dir`, or let it be asked with `--online`",
    };
    let what = match outage {
        Outage::KeysUnavailable => "the issuer's keys are not known here",
        Outage::KeyUnconfirmed => "its key is not known, and the issuer was asked moments ago",
        Outage::IntrospectionUnavailable => {
            "the introspection endpoint was not asked or did not answer"
        }
        Outage::GroupsUnavailable => {
            "the place of the user's groups was not asked or did not answer"
        }
        Outage::StoreUnavailable => "the database does not answer",
        Outage::DeadlineExceeded => "the evidence did not come in time",
        Outage::Internal => "something here is broken",
    };
    advice(what, next)
}
