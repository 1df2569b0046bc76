//! Tests of `system::kubeconfig_file`.
//! Never writes outside a scratch folder.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use super::*;

const SOON: Duration = Duration::from_millis(300);

fn scratch() -> (tempfile::TempDir, PathBuf) {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("kube/config");
    (scratch, path)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_new_file_is_private_and_the_lock_leaves_nothing_behind() {
    let (_scratch, path) = scratch();
    assert_eq!(read(&path).unwrap(), None);
    let lock = lock(&path, SOON, |_| {}).unwrap();
    assert_eq!(mode(&path.with_extension("lock")), 0, "client-go's lock has mode 0");
    replace(&path, "a: 1\n").unwrap();
    drop(lock);
    assert_eq!(read(&path).unwrap().unwrap(), "a: 1\n");
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
}

#[test]
fn a_replaced_file_keeps_its_mode_and_links_are_followed() {
    let (scratch, path) = scratch();
    drop(lock(&path, SOON, |_| {}).unwrap());
    replace(&path, "one").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let (near, far) = (scratch.path().join("near"), scratch.path().join("far"));
    std::os::unix::fs::symlink("kube/config", &near).unwrap();
    std::os::unix::fs::symlink(&near, &far).unwrap();
    let lock = lock(&far, SOON, |_| {}).unwrap();
    assert!(scratch.path().join("far.lock").exists() && path.with_extension("lock").exists());
    replace(&far, "two").unwrap();
    drop(lock);
    assert_eq!((read(&path).unwrap().unwrap(), mode(&path)), ("two".to_owned(), 0o640));
    assert!(fs::symlink_metadata(&far).unwrap().is_symlink());
    assert!(!path.with_extension("lock").exists());
}

#[test]
fn a_file_with_two_names_keeps_both() {
    let (_scratch, path) = scratch();
    drop(lock(&path, SOON, |_| {}).unwrap());
    replace(&path, "one").unwrap();
    let other = path.with_file_name("other");
    fs::hard_link(&path, &other).unwrap();
    replace(&path, "two").unwrap();
    assert_eq!(read(&other).unwrap().unwrap(), "two");
    assert_eq!(fs::metadata(&path).unwrap().nlink(), 2);
}

#[test]
fn a_file_that_cannot_be_written_wholly_stays_as_it_was() {
    let (_scratch, path) = scratch();
    drop(lock(&path, SOON, |_| {}).unwrap());
    replace(&path, "one and two").unwrap();
    for begun in ["on", "more than there was"] {
        let outcome = wholly_or_not(&path, |file| {
            file.write_all(begun.as_bytes())?;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert_eq!(outcome.unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(read(&path).unwrap().unwrap(), "one and two");
    }
    for text in ["short", "longer than before"] {
        write_into(&path, text).unwrap();
        assert_eq!(read(&path).unwrap().unwrap(), text);
    }
}

#[test]
fn only_a_file_that_cannot_be_replaced_is_written_into() {
    use io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem, ResourceBusy, StorageFull};
    for (kind, expected) in [
        (PermissionDenied, true),
        (ReadOnlyFilesystem, true),
        (ResourceBusy, true),
        (StorageFull, false),
    ] {
        assert_eq!(cannot_be_replaced(&kind.into()), expected, "{kind}");
    }
}

#[test]
fn no_lock_is_held_while_another_is_waited_for() {
    let (scratch, path) = scratch();
    let theirs = lock(&path, SOON, |_| {}).unwrap();
    let near = scratch.path().join("near");
    std::os::unix::fs::symlink("kube/config", &near).unwrap();
    let mut was_free = false;
    let outcome = lock(&near, SOON, |_| was_free = !scratch.path().join("near.lock").exists());
    assert!(matches!(outcome, Err(NotLocked::Held(_))) && was_free);
    assert!(!scratch.path().join("near.lock").exists());
    drop(theirs);
    assert!(lock(&near, SOON, |_| {}).is_ok());
}

#[test]
fn a_lock_of_somebody_else_is_waited_for_and_never_taken_away() {
    let (_scratch, path) = scratch();
    let theirs = lock(&path, SOON, |_| {}).unwrap();
    let mut said = Vec::new();
    let outcome = lock(&path, SOON, |text| said.push(text.to_owned()));
    let name = path.with_extension("lock");
    assert!(matches!(&outcome, Err(NotLocked::Held(held)) if *held == name), "{outcome:?}");
    assert!(said.len() == 1 && said[0].contains("config.lock"), "{said:?}");
    assert!(name.exists());
    drop(theirs);
    assert!(lock(&path, SOON, |_| {}).is_ok());
}

#[test]
fn what_is_no_regular_file_is_neither_locked_nor_replaced() {
    let (scratch, _) = scratch();
    let pipe = scratch.path().join("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR).unwrap();
    let link = scratch.path().join("link");
    std::os::unix::fs::symlink("/dev/null", &link).unwrap();
    for path in [&pipe, &link, scratch.path()] {
        assert!(matches!(lock(path, SOON, |_| {}), Err(NotLocked::Io(..))), "{path:?}");
        assert_eq!(replace(path, "a").unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
    assert_eq!(read(&link).unwrap().as_deref(), Some(""), "kubectl's empty kubeconfig");
    let files = fs::read_dir(scratch.path()).unwrap().count();
    assert_eq!(files, 2, "no lock is left");
}

#[test]
fn what_a_killed_change_left_goes_with_the_next_one() {
    let (scratch, path) = scratch();
    drop(lock(&path, SOON, |_| {}).unwrap());
    replace(&path, "one").unwrap();
    let folder = path.parent().unwrap();
    let leftover = |name: &str| {
        let file = File::create(folder.join(name)).unwrap();
        file.set_modified(std::time::UNIX_EPOCH + Duration::from_hours(1)).unwrap();
    };
    let (ours, older) = (".config.kubectl-login-new", ".kubeconfig-a1B2c3");
    let others = [".kubeconfig-mine", ".kubeconfig-a1B2c3d", "kubeconfig-a1B2c3"];
    for name in [ours, older].iter().chain(&others) {
        leftover(name);
    }
    // Another process may be writing it.
    File::create(folder.join(".kubeconfig-b1B2c3")).unwrap();
    replace(&path, "two").unwrap();
    assert_eq!(read(&path).unwrap().unwrap(), "two");
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort_unstable();
    let mut expected = vec!["config", ".kubeconfig-b1B2c3"];
    expected.extend(others);
    expected.sort_unstable();
    assert_eq!(names, expected);
    drop(scratch);
}

#[cfg(target_os = "linux")]
mod extended {
    use rustix::fs::{XattrFlags, fgetxattr_query, fsetxattr};

    use super::*;

    const ACL: &str = "system.posix_acl_access";

    /// `user::rw-,user:65534:r--,group::---,mask::r--,other::---`
    /// (acl(5), linux/posix_acl_xattr.h).
    fn access_list() -> Vec<u8> {
        let entry = |tag: u16, rights: u16, id: u32| {
            [&tag.to_le_bytes()[..], &rights.to_le_bytes(), &id.to_le_bytes()].concat()
        };
        let none = u32::MAX;
        let entries = [
            entry(0x01, 6, none),
            entry(0x02, 4, 65534),
            entry(0x04, 0, none),
            entry(0x10, 4, none),
            entry(0x20, 0, none),
        ];
        [2u32.to_le_bytes().to_vec(), entries.concat()].concat()
    }

    fn set(path: &Path, name: &str, value: &[u8]) -> bool {
        let file = File::open(path).unwrap();
        fsetxattr(&file, name, value, XattrFlags::empty()).is_ok()
    }

    fn value(path: &Path, name: &str) -> Option<Vec<u8>> {
        let file = File::open(path).unwrap();
        let mut value = vec![0; fgetxattr_query(&file, name).ok()?];
        rustix::fs::fgetxattr(&file, name, &mut value[..]).ok()?;
        Some(value)
    }

    #[test]
    fn a_replaced_file_keeps_its_access_list_and_its_attributes() {
        let (_scratch, path) = scratch();
        drop(lock(&path, SOON, |_| {}).unwrap());
        replace(&path, "one").unwrap();
        let has_attributes = set(&path, "user.note", b"mine");
        let has_access_list = set(&path, ACL, &access_list());
        if !has_attributes && !has_access_list {
            return; // nothing of the kind can be lost on this file system
        }
        let before = (mode(&path), value(&path, ACL), value(&path, "user.note"));
        replace(&path, "two").unwrap();
        let after = (mode(&path), value(&path, ACL), value(&path, "user.note"));
        assert_eq!((after, read(&path).unwrap().unwrap()), (before, "two".to_owned()));
    }

    #[test]
    fn a_folder_that_gives_access_to_new_files_gives_none_to_a_replaced_one() {
        let (_scratch, path) = scratch();
        drop(lock(&path, SOON, |_| {}).unwrap());
        replace(&path, "one").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        if !set(path.parent().unwrap(), "system.posix_acl_default", &access_list()) {
            return;
        }
        replace(&path, "two").unwrap();
        assert_eq!((value(&path, ACL), mode(&path)), (None, 0o640));
    }
}
