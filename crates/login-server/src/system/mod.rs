//! The places where this program meets the machine: clock, environment, files, randomness,
//! signals, ticks.
//! Never holds a rule: what is read here is judged elsewhere.

pub mod clock;
pub mod descriptors;
pub mod environment;
pub mod files;
pub mod ownership;
pub mod process;
pub mod random;
pub mod signals;
pub mod ticks;
pub mod tracked_files;
