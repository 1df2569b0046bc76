//! The handlers: one file per endpoint or page.
//! Never holds a rule about tokens, grants or users: `login-review` and `login-issuer` do.
//!
//! `review` is the webhook; `discovery`, `authorize`, `device` and `token` are the embedded
//! issuer's; `health` is for load balancers, `metrics` for Prometheus. `body`, `form`, `response`,
//! `visit` and `panic` serve them.

pub mod authorize;
pub mod device;
pub mod discovery;
pub mod health;
pub mod metrics;
pub mod review;
pub mod token;

pub mod body;
pub mod form;
pub mod panic;
pub mod response;
pub mod visit;
