//! Another time of day for one program, with libfaketime.
//! Never for a static program: the dynamic loader has to load the library.

use std::path::PathBuf;
use std::process::Command;

use crate::components::Missing;

/// Where Debian's package `libfaketime` installs it.
const LIBRARIES: [&str; 3] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/faketime/libfaketime.so.1",
];

/// Shifts the clock that `command` sees: later (`+600` seconds) or earlier (`-600`).
pub fn shift(command: &mut Command, seconds: &str) -> Result<(), Missing> {
    command.envs(variables(seconds)?);
    Ok(())
}

/// The environment variables for that, for a program that another one starts.
pub fn variables(seconds: &str) -> Result<[(&'static str, String); 3], Missing> {
    let library = LIBRARIES
        .map(PathBuf::from)
        .into_iter()
        .find(|file| file.is_file())
        .ok_or_else(|| Missing::because("libfaketime is not installed"))?;
    Ok([
        ("LD_PRELOAD", library.display().to_string()),
        ("FAKETIME", seconds.to_owned()),
        // The monotonic clock stays real, so measured durations are true.
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
    ])
}
