//! The Common Expression Language as Kubernetes runs it: text in, a checked program out; values
//! in, one value out.
//!
//! Never here: I/O, the clock, anything that an expression could do besides computing a value.
