//! The code that gets arbitrary bytes: one file for each kind of untrusted input.
//! Never here: the fuzzer itself. `cargo xtask fuzz` builds the program that has one; this
//! crate's test replays the seeds and every input that was ever found to fail.

pub mod targets;

use std::sync::LazyLock;

/// A target: the name of its corpus folder, and the function that takes the input.
pub type Target = (&'static str, fn(&[u8]));

/// All of them. A new one is a row here, a file in `targets` and a folder of seeds in `corpus`.
pub const TARGETS: [Target; 19] = [
    ("cache_entry", targets::cache_entry::run),
    ("cache_headers", targets::cache_headers::run),
    ("cel", targets::cel::run),
    ("certificate", targets::certificate::run),
    ("configuration", targets::configuration::run),
    ("discovery", targets::discovery::run),
    ("groups_jwt", targets::groups_jwt::run),
    ("introspection", targets::introspection::run),
    ("judgement", targets::judgement::run),
    ("jwks", targets::jwks::run),
    ("jwt", targets::jwt::run),
    ("key_set_file", targets::key_set_file::run),
    ("kubeconfig", targets::kubeconfig::run),
    ("options", targets::options::run),
    ("revocations", targets::revocations::run),
    ("server_configuration", targets::server_configuration::run),
    ("static_tokens", targets::static_tokens::run),
    ("strict_json", targets::strict_json::run),
    ("token_review", targets::token_review::run),
];

/// The variable that names the target of a fuzzing process.
pub const CHOICE: &str = "LOGIN_FUZZ_TARGET";

/// Runs the target that [`CHOICE`] names on one input.
///
/// # Panics
///
/// When the variable names no target, and as targets do.
pub fn chosen(data: &[u8]) {
    static CHOSEN: LazyLock<fn(&[u8])> = LazyLock::new(|| {
        #[expect(clippy::disallowed_methods, reason = "libFuzzer owns the command line")]
        let name = std::env::var(CHOICE).unwrap_or_default();
        let found = TARGETS.iter().find(|(known, _)| *known == name);
        let Some((_, run)) = found else { panic!("{CHOICE} is `{name}`, which is no target") };
        *run
    });
    CHOSEN(data);
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    fn folder(name: &str) -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
    }

    fn names_in(name: &str) -> BTreeSet<String> {
        let entries = fs::read_dir(folder(name)).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn every_target_has_seeds_and_every_folder_of_seeds_a_target() {
        let targets: BTreeSet<_> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(names_in("corpus"), targets);
        for dictionary in names_in("dictionaries") {
            let name = dictionary.strip_suffix(".dict").unwrap();
            assert!(targets.contains(name), "{dictionary}");
        }
    }

    #[test]
    fn every_seed_and_every_earlier_find_passes() {
        for (name, run) in TARGETS {
            let inputs: Vec<_> = fs::read_dir(folder("corpus").join(name))
                .unwrap()
                .map(|entry| entry.unwrap())
                .collect();
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
