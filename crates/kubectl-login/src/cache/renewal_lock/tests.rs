//! Tests of `cache::renewal_lock`.
//! Never more than one process: those are in `tests/end_to_end.rs`.

use super::*;

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
    first.describe(Work::SigningIn, UnixTime::from_seconds(0));
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
    first.describe(Work::SigningIn, UnixTime::from_seconds(7));
    assert!(try_take(&directory, "k").is_none());
    assert!(try_take(&directory, "other").is_some());
    let holder = holder_of(&directory, "k").unwrap();
    assert_eq!((holder.process, holder.since.as_seconds()), (std::process::id(), 7));
    drop(first);
    assert_eq!(holder_of(&directory, "k"), None);
    let mut second = try_take(&directory, "k").unwrap();
    assert_eq!(second.abandoned, Some(holder));
    assert!(second.abandoned.as_ref().unwrap().was_signing_in());
    second.describe(Work::Renewing, UnixTime::from_seconds(8));
    second.conclude();
    drop(second);
    assert_eq!(try_take(&directory, "k").unwrap().abandoned, None);
}
