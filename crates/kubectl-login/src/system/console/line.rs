//! Edits a line that the user types or pastes, key by key.
//! Never touches a terminal: returns what to show.

use std::io;

use zeroize::Zeroizing;

use super::{Echo, MAX_LINE};

/// A line that is being typed or pasted.
pub(super) struct Line {
    pub(super) typed: Zeroizing<Vec<u8>>,
    echo: Echo,
}

/// The effect of a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pressed {
    /// Show this.
    Echo(Vec<u8>),
    /// The line is complete.
    Enter,
    /// There is no line.
    Failed(io::ErrorKind),
}

impl Line {
    pub(super) fn new(echo: Echo) -> Self {
        // Allocated at full size: a vector that grows leaves copies behind.
        Self { typed: Zeroizing::new(Vec::with_capacity(MAX_LINE)), echo }
    }

    /// Edits like a terminal in canonical mode, but without its limit on the length of a line (1024
    /// bytes on macOS, 4096 on Linux; POSIX `MAX_CANON`).
    pub(super) fn press(&mut self, key: u8) -> Pressed {
        match key {
            b'\n' | b'\r' => return Pressed::Enter,
            // Ctrl-D
            4 if self.typed.is_empty() => return Pressed::Failed(io::ErrorKind::UnexpectedEof),
            // Backspace removes a whole UTF-8 character.
            8 | 0x7f => {
                let mut is_gone = false;
                while let Some(byte) = self.typed.pop() {
                    is_gone = byte & 0xc0 != 0x80;
                    if is_gone {
                        break;
                    }
                }
                return self.echo(if is_gone { b"\x08 \x08" } else { b"" });
            }
            // Ctrl-U
            0x15 => {
                let rubbed = b"\x08 \x08".repeat(self.typed.len());
                self.typed.clear();
                return self.echo(&rubbed);
            }
            0..=0x1f => return Pressed::Echo(Vec::new()),
            _ if self.typed.len() == MAX_LINE => {
                return Pressed::Failed(io::ErrorKind::FileTooLarge);
            }
            key => self.typed.push(key),
        }
        self.echo(&[key])
    }

    fn echo(&self, bytes: &[u8]) -> Pressed {
        Pressed::Echo(match self.echo {
            Echo::Shown => bytes.to_vec(),
            Echo::Hidden => Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The line after these keys, and what the user saw.
    fn after(keys: &[u8], echo: Echo) -> (String, String) {
        let mut line = Line::new(echo);
        let mut seen = Vec::new();
        for key in keys {
            match line.press(*key) {
                Pressed::Echo(bytes) => seen.extend(bytes),
                other => panic!("{other:?}"),
            }
        }
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (text(&line.typed), text(&seen))
    }

    #[test]
    fn a_line_can_be_mended() {
        for (keys, left, seen) in [
            (&b"abc"[..], "abc", "abc"),
            (b"ab\x7fc", "ac", "ab\x08 \x08c"),
            ("ä\u{7f}b".as_bytes(), "b", "ä\x08 \x08b"),
            (b"\x7f\x08", "", ""),
            (b"ab\x15c", "c", "ab\x08 \x08\x08 \x08c"),
            (b"a\x1b\x01\tb", "ab", "ab"),
            (b"a\x04", "a", "a"),
        ] {
            assert_eq!(after(keys, Echo::Shown), (left.to_owned(), seen.to_owned()), "{keys:?}");
            assert_eq!(after(keys, Echo::Hidden), (left.to_owned(), String::new()), "{keys:?}");
        }
    }

    #[test]
    fn a_line_ends_with_enter_or_without_any_text_or_at_its_bound() {
        let mut line = Line::new(Echo::Hidden);
        assert_eq!(line.press(b'\n'), Pressed::Enter);
        assert_eq!(line.press(b'\r'), Pressed::Enter);
        assert_eq!(line.press(4), Pressed::Failed(io::ErrorKind::UnexpectedEof));
        for _ in 0..MAX_LINE {
            assert_eq!(line.press(b'a'), Pressed::Echo(Vec::new()));
        }
        assert_eq!(line.press(b'a'), Pressed::Failed(io::ErrorKind::FileTooLarge));
        assert_eq!(line.press(b'\n'), Pressed::Enter);
    }
}
