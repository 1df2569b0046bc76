//! Runs a program and returns its output: how a password manager supplies a client secret.
//! Never uses a shell; never passes on our stdout, which belongs to kubectl.

use std::{io, process::Stdio, time::Duration};

use login_common::Secret;
use thiserror::Error;
use tokio::{io::AsyncReadExt as _, process::Command};

use crate::options::program::{NotAllowed, ProgramLine};

/// Time limit of the program; it may have to ask the user for a fingerprint.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How long the output is read after the program's end: by then everything it printed has arrived,
/// and a daemon that it left behind may keep the pipe open forever.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// Maximum output in bytes.
const MAX_OUTPUT: u64 = 160 * 1024;

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
    /// It ended with a failure; its own message went to stderr.
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

/// The program and its arguments: all of `line` if that is a file, as int128/kubelogin takes it
/// (`/mnt/c/Program Files/…/chrome.exe`), else split at spaces: there is no shell that handles
/// quotes.
pub fn words(line: &str) -> Vec<String> {
    let has_place = line.contains(['/', '\\']);
    if has_place && std::path::Path::new(line).is_file() {
        return vec![line.to_owned()];
    }
    line.split_whitespace().map(ToOwned::to_owned).collect()
}

/// What the program prints to stdout, without the final line break.
pub async fn output(line: &ProgramLine) -> Result<Secret, CommandError> {
    printed(&words(line.allowed()?)).await
}

async fn printed(words: &[String]) -> Result<Secret, CommandError> {
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
        let mut bytes = zeroize::Zeroizing::new(Vec::new());
        let mut piece = zeroize::Zeroizing::new(vec![0; 16 * 1024]);
        let mut ended = None;
        loop {
            let length = tokio::select! {
                biased;
                length = stdout.read(&mut piece) => length.map_err(failed)?,
                status = child.wait(), if ended.is_none() => {
                    ended = Some(status.map_err(failed)?);
                    continue;
                }
                () = tokio::time::sleep(LAST_WORDS), if ended.is_some() => 0,
            };
            bytes.extend_from_slice(piece.get(..length).unwrap_or_default());
            if bytes.len() as u64 > MAX_OUTPUT {
                return Err(CommandError::NoText(program.clone()));
            }
            if length == 0 {
                break;
            }
        }
        let status = match ended {
            Some(status) => status,
            None => child.wait().await.map_err(failed)?,
        };
        if !status.success() {
            return Err(CommandError::Failed { program: program.clone(), status });
        }
        let text =
            std::str::from_utf8(&bytes).map_err(|_| CommandError::NoText(program.clone()))?;
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
        // With arguments after it, the end of the program's name is ambiguous.
        assert_eq!(words(&format!("{program} x")).len(), 3);
        assert!(words(" ").is_empty());
    }

    #[cfg(unix)]
    fn run(script: &str) -> Result<String, String> {
        let words = ["sh", "-c", script].map(str::to_owned);
        let secret = crate::system::runtime::block_on(printed(&words)).unwrap();
        secret.map(|secret| secret.expose().to_owned()).map_err(|error| error.to_string())
    }

    #[test]
    #[cfg(unix)]
    fn what_a_program_prints_is_taken_whole_and_a_failure_is_one() {
        assert_eq!(run("echo secret"), Ok("secret".to_owned()));
        let long = "head -c 130000 /dev/zero | tr '\\0' x";
        assert_eq!(run(long).map(|text| text.len()), Ok(130_000));
        assert!(run("echo secret; exit 3").unwrap_err().contains("ended with"));
        for script in ["true", "printf '\\377'", "head -c 170000 /dev/zero | tr '\\0' x"] {
            assert!(run(script).unwrap_err().contains("printed nothing"), "{script}");
        }
    }

    #[test]
    #[cfg(unix)]
    fn a_daemon_that_a_program_leaves_behind_is_not_waited_for() {
        // The daemon ends by itself, after `TIMEOUT`.
        assert_eq!(run("sleep 40 & echo secret"), Ok("secret".to_owned()));
    }
}
