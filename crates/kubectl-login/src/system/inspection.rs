//! Inspects the host for `doctor`: programs, directories, ports.
//! Never leaves anything behind; never reads the content of a file.

#[cfg(unix)]
use std::fs;
use std::{
    ffi::OsStr,
    net::TcpListener,
    path::{Path, PathBuf},
};

/// The state of a directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DirectoryFacts {
    /// Why nothing can be stored there, if so.
    pub fault: Option<String>,
    /// Whether other users can read it.
    pub readable_by_others: bool,
    /// Whether the file system supports locks, if that could be tried.
    pub locks: Option<bool>,
    /// Free bytes, if the system reports them.
    pub room: Option<u64>,
}

/// The program that `command` starts, resolved as by client-go: a path is relative to the
/// kubeconfig's folder, a bare name is searched on the `PATH`.
pub fn program(command: &str, folder: Option<&Path>, path: Option<&OsStr>) -> Option<PathBuf> {
    if Path::new(command).components().count() > 1 {
        let place = folder.unwrap_or_else(|| Path::new("")).join(command);
        return is_executable(&place).then_some(place);
    }
    let endings: &[&str] = if cfg!(windows) { &["", ".exe", ".cmd", ".bat"] } else { &[""] };
    std::env::split_paths(path?)
        .flat_map(|folder| {
            endings.iter().map(move |ending| folder.join(format!("{command}{ending}")))
        })
        .find(|place| is_executable(place))
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).is_ok_and(|facts| facts.is_file() && facts.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    path.is_file()
}

/// Tries to write and to lock a file in `path`, or in its nearest existing parent.
pub fn directory(path: &Path) -> DirectoryFacts {
    let Some(existing) = path.ancestors().find(|folder| folder.exists()) else {
        return DirectoryFacts {
            fault: Some("it does not exist".to_owned()),
            ..Default::default()
        };
    };
    let mut facts = DirectoryFacts { room: room(existing), ..Default::default() };
    if existing == path {
        facts.fault = exposure(path);
        facts.readable_by_others = is_readable_by_others(path);
    }
    if facts.fault.is_some() {
        return facts;
    }
    match tempfile::Builder::new().prefix(".doctor-").tempfile_in(existing) {
        Ok(file) => facts.locks = Some(file.as_file().try_lock().is_ok()),
        Err(error) => facts.fault = Some(reason(&error)),
    }
    facts
}

/// tempfile repeats the path in its message.
fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" at path ").next().unwrap_or(&text).to_owned()
}

#[cfg(unix)]
fn exposure(path: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;
    let facts = fs::metadata(path).ok()?;
    if !facts.is_dir() {
        return Some("it is no directory".to_owned());
    }
    if facts.uid() != rustix::process::geteuid().as_raw() {
        return Some(format!("it belongs to another user (uid {})", facts.uid()));
    }
    (facts.mode() & 0o022 != 0)
        .then(|| format!("others may write to it (mode {:o})", facts.mode() & 0o777))
}

#[cfg(unix)]
fn is_readable_by_others(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata(path).is_ok_and(|facts| facts.mode() & 0o055 != 0)
}

#[cfg(unix)]
fn room(path: &Path) -> Option<u64> {
    let facts = rustix::fs::statvfs(path).ok()?;
    Some(facts.f_bavail.saturating_mul(facts.f_frsize))
}

#[cfg(not(unix))]
fn exposure(path: &Path) -> Option<String> {
    (!path.is_dir()).then(|| "it is no directory".to_owned())
}

#[cfg(not(unix))]
fn is_readable_by_others(_: &Path) -> bool {
    false
}

#[cfg(not(unix))]
fn room(_: &Path) -> Option<u64> {
    None
}

/// The first port of `addresses` that is free; any loopback port if there are no addresses.
pub fn port(addresses: &[(String, u16)]) -> Result<u16, String> {
    let any = [("127.0.0.1".to_owned(), 0)];
    let addresses = if addresses.is_empty() { &any[..] } else { addresses };
    let mut faults = Vec::new();
    for (host, port) in addresses {
        // For a given port, the redirect URI says `localhost`, which may be either address.
        let other = match host.as_str() {
            "127.0.0.1" | "localhost" if *port != 0 => Some("::1"),
            "::1" if *port != 0 => Some("127.0.0.1"),
            _ => None,
        };
        let bound = TcpListener::bind((host.as_str(), *port)).and_then(|listener| {
            match other.map(|other| TcpListener::bind((other, *port))) {
                Some(Err(error)) if error.kind() == std::io::ErrorKind::AddrInUse => Err(error),
                _ => listener.local_addr(),
            }
        });
        match bound {
            Ok(address) => return Ok(address.port()),
            Err(error) => faults.push(format!("{host}:{port}: {error}")),
        }
    }
    Err(faults.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_taken_or_free() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let taken = listener.local_addr().unwrap().port();
        let address = |port| ("127.0.0.1".to_owned(), port);
        assert!(port(&[address(taken)]).unwrap_err().contains(&taken.to_string()));
        assert!(port(&[address(taken), address(0)]).is_ok());
        if let Ok(foreign) = TcpListener::bind(("::1", 0)) {
            let taken = foreign.local_addr().unwrap().port();
            assert!(port(&[address(taken)]).unwrap_err().contains(&taken.to_string()));
        }
        assert!(port(&[]).is_ok());
    }

    #[test]
    #[cfg(unix)]
    fn a_directory_is_tried_and_left_as_it_was() {
        use std::os::unix::fs::PermissionsExt as _;
        let scratch = tempfile::tempdir().unwrap();
        let place = scratch.path().join("a");
        assert_eq!(directory(&place.join("b/c")).fault, None, "it can be made");
        fs::create_dir(&place).unwrap();
        for (mode, fault, readable) in
            [(0o700, None, false), (0o755, None, true), (0o777, Some("others may write"), true)]
        {
            fs::set_permissions(&place, fs::Permissions::from_mode(mode)).unwrap();
            let facts = directory(&place);
            assert_eq!(facts.fault.is_some(), fault.is_some(), "{facts:?}");
            assert_eq!(facts.readable_by_others, readable, "{facts:?}");
            assert_eq!(facts.locks, fault.is_none().then_some(true));
            assert!(facts.room.is_some());
        }
        assert_eq!(fs::read_dir(&place).unwrap().count(), 0);
    }

    #[test]
    #[cfg(unix)]
    fn a_program_is_found_by_path_or_on_the_path() {
        let here = Path::new("/");
        let path = OsStr::new("/dev/null:/bin");
        assert_eq!(program("sh", None, Some(path)), Some("/bin/sh".into()));
        assert_eq!(program("/bin/sh", None, None), Some("/bin/sh".into()));
        assert_eq!(program("bin/sh", Some(here), None), Some("/bin/sh".into()));
        assert_eq!(program("./nothing", Some(here), Some(path)), None);
        assert_eq!(program("nothing-at-all", None, Some(path)), None);
    }
}
