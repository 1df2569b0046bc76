//! Reads the tokens that int128/kubelogin has cached.
//! Never changes them: kubelogin may still be in use. Never accepts files that another user may
//! have planted: using a planted refresh token signs in as that user.

use std::{
    fs::{self, File},
    io::Read as _,
    path::Path,
};

use login_common::Secret;
use zeroize::Zeroizing;

/// Maximum file size in bytes.
const MAX_LENGTH: u64 = 256 * 1024;

/// Maximum number of files to look at.
const MAX_FILES: usize = 1000;

/// A session of kubelogin.
pub struct CachedTokens {
    /// The last ID token.
    pub id_token: Secret,
    /// The refresh token.
    pub refresh_token: Secret,
}

/// The result of the search.
#[derive(Default)]
pub struct KubeloginSessions {
    /// The sessions of this user.
    pub sessions: Vec<CachedTokens>,
    /// Whether a file was ignored because another user may have planted it.
    pub is_shared: bool,
}

/// The sessions in `directory` that have both tokens. File names are digests of options in Go's own
/// encoding; only the content tells whose session it is.
pub fn read(directory: &Path) -> KubeloginSessions {
    let Ok(listing) = fs::read_dir(directory) else { return KubeloginSessions::default() };
    if !fs::metadata(directory).is_ok_and(|facts| is_ours_alone(&facts)) {
        return KubeloginSessions { is_shared: true, ..KubeloginSessions::default() };
    }
    let is_digest = |name: &str| name.len() == 64 && name.bytes().all(|b| b.is_ascii_hexdigit());
    let mut found = KubeloginSessions::default();
    for file in listing
        .flatten()
        .filter(|file| file.file_name().to_str().is_some_and(is_digest))
        .take(MAX_FILES)
    {
        match open(&file.path()) {
            Opened::File(file) => found.sessions.extend(read_one(file)),
            #[cfg(unix)]
            Opened::Foreign => found.is_shared = true,
            Opened::Nothing => {}
        }
    }
    found
}

enum Opened {
    File(File),
    /// Another user may have written it.
    #[cfg(unix)]
    Foreign,
    Nothing,
}

#[cfg(unix)]
fn open(path: &Path) -> Opened {
    use rustix::fs::{Mode, OFlags};
    // A link leads elsewhere, and opening a pipe blocks.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(descriptor) => {
            let file = File::from(descriptor);
            match file.metadata() {
                Ok(facts) if facts.is_file() && is_ours_alone(&facts) => Opened::File(file),
                Ok(facts) if facts.is_dir() => Opened::Nothing,
                _ => Opened::Foreign,
            }
        }
        Err(rustix::io::Errno::LOOP | rustix::io::Errno::ACCESS) => Opened::Foreign,
        Err(_) => Opened::Nothing,
    }
}

/// Windows: the access list of a profile's folders keeps them private.
#[cfg(not(unix))]
fn open(path: &Path) -> Opened {
    match File::open(path) {
        Ok(file) => Opened::File(file),
        Err(_) => Opened::Nothing,
    }
}

#[cfg(unix)]
fn is_ours_alone(facts: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    facts.uid() == rustix::process::geteuid().as_raw() && facts.mode() & 0o022 == 0
}

#[cfg(not(unix))]
fn is_ours_alone(_: &fs::Metadata) -> bool {
    true
}

fn read_one(file: File) -> Option<CachedTokens> {
    let mut content = Zeroizing::new(Vec::new());
    file.take(MAX_LENGTH).read_to_end(&mut content).ok()?;
    let value: serde_json::Value = serde_json::from_slice(&content).ok()?;
    let text = |key: &str| value.get(key)?.as_str().filter(|text| !text.is_empty());
    Some(CachedTokens {
        id_token: Secret::new(text("id_token")?),
        refresh_token: Secret::new(text("refresh_token")?),
    })
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn what_others_may_have_written_is_left_out() {
        let scratch = tempfile::tempdir().unwrap();
        let directory = scratch.path().join("oidc-login");
        fs::create_dir(&directory).unwrap();
        let closed = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        let file = |letter: &str, mode| {
            let path = directory.join(letter.repeat(64));
            let text = r#"{"id_token":"i","refresh_token":"r"}"#;
            crate::system::kubeconfig_file::replace(&path, text).unwrap();
            closed(&path, mode);
            path
        };
        closed(&directory, 0o700);
        let own = file("a", 0o600);
        let found = read(&directory);
        assert_eq!((found.sessions.len(), found.is_shared), (1, false));
        // Go's umask leaves them readable by others in older versions; readable files cannot be
        // planted.
        closed(&directory, 0o755);
        closed(&own, 0o644);
        assert_eq!(read(&directory).sessions.len(), 1);
        let open = file("b", 0o666);
        let found = read(&directory);
        assert_eq!((found.sessions.len(), found.is_shared), (1, true));
        fs::remove_file(open).unwrap();
        symlink(&own, directory.join("c".repeat(64))).unwrap();
        let pipe = directory.join("d".repeat(64));
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
            0,
        )
        .unwrap();
        let found = read(&directory);
        assert_eq!((found.sessions.len(), found.is_shared), (1, true));
        for mode in [0o777, 0o1777, 0o770] {
            closed(&directory, mode);
            let found = read(&directory);
            assert!(found.sessions.is_empty() && found.is_shared, "{mode:o}");
        }
        assert!(!read(&scratch.path().join("missing")).is_shared);
    }
}
