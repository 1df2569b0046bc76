//! Writes messages for the user to stderr, and reports whether a user can read them.
//! Never uses stdout or stdin.

use std::io::{self, IsTerminal as _, Write as _};

use crate::scrub;

/// The output for the user.
pub trait Terminal {
    /// Prints one line.
    fn say(&self, line: &str);
    /// Prints what the user must see to continue: a page to open, a code to enter. Never
    /// suppressed.
    fn ask(&self, line: &str);
    /// Whether a user sees stderr as it is written.
    fn is_watched(&self) -> bool;
    /// Shows the progress of a wait in place of the previous text; an empty text clears it.
    fn progress(&self, _text: &str) {}
    /// Prints a detail if `-v` was given.
    fn detail(&self, line: &str);
}

/// The process's stderr.
pub struct Stderr {
    /// Whether `-v` was given.
    pub verbose: bool,
}

impl Terminal for Stderr {
    fn say(&self, line: &str) {
        self.ask(line);
    }

    fn ask(&self, line: &str) {
        // In one write: other processes may be writing to the same terminal. If stderr is closed,
        // there is nowhere to report it.
        let line = scrub::said(line);
        let _ = io::stderr().lock().write_all(format!("{line}\n").as_bytes());
    }

    fn is_watched(&self) -> bool {
        io::stderr().is_terminal()
    }

    fn progress(&self, text: &str) {
        if self.is_watched() {
            // ECMA-48: erase to the end of the line.
            let text = scrub::said(text);
            let _ = io::stderr().lock().write_all(format!("\r{text}\x1b[K").as_bytes());
        }
    }

    fn detail(&self, line: &str) {
        if self.verbose {
            self.say(line);
        }
    }
}

/// Suppresses everything but what the user must see to continue.
pub struct Quiet<'a>(pub &'a dyn Terminal);

impl Terminal for Quiet<'_> {
    fn say(&self, _: &str) {}

    fn ask(&self, line: &str) {
        self.0.ask(line);
    }

    fn is_watched(&self) -> bool {
        self.0.is_watched()
    }

    fn detail(&self, _: &str) {}
}
