//! Tests of `renewal_lock`.
//! Never starts more than one process: `tests/program/end_to_end.rs` does.

use super::*;
use crate::disk::faulty::{FaultyDisk, Step, Verdict};

/// The longest time that a holder's work may take.
const LONGEST: Duration = Duration::from_mins(3);

const NEVER: fn() -> Option<()> = || None;

fn scratch() -> (tempfile::TempDir, Directory) {
    let scratch = tempfile::tempdir().unwrap();
    let directory = Directory::new(scratch.path().join("cache"));
    (scratch, directory)
}

fn held(taken: Taken<()>) -> RenewalLock {
    match taken {
        Taken::Lock(lock) => lock,
        Taken::Adopted(()) => panic!("adopted"),
    }
}

#[test]
fn a_wait_is_bounded_and_names_the_holder() {
    let (_scratch, directory) = scratch();
    let bound = Duration::from_millis(30);
    let mut first = held(take(&directory, "k", bound, NEVER, |_| ()).unwrap());
    assert!(!first.waited);
    first.describe(Work::SigningIn, UnixTime::from_seconds(0), LONGEST);
    let error = take(&directory, "k", bound, NEVER, |_| ()).err().unwrap().to_string();
    let expected = format!(
        "process {}, which has been signing in since 1970-01-01T00:00:00Z, has not finished within 0 seconds",
        std::process::id()
    );
    assert_eq!(error, expected);
    drop(first);
    assert!(!held(take(&directory, "k", bound, NEVER, |_| ()).unwrap()).waited);
}

#[test]
fn whoever_waits_adopts_a_result_that_comes_in() {
    let (_scratch, directory) = scratch();
    let bound = Duration::from_secs(10);
    let _first = held(take(&directory, "k", bound, NEVER, |_| ()).unwrap());
    let mut asked = 0;
    let adopt = || {
        asked += 1;
        (asked == 3).then_some("result")
    };
    let taken = take(&directory, "k", bound, adopt, |_| ()).unwrap();
    assert!(matches!(taken, Taken::Adopted("result")));
}

#[test]
fn of_many_threads_one_at_a_time_has_it() {
    use std::sync::atomic::{AtomicU32, Ordering};
    let (_scratch, directory) = scratch();
    let (inside, total) = (AtomicU32::new(0), AtomicU32::new(0));
    std::thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| {
                let lock = take(&directory, "k", Duration::from_mins(1), NEVER, |_| ());
                let _lock = held(lock.unwrap());
                assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                std::thread::yield_now();
                inside.fetch_sub(1, Ordering::SeqCst);
                total.fetch_add(1, Ordering::SeqCst);
            });
        }
    });
    assert_eq!(total.load(Ordering::SeqCst), 20);
}

#[test]
fn foreign_text_in_the_lock_file_is_not_repeated() {
    let (_scratch, directory) = scratch();
    let mut lock = held(take(&directory, "k", Duration::ZERO, NEVER, |_| ()).unwrap());
    lock.file.write_all(b"kubectl-login/1\n1 1970-01-01T00:00:00Z \x1b[2J\n").unwrap();
    let error = take(&directory, "k", Duration::ZERO, NEVER, |_| ()).err().unwrap();
    assert_eq!(error.to_string(), "another kubectl-login has not finished within 0 seconds");
}

#[test]
fn a_holder_that_ended_without_a_word_is_known_to_the_next() {
    let (_scratch, directory) = scratch();
    let mut first = try_take(&directory, "k").unwrap();
    assert_eq!(first.abandoned, None);
    first.describe(Work::SigningIn, UnixTime::from_seconds(7), LONGEST);
    assert!(try_take(&directory, "k").is_none());
    assert!(try_take(&directory, "other").is_some());
    let holder = holder_of(&directory, "k").unwrap();
    assert_eq!((holder.process, holder.since.as_seconds()), (std::process::id(), 7));
    drop(first);
    assert_eq!(holder_of(&directory, "k"), None);
    let mut second = try_take(&directory, "k").unwrap();
    assert_eq!(second.abandoned, Some(holder));
    assert!(second.abandoned.as_ref().unwrap().was_signing_in());
    second.describe(Work::Renewing, UnixTime::from_seconds(8), LONGEST);
    second.conclude();
    drop(second);
    assert_eq!(try_take(&directory, "k").unwrap().abandoned, None);
}

#[test]
fn a_holder_says_how_long_its_work_takes_and_older_ones_do_not() {
    let at = UnixTime::from_seconds;
    let (_scratch, directory) = scratch();
    let mut lock = try_take(&directory, "k").unwrap();
    lock.describe(Work::Renewing, at(1000), Duration::from_mins(1));
    let holder = holder_of(&directory, "k").unwrap();
    assert_eq!(
        (holder.what.as_str(), holder.within),
        ("renewing a token", Some(Duration::from_mins(1)))
    );
    let older = Holder::parse("kubectl-login/1\n7 1970-01-01T00:16:40Z signing in\n").unwrap();
    assert!(older.was_signing_in() && older.within.is_none());
    // Durations too long to add or to wait for are capped.
    let text = format!(
        "kubectl-login/1\n7 1970-01-01T00:16:40Z signing in, within {} seconds\n",
        u64::MAX
    );
    let endless = Holder::parse(&text).unwrap();
    for (holder, now, left) in [
        (&endless, 1000, 7200),
        (&holder, 1000, 60),
        (&holder, 1059, 1),
        (&holder, 1060, 0),
        (&older, 1060, 120),
        // The clock was set back, or belongs to another host.
        (&holder, 0, 60),
    ] {
        assert_eq!(holder.time_left(at(now), LONGEST), Duration::from_secs(left), "{now}");
    }
}

