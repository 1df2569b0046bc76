//! Tests of `store`.
//! Never uses a fake file system, except where a step has to fail.

use super::*;
use crate::disk::faulty::{FaultyDisk, Step, Verdict};

fn scratch() -> (tempfile::TempDir, Directory) {
    let scratch = tempfile::tempdir().unwrap();
    let directory = Directory::new(scratch.path().join("a/cache"));
    (scratch, directory)
}

#[test]
fn what_was_written_is_read_and_replaced_as_a_whole() {
    let (_scratch, directory) = scratch();
    assert_eq!(directory.read("x", 100), None);
    directory.write("x", b"one").unwrap();
    assert_eq!(directory.read("x", 100).unwrap(), b"one");
    directory.write_durably("x", b"two!").unwrap();
    assert_eq!(directory.read("x", 100).unwrap(), b"two!");
    assert_eq!(directory.read("x", 3), None);
    let files = fs::read_dir(directory.path_of("")).unwrap().count();
    assert_eq!(files, 1, "no temporary file stays");
    directory.remove("x").unwrap();
    directory.remove("x").unwrap();
    assert_eq!(directory.read("x", 100), None);
}

#[test]
#[cfg(unix)]
fn a_directory_has_one_spelling_before_and_after_it_is_made() {
    let (scratch, directory) = scratch();
    std::os::unix::fs::symlink(scratch.path(), scratch.path().join("link")).unwrap();
    let linked = Directory::new(scratch.path().join("link/a/cache"));
    let before = directory.canonical();
    assert_eq!(linked.canonical(), before);
    directory.prepare().unwrap();
    assert_eq!((directory.canonical(), linked.canonical()), (before.clone(), before));
}

#[test]
#[cfg(unix)]
fn who_was_served_is_noted_on_the_file_itself() {
    let (_scratch, directory) = scratch();
    directory.write("x", b"one").unwrap();
    let served = LastCaller { at: UnixTime::from_seconds(1_769_860_800), to: 4_194_303 };
    directory.open("x", 100).unwrap().note(served);
    let opened = directory.open("x", 100).unwrap();
    assert_eq!((opened.served, opened.content), (Some(served), b"one".to_vec()));
    // New content was not handed out to any caller.
    directory.write("x", b"two").unwrap();
    assert_ne!(directory.open("x", 100).unwrap().served, Some(served));
}

#[test]
fn what_a_killed_write_left_is_swept_and_nothing_else() {
    let (_scratch, directory) = scratch();
    directory.write("x", b"one").unwrap();
    File::create(directory.path_of(".new-a1B2")).unwrap();
    let written = fs::metadata(directory.path_of("x")).unwrap().modified().unwrap();
    let written = written.duration_since(UNIX_EPOCH).unwrap().as_secs();
    let written = UnixTime::from_seconds(i64::try_from(written).unwrap());
    directory.sweep(written.minus(Duration::from_hours(1)));
    assert_eq!(directory.names().len(), 2);
    directory.sweep(written.plus(Duration::from_hours(1)));
    assert_eq!(directory.names(), ["x"]);
}

#[test]
#[cfg(unix)]
fn files_are_0600_in_a_0700_directory() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_scratch, directory) = scratch();
    directory.write("x", b"one").unwrap();
    let mode =
        |name: &str| fs::metadata(directory.path_of(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(""), mode("x")), (0o700, 0o600));
}

#[test]
#[cfg(unix)]
fn a_file_that_others_may_read_is_a_miss() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_scratch, directory) = scratch();
    directory.write("x", b"one").unwrap();
    for mode in [0o640, 0o604, 0o660] {
        fs::set_permissions(directory.path_of("x"), fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(directory.read("x", 100), None, "{mode:o}");
    }
    directory.write("x", b"two").unwrap();
    assert_eq!(directory.read("x", 100).unwrap(), b"two");
}

#[test]
#[cfg(unix)]
fn a_directory_that_others_may_write_to_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_scratch, directory) = scratch();
    directory.prepare().unwrap();
    fs::set_permissions(directory.path_of(""), fs::Permissions::from_mode(0o777)).unwrap();
    assert!(matches!(directory.write("x", b""), Err(StoreError::Exposed(_))));
}

