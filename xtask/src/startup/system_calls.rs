//! Reads the output of `strace -f -o`: which system calls, which files.
//! Never decides what is too much: it only reports.

use std::collections::BTreeMap;

/// No network, no thread, no child, no lock on the cached path.
const FORBIDDEN: [&str; 16] = [
    "socket",
    "socketpair",
    "connect",
    "bind",
    "listen",
    "accept",
    "accept4",
    "sendto",
    "recvfrom",
    "clone",
    "clone3",
    "fork",
    "vfork",
    "flock",
    "add_key",
    "keyctl",
];

pub(crate) struct Trace {
    /// Name and arguments, in order.
    calls: Vec<(String, String)>,
}

impl Trace {
    pub(crate) fn read(log: &str) -> Self {
        Self { calls: log.lines().filter_map(read_line).collect() }
    }

    /// `3 read, 2 openat, …`, the most frequent first.
    pub(crate) fn summary(&self) -> String {
        let mut counts = BTreeMap::<&str, usize>::new();
        for (name, _) in &self.calls {
            *counts.entry(name).or_default() += 1;
        }
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by(|(a, m), (b, n)| n.cmp(m).then(a.cmp(b)));
        let said: Vec<String> = counts.iter().map(|(name, n)| format!("{n} {name}")).collect();
        format!("{} in all: {}", self.calls.len(), said.join(", "))
    }

    pub(crate) fn forbidden(&self) -> Vec<String> {
        self.calls
            .iter()
            .filter(|(name, arguments)| {
                FORBIDDEN.contains(&name.as_str())
                    || (name == "fcntl" && arguments.contains("SETLK"))
            })
            .map(|(name, arguments)| format!("{name}({arguments}"))
            .collect()
    }

    /// Paths opened here and not in `floor`, without the loader's libraries.
    pub(crate) fn opened_beside(&self, floor: &Self) -> Vec<String> {
        self.paths_beside(floor, |is_missing| !is_missing)
    }

    /// The same for paths that do not exist (`ENOENT`).
    pub(crate) fn missing_beside(&self, floor: &Self) -> Vec<String> {
        self.paths_beside(floor, |is_missing| is_missing)
    }

    fn paths_beside(&self, floor: &Self, wanted: fn(bool) -> bool) -> Vec<String> {
        let known = floor.opened(wanted);
        let is_library = |path: &String| {
            ["/lib", "/usr/lib", "/etc/ld.so"].iter().any(|folder| path.starts_with(folder))
        };
        self.opened(wanted)
            .into_iter()
            .filter(|path| !known.contains(path) && !is_library(path))
            .collect()
    }

    fn opened(&self, wanted: fn(bool) -> bool) -> Vec<String> {
        self.calls
            .iter()
            .filter(|(name, _)| ["open", "openat", "openat2", "creat"].contains(&name.as_str()))
            .filter(|(_, arguments)| wanted(arguments.contains("= -1 ENOENT")))
            .filter_map(|(_, arguments)| arguments.split('"').nth(1).map(str::to_owned))
            .collect()
    }
}

/// Parses `1234  openat(AT_FDCWD, "…", O_RDONLY) = 3`; signals and exits are not calls.
fn read_line(line: &str) -> Option<(String, String)> {
    let call = line.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start();
    let (name, arguments) = call.split_once('(')?;
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    is_name.then(|| (name.to_owned(), arguments.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = r#"77    execve("/bin/x", ["x"], 0x7ffd /* 20 vars */) = 0
77    openat(AT_FDCWD, "/etc/ld.so.cache", O_RDONLY|O_CLOEXEC) = 3
77    openat(AT_FDCWD, "/lib/x86_64-linux-gnu/libc.so.6", O_RDONLY|O_CLOEXEC) = 3
77    openat(AT_FDCWD, "/proc/self/maps", O_RDONLY|O_CLOEXEC) = 3
77    openat(AT_FDCWD, "/home/a/config", O_RDONLY|O_CLOEXEC) = -1 ENOENT (No such file or directory)
77    openat(AT_FDCWD, "/home/a/cache/entry", O_RDONLY|O_CLOEXEC) = 3
77    fcntl(3, F_GETFD) = 1
77    write(1, "{}", 2) = 2
77    exit_group(0) = ?
77    +++ exited with 0 +++
"#;

    #[test]
    fn a_quiet_program_opens_only_its_file() {
        let floor = Trace::read(r#"1 openat(AT_FDCWD, "/proc/self/maps", O_RDONLY) = 3"#);
        let trace = Trace::read(LOG);
        assert_eq!(trace.opened_beside(&floor), ["/home/a/cache/entry"]);
        assert_eq!(trace.missing_beside(&floor), ["/home/a/config"]);
        assert!(trace.forbidden().is_empty());
        assert!(trace.summary().starts_with("9 in all: 5 openat, "), "{}", trace.summary());
    }

    #[test]
    fn sockets_threads_and_locks_are_named() {
        let trace = Trace::read(
            "socket(AF_INET, SOCK_STREAM, 0) = 3\nclone3({flags=0}, 88) = 9\nfcntl(3, F_OFD_SETLK, {}) = 0\nflock(3, LOCK_EX) = 0\n",
        );
        assert_eq!(trace.forbidden().len(), 4);
    }
}
