//! A token, the evidence and the time in; a verdict and a Kubernetes identity out.
//!
//! Never here: sockets, files, the clock, knowledge of who calls. Keys are handed in.
//!
//! Reading order: `policy` (what is allowed), `route` and `plan` (whose token is this, what must
//! be fetched), `decide` with `authenticators`, `claims`, `guard` and `audience` (the rules),
//! `verdict` and `answer` (what comes out), `config` (where a policy is written down:
//! Kubernetes' `AuthenticationConfiguration`, on disk in `config/`).

pub mod policy;

pub mod plan;
mod route;

mod authenticators;
pub mod decide;

pub mod audience;
pub mod claims;
pub mod guard;

pub mod answer;
pub mod verdict;

pub mod config;

pub use answer::{Answer, RequestFault, answer, answer_fault};
pub use audience::AudienceRequest;
pub use claims::mapping::{ClaimMapping, PrefixedClaim, SessionClaim};
pub use decide::{Decision, decide};
pub use guard::Guard;
pub use plan::{ParsedToken, Plan, plan};
pub use policy::{IssuerIndex, IssuerPolicy, KeySource, Policy, RequiredClaim};
pub use verdict::{Outage, Reason, Verdict};
