//! The floor of every Rust program: an empty `main`. `cargo xtask startup` counts from here.

fn main() {}
