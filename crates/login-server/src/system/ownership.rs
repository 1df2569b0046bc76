//! Explains who owns a file, and hands new files to the owner of their folder.
//! Never takes a file from its owner: the superuser only hands over what it has made itself.

use std::path::Path;

/// The owner of a path that this process may not use, and the remedy; none if that is not the
/// reason.
#[cfg(unix)]
pub fn mend(path: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;
    let own = rustix::process::geteuid().as_raw();
    if own == 0 {
        return None;
    }
    // A path that does not exist is created in the nearest existing folder above it.
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

/// Gives the file at `path` to the owner of `folder`, if the superuser works in another user's
/// folder; a server of that user could not open it otherwise. That owner may replace the file by a
/// link, which must not make the superuser give away any other file.
#[cfg(unix)]
pub fn hand_over(path: &Path, folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, fchown};

    use rustix::fs::OFlags;
    let folder = std::fs::metadata(folder)?;
    if rustix::process::geteuid().as_raw() != 0 || folder.uid() == 0 {
        return Ok(());
    }
    // Opening a pipe would otherwise wait for a writer.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).map_err(std::io::Error::other)?;
    let file = std::fs::OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.nlink() != 1 {
        return Err(std::io::Error::other("it has a second name, or is no regular file"));
    }
    if metadata.uid() == 0 {
        fchown(&file, Some(folder.uid()), Some(folder.gid()))?;
    }
    Ok(())
}

/// The name of a user from `/etc/passwd`, or else the number.
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

/// The owner of a file is in its access control list, which this program does not read.
#[cfg(not(unix))]
pub fn mend(_path: &Path) -> Option<String> {
    None
}

/// A new file inherits the access control list of its folder.
#[cfg(not(unix))]
pub fn hand_over(_path: &Path, _folder: &Path) -> std::io::Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::system::files::make_private_file;

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
        let file = folder.path().join("file");
        make_private_file(&file).unwrap();
        assert!(hand_over(&file, folder.path()).is_ok());
    }

    /// Checks something only where tests run as the superuser.
    #[test]
    fn the_superuser_hands_over_what_is_in_the_folder_and_nothing_that_it_leads_to() {
        use std::os::unix::fs::{MetadataExt as _, chown, symlink};
        if rustix::process::geteuid().as_raw() != 0 {
            return;
        }
        let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        chown(folder.path(), Some(1000), Some(1000)).unwrap();
        let own = elsewhere.path().join("shadow");
        let [made, link, name] = ["made", "link", "name"].map(|name| folder.path().join(name));
        make_private_file(&own).unwrap();
        make_private_file(&made).unwrap();
        symlink(&own, &link).unwrap();
        std::fs::hard_link(&own, &name).unwrap();
        let owner = |path: &Path| std::fs::metadata(path).unwrap().uid();
        assert!(hand_over(&link, folder.path()).is_err());
        assert!(hand_over(&name, folder.path()).is_err());
        assert_eq!(owner(&own), 0);
        // Twice: a file that was handed over already stays as it is.
        for _ in 0..2 {
            hand_over(&made, folder.path()).unwrap();
            assert_eq!(owner(&made), 1000);
        }
    }
}