#[test]
fn a_directory_that_is_a_file_or_a_file_that_is_a_directory_is_an_error_or_a_miss() {
    let (scratch, _) = scratch();
    let file = Directory::new(scratch.path().join("file"));
    File::create(scratch.path().join("file")).unwrap();
    assert!(matches!(file.write("x", b""), Err(StoreError::Create { .. })));
    fs::create_dir(scratch.path().join("folder")).unwrap();
    assert_eq!(Directory::new(scratch.path().to_owned()).read("folder", 100), None);
}

/// A directory with `x` = `one` whose steps fail where `fails` says so.
fn failing(fails: impl Fn(Step) -> bool + Send + 'static) -> (tempfile::TempDir, Directory) {
    let (scratch, directory) = scratch();
    directory.write("x", b"one").unwrap();
    let disk = FaultyDisk::new(move |step, _| {
        let full = || io::ErrorKind::StorageFull.into();
        if !fails(step) {
            Verdict::Go
        } else if step == Step::Write {
            Verdict::Half(full())
        } else {
            Verdict::Fail(full())
        }
    });
    let directory = Directory::on(disk, directory.path_of(""));
    (scratch, directory)
}

#[test]
fn a_file_that_cannot_be_replaced_is_written_over() {
    for step in [Step::Open(Access::Create), Step::Rename, Step::SyncFolder] {
        let (_scratch, directory) = failing(move |found| found == step);
        directory.write("x", b"two and more").unwrap();
        assert_eq!(directory.read("x", 100).unwrap(), b"two and more", "{step:?}");
        directory.write("x", b"3").unwrap();
        assert_eq!(directory.read("x", 100).unwrap(), b"3", "{step:?}");
        assert_eq!(directory.names(), ["x"], "{step:?}");
    }
}

#[test]
fn where_a_file_is_not_there_a_fault_is_one() {
    for step in [Step::Folder, Step::Open(Access::Create), Step::Write, Step::Rename] {
        let (_scratch, directory) = failing(move |found| found == step);
        assert!(directory.write("y", b"two").is_err(), "{step:?}");
        assert!(!directory.has("y"), "{step:?}");
    }
}

#[test]
fn a_place_whose_file_has_gone_is_none() {
    let (_scratch, directory) = failing(|step| step == Step::Rename);
    let mut place = directory.place("x").unwrap();
    directory.remove("x").unwrap();
    assert!(place.fill(b"two").is_err(), "it would be written into a file without a name");
}

#[test]
#[cfg(unix)]
fn links_and_pipes_in_the_cache_are_neither_read_nor_written() {
    let (scratch, directory) = scratch();
    directory.prepare().unwrap();
    let foreign = directory.beside(scratch.path().to_owned());
    foreign.write("foreign", b"text").unwrap();
    std::os::unix::fs::symlink(scratch.path().join("foreign"), directory.path_of("x")).unwrap();
    assert_eq!(directory.read("x", 100), None);
    directory.erase("x").unwrap();
    std::os::unix::fs::symlink(scratch.path().join("foreign"), directory.path_of("x")).unwrap();
    directory.write("x", b"mine").unwrap();
    assert_eq!(directory.read("x", 100).unwrap(), b"mine");
    assert_eq!(foreign.read("foreign", 100).unwrap(), b"text");
    // The pipe has no reader or writer.
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mkfifoat(rustix::fs::CWD, directory.path_of("pipe"), mode).unwrap();
    assert_eq!(directory.read("pipe", 100), None);
    directory.write("pipe", b"mine").unwrap();
    assert_eq!(directory.read("pipe", 100).unwrap(), b"mine");
}

#[test]
#[cfg(unix)]
fn what_is_done_in_a_directory_is_done_in_this_one() {
    let (scratch, directory) = scratch();
    directory.write("x", b"one").unwrap();
    let mut place = directory.place("x").unwrap();
    // A process that may rename a parent directory puts another directory in its place.
    let moved = scratch.path().join("moved");
    fs::rename(directory.path_of(""), &moved).unwrap();
    fs::create_dir(directory.path_of("")).unwrap();
    place.fill(b"two").unwrap();
    assert!(directory.names().is_empty());
    assert_eq!(directory.beside(moved).read("x", 100).unwrap(), b"two");
}
