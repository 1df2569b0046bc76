//! Whose files are, and who this process is.
//! Never takes a file from anybody: the superuser hands over what it has made for another.

use std::path::Path;

/// Who owns what this process may not use, and what mends it; nothing where that is not the reason.
#[cfg(unix)]
pub fn mend(path: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;
    let own = rustix::process::geteuid().as_raw();
    if own == 0 {
        return None;
    }
    // What does not exist is made in the nearest folder above it.
    let (path, metadata) =
        path.ancestors().find_map(|path| Some((path, std::fs::metadata(path).ok()?)))?;
    let owner = metadata.uid();
    (owner != own).then(|| advice(path, &name_of(owner), &name_of(own)))
}

#[cfg(unix)]
fn advice(path: &Path, owner: &str, own: &str) -> String {
    let path = path.display();
    format!(
        "`{path}` belongs to {owner}, and this process runs as {own}: run the command as {owner}, \
         or let the superuser run `chown -R {own} {path}`"
    )
}

/// Gives the file at `path` to the owner of `folder`, if the superuser works in the folder of
/// somebody else; who serves from there could not open it.
#[cfg(unix)]
pub fn hand_over(path: &Path, folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, chown};
    if rustix::process::geteuid().as_raw() != 0 {
        return Ok(());
    }
    let (file, folder) = (std::fs::metadata(path)?, std::fs::metadata(folder)?);
    if file.uid() == 0 && folder.uid() != 0 {
        chown(path, Some(folder.uid()), Some(folder.gid()))?;
    }
    Ok(())
}

/// The name of a user, as `/etc/passwd` has it, else the number.
#[cfg(unix)]
fn name_of(user: u32) -> String {
    let known = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    name_in(&known, user).unwrap_or_else(|| user.to_string())
}

#[cfg(unix)]
fn name_in(users: &str, user: u32) -> Option<String> {
    users.lines().find_map(|line| {
        let mut columns = line.split(':');
        let (name, id) = (columns.next()?, columns.nth(1)?);
        (id.parse() == Ok(user)).then(|| name.to_owned())
    })
}

/// Who owns a file is in its access control list, which nobody here reads.
#[cfg(not(unix))]
pub fn mend(_path: &Path) -> Option<String> {
    None
}

/// A new file has the access control list of its folder.
#[cfg(not(unix))]
pub fn hand_over(_path: &Path, _folder: &Path) -> std::io::Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn users_have_names() {
        let users = "root:x:0:0:root:/root:/bin/sh\nlogin:x:1000:1000::/:/bin/sh\nodd\n";
        assert_eq!(name_in(users, 0).as_deref(), Some("root"));
        assert_eq!(name_in(users, 1000).as_deref(), Some("login"));
        assert_eq!(name_in(users, 7), None);
    }

    #[test]
    fn the_owner_and_the_mend_are_named() {
        assert_eq!(
            advice(Path::new("/var/lib/login-server/issuer.db"), "root", "login"),
            "`/var/lib/login-server/issuer.db` belongs to root, and this process runs as login: run \
             the command as root, or let the superuser run `chown -R login \
             /var/lib/login-server/issuer.db`"
        );
    }

    #[test]
    fn nothing_of_our_own_needs_mending() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(mend(&folder.path().join("not/there")), None);
        assert!(hand_over(folder.path(), folder.path()).is_ok());
    }
}
