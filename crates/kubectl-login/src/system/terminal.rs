//! What people read: stderr, and whether anybody is there to read it.
//! Never stdout, never stdin.

use std::io::{self, IsTerminal as _, Write as _};

use crate::scrub;

/// Whoever may read stderr.
pub trait Terminal {
    /// Says one line.
    fn say(&self, line: &str);
    /// Says what a person must see to go on: a page to open, a code to enter. Never left out.
    fn ask(&self, line: &str);
    /// Whether a person sees stderr as it is written.
    fn is_watched(&self) -> bool;
    /// Shows how a wait goes on, in place of what it showed before; an empty text takes it away.
    fn progress(&self, _text: &str) {}
    /// Says one line about what is being done, if `-v` was given.
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
        // In one piece: other processes may be writing to the same terminal. Nobody is left to be
        // told that stderr is closed.
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

/// Another terminal with less on it: only what a person must see to go on.
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
