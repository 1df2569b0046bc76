//! The Common Expression Language (CEL) as kube-apiserver runs it: the language of cel-spec, the
//! libraries of Kubernetes, its checks, its cost model. No I/O, no clock, no unsafe code, and
//! never more than an evaluation's limits.
//!
//! An [`Environment`] declares what expressions may name. A [`Program`] is an expression that was
//! checked against it. [`Program::evaluate`] computes its value for [`Bindings`] of the variables,
//! within [`Limits`], and says what that has cost.
//!
//! ```
//! use kubernetes_cel::{Bindings, Environment, Limits, Program, Type, Value};
//!
//! let environment = Environment::kubernetes()
//!     .variable("object", Type::map(Type::String, Type::Dyn))
//!     .build()?;
//! let program = Program::compile("object.replicas <= 5.0", &environment)?;
//! assert_eq!(program.result_type(), &Type::Bool);
//!
//! let object = serde_json::json!({ "replicas": 3 });
//! let bindings = Bindings::new([("object", Value::json(&object))]);
//! let evaluation = program.evaluate(&bindings, &Limits::default());
//! assert_eq!(evaluation.value?.as_bool(), Some(true));
//! assert_eq!(evaluation.spent.cost, 3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Reading order of the source: `program`, `environment` and `function`, `syntax` (text to tree),
//! `check` (tree to types), `plan` (what is evaluated), `evaluate` and `meter` (how, and how much of
//! it), `value` and `types`.

mod check;
mod environment;
mod error;
mod evaluate;
mod function;
mod library;
mod limits;
mod meter;
mod pattern;
mod plan;
mod program;
mod reserved;
mod standard;
mod syntax;
pub mod tree;
mod types;
pub mod value;

pub use environment::{Environment, EnvironmentBuilder};
pub use error::{CompileError, EnvironmentError, EvaluationError, Fault};
pub use function::{Function, Overload};
pub use library::Library;
pub use limits::{Budget, Limits, Patience};
pub use meter::Meter;
pub use program::{Bindings, Evaluation, Program};
pub use types::{ObjectType, Parameter, Type};
pub use value::Value;

/// The examples of the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
