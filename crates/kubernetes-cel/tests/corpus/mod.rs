//! The corpus `tests/vectors/cel`: expressions, what kube-apiserver made of them when it was last
//! asked (`recorded/`), and what this crate makes of them. `tests/tests/cel` asks kube-apiserver
//! again, with the same files.

mod comparison;
mod ours;
mod outcome;
mod questions;
mod recorded;

pub(crate) use comparison::{Compared, costs_alike, differing, gone_differences};
pub(crate) use ours::answer;
pub(crate) use outcome::{Answer, Outcome};
pub(crate) use questions::{Differences, Question, differences, questions};
#[allow(unused_imports, reason = "`tests/tests/cel` writes the lines, this crate reads them")]
pub(crate) use recorded::line;
pub(crate) use recorded::recorded;
