//! What is fed with arbitrary bytes: one file per border at which somebody else's bytes come in.
//! Never here: the fuzzer itself. `cargo xtask fuzz` builds the programs that have one; this
//! crate's test replays the seeds and every input that was ever found to fail.

pub mod targets;

/// A target: the name of its corpus folder and program, and what takes the input.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 5] = [
    ("jwt", targets::jwt::run),
    ("jwks", targets::jwks::run),
    ("token_review", targets::token_review::run),
    ("configuration", targets::configuration::run),
    ("cel", targets::cel::run),
];

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    #[test]
    fn every_seed_and_every_earlier_find_passes() {
        for (name, run) in TARGETS {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
            let inputs: Vec<_> =
                fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap()).collect();
            assert!(inputs.len() >= 3, "{name} has {} seeds", inputs.len());
            for input in inputs {
                println!("{}", input.path().display());
                run(&fs::read(input.path()).unwrap());
            }
        }
    }

    #[test]
    fn every_target_takes_nothing_and_noise() {
        let noise: Vec<u8> = (0..=255_u8).rev().chain(0..=255).collect();
        for (_, run) in TARGETS {
            run(b"");
            run(&noise);
        }
    }
}