#[test]
fn the_bound_is_that_of_the_work_which_the_lock_names() {
    let (_scratch, directory) = scratch();
    let mut first = try_take(&directory, "k").unwrap();
    first.describe(Work::Renewing, UnixTime::from_seconds(0), Duration::ZERO);
    let bound =
        |holder: Option<&Holder>| holder.and_then(|holder| holder.within).unwrap_or(LONGEST);
    let taken = take_from(&directory, "k", bound, NEVER, |_| ());
    assert!(matches!(taken, Err(LockError::Busy { .. })));
}

#[test]
fn where_files_cannot_be_locked_this_machine_has_a_place_that_can() {
    use rustix::io::Errno;
    for errno in [Errno::NOLCK, Errno::OPNOTSUPP, Errno::NOSYS] {
        let scratch = tempfile::tempdir().unwrap();
        let shared = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
        let is_shared = std::sync::Arc::clone(&shared);
        // The first lock of each attempt is on the shared file system, the next is not.
        let disk = FaultyDisk::new(move |step, name| match step {
            Step::Open(_) => {
                is_shared.store(name == "k.lock", std::sync::atomic::Ordering::SeqCst);
                Verdict::Go
            }
            Step::Lock if is_shared.load(std::sync::atomic::Ordering::SeqCst) => {
                Verdict::Fail(io::Error::from_raw_os_error(errno.raw_os_error()))
            }
            _ => Verdict::Go,
        });
        let directory = Directory::on(disk, scratch.path().join("cache"));
        // No place supports locks: reported at once, without waiting.
        let taken = take(&directory, "k", LONGEST, NEVER, |_| ());
        assert!(matches!(taken, Err(LockError::Unsupported { .. })), "{errno}");
        disk.set_runtime_folder(scratch.path().join("run"));
        let mut said = Vec::new();
        let mut first =
            held(take(&directory, "k", LONGEST, NEVER, |text| said.push(text.to_owned())).unwrap());
        assert!(said.len() == 1 && said[0].contains("cannot lock"), "{said:?}");
        first.describe(Work::Renewing, UnixTime::from_seconds(7), LONGEST);
        assert!(try_take(&directory, "k").is_none());
        assert_eq!(holder_of(&directory, "k").unwrap().since.as_seconds(), 7);
        let busy = take(&directory, "k", Duration::ZERO, NEVER, |_| ()).err().unwrap();
        assert!(busy.to_string().contains("renewing a token"), "{busy}");
        drop(first);
        // Reported once only.
        let mut said = Vec::new();
        held(take(&directory, "k", LONGEST, NEVER, |text| said.push(text.to_owned())).unwrap());
        assert_eq!(said, Vec::<String>::new());
        // Another directory has other locks.
        let other = Directory::on(disk, scratch.path().join("other"));
        let _first = try_take(&directory, "k").unwrap();
        assert!(try_take(&other, "k").is_some());
    }
}

#[test]
#[cfg(unix)]
fn a_lock_is_never_on_a_file_that_is_not_ours_alone() {
    let (scratch, directory) = scratch();
    directory.prepare().unwrap();
    let foreign = scratch.path().join("foreign");
    directory.beside(scratch.path().to_owned()).write("foreign", b"text").unwrap();
    std::os::unix::fs::symlink(&foreign, directory.path_of("k.lock")).unwrap();
    assert!(try_take(&directory, "k").is_none());
    assert!(matches!(take(&directory, "k", LONGEST, NEVER, |_| ()), Err(LockError::Store(_))));
    assert_eq!(std::fs::read(&foreign).unwrap(), b"text", "a link was followed");
    directory.remove("k.lock").unwrap();
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mkfifoat(rustix::fs::CWD, directory.path_of("k.lock"), mode).unwrap();
    assert!(try_take(&directory, "k").is_none(), "a pipe");
    assert_eq!(holder_of(&directory, "k"), None);
}

#[test]
fn a_wait_ends_little_later_than_what_it_waits_for_and_polls_seldom_when_that_takes_long() {
    let polls = |until: Duration| {
        let (mut so_far, mut polls) = (Duration::ZERO, 0);
        while so_far < until {
            so_far += until_next_poll(so_far);
            polls += 1;
        }
        (so_far, polls)
    };
    for (renewal, latest, most) in [(7, 8, 4), (40, 43, 20), (200, 213, 50), (60_000, 60_100, 700)]
    {
        let (noticed, polls) = polls(Duration::from_millis(renewal));
        assert!(noticed <= Duration::from_millis(latest), "{renewal} ms: after {noticed:?}");
        assert!(polls <= most, "{renewal} ms: {polls} polls");
    }
}
