//! Runs a program and takes what it prints: how a client secret comes out of a password manager.
//! Never a shell; never our stdout, which belongs to kubectl.

use std::{io, process::Stdio, time::Duration};

use login_common::Secret;
use thiserror::Error;
use tokio::{io::AsyncReadExt as _, process::Command};

use crate::options::program::{NotAllowed, ProgramLine};

/// How long the program may take; it may have to ask a person for a fingerprint.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How much it may print.
const MAX_OUTPUT: u64 = 64 * 1024;

/// Why there is no output.
#[derive(Debug, Error)]
pub enum CommandError {
    /// It may not be run.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// It did not start, or its output could not be read.
    #[error("`{program}` could not be run")]
    Run {
        /// The program's name.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It ended with a failure; what it said went to stderr.
    #[error("`{program}` ended with {status}")]
    Failed {
        /// The program's name.
        program: String,
        /// How it ended.
        status: std::process::ExitStatus,
    },
    /// It took too long.
    #[error("`{0}` did not end within {bound} seconds", bound = TIMEOUT.as_secs())]
    Timeout(String),
    /// It printed no text.
    #[error("`{0}` printed nothing, no text, or too much")]
    NoText(String),
}

/// The program and its arguments: the whole of `line` where that is a program, as int128/kubelogin
/// takes it (`/mnt/c/Program Files/…/chrome.exe`), else what stands between spaces: there is no
/// shell that could quote.
pub fn words(line: &str) -> Vec<String> {
    let has_place = line.contains(['/', '\\']);
    if has_place && std::path::Path::new(line).is_file() {
        return vec![line.to_owned()];
    }
    line.split_whitespace().map(ToOwned::to_owned).collect()
}

/// What the program prints on stdout, without the line break at its end.
pub async fn output(line: &ProgramLine) -> Result<Secret, CommandError> {
    let words = words(line.allowed()?);
    let Some((program, arguments)) = words.split_first() else {
        return Err(CommandError::NoText(String::new()));
    };
    let failed = |source| CommandError::Run { program: program.clone(), source };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    let mut stdout = child.stdout.take().ok_or_else(|| failed(io::ErrorKind::BrokenPipe.into()))?;
    let run = async {
        let mut text = zeroize::Zeroizing::new(String::new());
        let read = (&mut stdout).take(MAX_OUTPUT + 1).read_to_string(&mut text).await;
        if text.len() as u64 > MAX_OUTPUT {
            return Err(CommandError::NoText(program.clone()));
        }
        let status = child.wait().await.map_err(failed)?;
        if !status.success() {
            return Err(CommandError::Failed { program: program.clone(), status });
        }
        let text = read.map(|_| text).map_err(|_| CommandError::NoText(program.clone()))?;
        let trimmed = text.trim_end_matches(['\r', '\n']);
        if trimmed.is_empty() {
            return Err(CommandError::NoText(program.clone()));
        }
        Ok(Secret::new(trimmed))
    };
    tokio::time::timeout(TIMEOUT, run)
        .await
        .unwrap_or_else(|_| Err(CommandError::Timeout(program.clone())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_whose_path_has_spaces_is_one_word() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("Program Files");
        std::fs::create_dir(&folder).unwrap();
        let program = folder.join("b.exe");
        crate::system::program::write_new(&program, b"").unwrap();
        let program = program.to_str().unwrap();
        assert_eq!(words(program), [program]);
        assert_eq!(words("firefox  -P work %s"), ["firefox", "-P", "work", "%s"]);
        // With arguments behind it there is no telling where it ends.
        assert_eq!(words(&format!("{program} x")).len(), 3);
        assert!(words(" ").is_empty());
    }
}
