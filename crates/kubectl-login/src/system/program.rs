//! Finds this program's path and the name it was started by; creates links to it.
//! Never runs it.

use std::{
    ffi::{OsStr, OsString},
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};

/// The path of this program.
pub fn path() -> io::Result<PathBuf> {
    std::env::current_exe()
}

/// The words of the command line, the program's own name first.
pub fn words() -> Vec<OsString> {
    std::env::args_os().collect()
}

/// The file name by which the program was started, without `.exe`.
pub fn name_of(first_word: &OsStr) -> Option<&str> {
    Path::new(first_word).file_stem()?.to_str()
}

/// Creates a link at `path`, which must not exist.
#[cfg(unix)]
pub fn link(program: &Path, path: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(program, path)
}

/// Creates a link at `path`, which must not exist.
#[cfg(not(unix))]
pub fn link(program: &Path, path: &Path) -> io::Result<()> {
    fs::hard_link(program, path)
}

/// Creates an executable file, which must not exist.
pub fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o755);
    options.open(path)?.write_all(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_that_of_the_file() {
        for (word, name) in [
            ("kubectl-login", "kubectl-login"),
            ("/usr/bin/kubectl_complete-login", "kubectl_complete-login"),
            ("./kubectl-login.exe", "kubectl-login"),
        ] {
            assert_eq!(name_of(OsStr::new(word)), Some(name));
        }
        assert_eq!(name_of(OsStr::new("")), None);
    }
}
