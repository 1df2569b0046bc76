//! The places where this program meets the machine: clock, environment, files, signals.
//! Never holds a rule: what is read here is judged elsewhere.

pub mod clock;
pub mod environment;
pub mod files;
pub mod signals;
