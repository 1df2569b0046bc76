//! Reads from the terminal at which the user types, whatever stdin is: kubectl's may be a pipe.
//! Never leaves the echo off: the terminal's mode is restored, also when a signal ends the wait.

#[cfg(any(unix, test))]
mod line;

/// Maximum length of a line in bytes; the URL of a failed page may be long.
const MAX_LINE: usize = 16 * 1024;

/// Whether what is typed appears on the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Echo {
    /// It does.
    Shown,
    /// It does not: it is a secret.
    Hidden,
}

#[cfg(unix)]
pub use unix::Console;

#[cfg(not(unix))]
pub use windows::Console;

#[cfg(unix)]
mod unix {
    use std::{
        fs::File,
        io::{self, Read as _, Write as _},
    };

    use login_common::Secret;
    use rustix::termios::{
        LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetpgrp, tcsetattr,
    };
    use tokio::sync::oneshot;
    use zeroize::Zeroizing;

    use super::{
        Echo,
        line::{Line, Pressed},
    };

    /// POSIX `_POSIX_VDISABLE`: no key has this function.
    const NO_KEY: u8 = if cfg!(any(target_os = "linux", target_os = "android")) { 0 } else { 0xff };

    /// The controlling terminal.
    pub struct Console {
        tty: File,
    }

    /// Restores the terminal's mode when dropped.
    struct Mode<'a> {
        tty: &'a File,
        before: Termios,
    }

    impl Console {
        /// Opens the terminal, if this process may read it now.
        pub fn open() -> Option<Self> {
            let tty = File::options().read(true).write(true).open("/dev/tty").ok()?;
            // The kernel stops a background job that reads from its terminal (SIGTTIN).
            let is_foreground =
                tcgetpgrp(&tty).is_ok_and(|group| group == rustix::process::getpgrp());
            is_foreground.then_some(Self { tty })
        }

        /// Prompts for a line. The caller limits the wait; if it gives up, the terminal's mode is
        /// restored.
        pub async fn line(&self, prompt: &str, echo: Echo) -> io::Result<Secret> {
            let mode = Mode::key_by_key(&self.tty)?;
            (&self.tty).write_all(prompt.as_bytes())?;
            let tty = self.tty.try_clone()?;
            let (done, line) = oneshot::channel();
            // Terminals cannot be polled everywhere (macOS). A read that was given up ends with the
            // process.
            std::thread::spawn(move || done.send(read(&tty, echo)));
            let line = line.await.unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into()));
            drop(mode);
            let _ = (&self.tty).write_all(b"\n");
            line
        }
    }

    impl<'a> Mode<'a> {
        /// No echo, and each key at once; Ctrl-C still sends its signal. The other signal keys are
        /// disabled: nothing would restore the terminal (Ctrl-\), or a shell would read the rest of
        /// a password (Ctrl-Z, and Ctrl-Y where `IEXTEN` enables it).
        fn key_by_key(tty: &'a File) -> io::Result<Self> {
            let before = tcgetattr(tty)?;
            let mut mode = before.clone();
            mode.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::IEXTEN);
            mode.special_codes[SpecialCodeIndex::VQUIT] = NO_KEY;
            mode.special_codes[SpecialCodeIndex::VSUSP] = NO_KEY;
            mode.special_codes[SpecialCodeIndex::VMIN] = 1;
            mode.special_codes[SpecialCodeIndex::VTIME] = 0;
            tcsetattr(tty, OptionalActions::Now, &mode)?;
            Ok(Self { tty, before })
        }
    }

    impl Drop for Mode<'_> {
        fn drop(&mut self) {
            // Unread keys must not reach the shell.
            let _ = tcsetattr(self.tty, OptionalActions::Flush, &self.before);
        }
    }

    fn read(mut tty: &File, echo: Echo) -> io::Result<Secret> {
        let mut line = Line::new(echo);
        let mut keys = Zeroizing::new([0; 256]);
        loop {
            let count = tty.read(&mut *keys)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            for key in keys.iter().take(count) {
                match line.press(*key) {
                    Pressed::Echo(bytes) => tty.write_all(&bytes)?,
                    Pressed::Enter => {
                        return std::str::from_utf8(&line.typed)
                            .map(Secret::new)
                            .map_err(|_| io::ErrorKind::InvalidData.into());
                    }
                    Pressed::Failed(kind) => return Err(kind.into()),
                }
            }
        }
    }
}

#[cfg(not(unix))]
mod windows {
    use std::{
        fs::File,
        io::{self, BufRead as _, BufReader, Read as _, Write as _},
    };

    use login_common::Secret;
    use zeroize::Zeroizing;

    use super::{Echo, MAX_LINE};

    /// The process's console.
    pub struct Console;

    impl Console {
        /// Opens the console, if there is one.
        pub fn open() -> Option<Self> {
            File::open("CONIN$").ok().map(|_| Self)
        }

        /// Prompts for a line. The caller limits the wait.
        pub async fn line(&self, prompt: &str, echo: Echo) -> io::Result<Secret> {
            let prompt = prompt.to_owned();
            let work = move || {
                if echo == Echo::Hidden {
                    return rpassword::prompt_password(prompt).map(Secret::new);
                }
                File::options().write(true).open("CONOUT$")?.write_all(prompt.as_bytes())?;
                let mut line = Zeroizing::new(String::with_capacity(MAX_LINE));
                BufReader::new(File::open("CONIN$")?.take(MAX_LINE as u64)).read_line(&mut line)?;
                Ok(Secret::new(line.trim_end_matches(['\r', '\n'])))
            };
            tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
        }
    }
}
