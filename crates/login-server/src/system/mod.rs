//! The interface to the host: clock, environment, files, randomness, signals, ticks.
//! Never holds a rule: other modules judge what is read here.

pub mod clock;
pub mod coarse_timeout;
pub mod descriptors;
pub mod environment;
pub mod files;
pub mod ownership;
pub mod process;
pub mod random;
pub mod signals;
pub mod tracked_files;
