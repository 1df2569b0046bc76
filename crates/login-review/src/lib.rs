//! Judges tokens: a token, evidence and time in; a verdict and a Kubernetes identity out.
//!
//! Never here: sockets, files, the clock, the caller's identity. Keys are passed in.
//!
//! Reading order: `policy` with `remote` (what is allowed), `route` and `plan` (which authenticator a token
//! belongs to), `evidence` and `decide` with `authenticators`, `claims`, `guard` and `audience`
//! (the rules), `verdict` and `answer` (the result), `config` (parses a policy: Kubernetes'
//! `AuthenticationConfiguration`, with its parts in `config/`).

pub mod policy;
pub mod remote;

pub mod plan;
pub mod route;

pub mod authenticators;
pub mod decide;
pub mod evidence;
pub mod revocations;

pub mod audience;
pub mod claims;
pub mod guard;

pub mod answer;
pub mod verdict;

pub mod config;

pub use answer::{Answer, RequestFault, answer, answer_fault};
pub use audience::AudienceRequest;
pub use claims::{
    expression::Expression,
    mapping::{ClaimMapping, ExtraMapping, PrefixedClaim, SessionClaim, Source, UidSource},
    rules::{RequiredClaim, Rule},
    user::UserFields,
    variables::{claims_environment, claims_value, user_environment},
};
pub use decide::decide;
pub use evidence::{Decision, Evidence, GroupsSource, Need};
pub use guard::Guard;
pub use kubernetes_cel::Patience;
pub use plan::{Authenticator, ParsedToken, Plan, plan};
pub use policy::{
    IssuerIndex, IssuerPolicy, KeySource, Policy, RemoteIndex,
    static_tokens::{StaticTokens, StaticUser, TokenDigest},
};
pub use remote::{RemoteAuthenticator, RemoteKind, RemoteRules, introspection::IntrospectionRules};
pub use revocations::{EndedSessions, Grant, Revocation, Revocations, Revoked};
pub use verdict::{Outage, Reason, Verdict};
