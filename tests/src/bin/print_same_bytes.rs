//! The floor of the cached path: opens one file, prints its bytes.
//! Never parses them: a clock, arguments and JSON are what kubectl-login may cost beyond this.

use std::{
    fs::File,
    io::{Read as _, Write as _},
};

fn main() -> std::io::Result<()> {
    let mut bytes = Vec::new();
    // The file's name is the one argument.
    if let Some(file) = std::env::args_os().nth(1) {
        File::open(file)?.read_to_end(&mut bytes)?;
    }
    std::io::stdout().lock().write_all(&bytes)
}
