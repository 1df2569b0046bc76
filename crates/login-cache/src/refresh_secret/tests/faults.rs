//! Tests of refresh tokens on a disk whose steps fail.

use std::io;

use super::*;
use crate::disk::{
    Access,
    faulty::{FaultyDisk, Step, Verdict},
};

/// Renews `r1` to `r2` on a disk where `fails` decides; also returns what can be loaded then.
fn renewed(
    wish: Storage,
    fails: impl Fn(Step, bool) -> bool + Send + 'static,
) -> (Result<(), bool>, Option<String>) {
    let stage = Stage::new();
    stage.save("r1", wish).unwrap();
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is_answered = std::sync::Arc::clone(&asked);
    let disk = FaultyDisk::new(move |step, _| {
        let is_answered = is_answered.load(std::sync::atomic::Ordering::SeqCst);
        if fails(step, is_answered) {
            Verdict::Fail(io::ErrorKind::StorageFull.into())
        } else {
            Verdict::Go
        }
    });
    let broken = Stage { directory: Directory::on(disk, stage.directory.path_of("")), ..stage };
    let secrets = broken.on("here");
    let before = secrets.load(&key()).unwrap().unwrap();
    let outcome = match secrets.prepare(&key(), Some(&before), wish) {
        Err(_) => Err(false),
        Ok(prepared) => {
            asked.store(true, std::sync::atomic::Ordering::SeqCst);
            secrets.keep(prepared, &secret("r2")).map(drop).map_err(|_| true)
        }
    };
    (outcome, broken.load().unwrap_or_default())
}

#[test]
fn a_refresh_token_that_could_not_be_replaced_is_not_spent() {
    for wish in [Storage::File, Storage::EncryptedFile, Storage::Keyring] {
        // Read-only: no file can be created or opened for writing.
        let (outcome, kept) = renewed(wish, |step, _| {
            matches!(step, Step::Open(Access::Create | Access::Change | Access::ChangeOrCreate))
        });
        assert_eq!((outcome, kept.as_deref()), (Err(false), Some("r1")), "{wish:?}");
        // Full, down to the last block of the old file.
        let (outcome, kept) = renewed(wish, |step, _| step == Step::Reserve);
        assert_eq!((outcome, kept.as_deref()), (Err(false), Some("r1")), "{wish:?}");
    }
}

#[test]
fn no_single_fault_after_the_answer_costs_the_session() {
    for wish in [Storage::File, Storage::EncryptedFile, Storage::Keyring] {
        for failing in [Step::Rename, Step::Sync, Step::Flush, Step::SyncFolder, Step::Remove] {
            let (outcome, kept) = renewed(wish, move |step, answered| answered && step == failing);
            assert_eq!((outcome, kept.as_deref()), (Ok(()), Some("r2")), "{wish:?} {failing:?}");
        }
        // No file can be created: the old one is overwritten.
        let (outcome, kept) = renewed(wish, |step, _| step == Step::Open(Access::Create));
        assert_eq!((outcome, kept.as_deref()), (Ok(()), Some("r2")), "{wish:?}");
    }
}

#[test]
fn where_nothing_can_be_written_any_more_the_spent_one_goes() {
    for wish in [Storage::File, Storage::EncryptedFile, Storage::Keyring] {
        let (outcome, kept) =
            renewed(wish, |step, answered| answered && matches!(step, Step::Write));
        assert_eq!((outcome, kept), (Err(true), None), "{wish:?}");
        // The file cannot be removed either: it is emptied.
        let (outcome, kept) =
            renewed(wish, |step, answered| answered && matches!(step, Step::Write | Step::Remove));
        assert_eq!((outcome, kept), (Err(true), None), "{wish:?}");
    }
}

#[test]
fn between_the_answer_and_its_place_are_two_steps() {
    for wish in [Storage::File, Storage::EncryptedFile, Storage::Keyring] {
        let stage = Stage::new();
        stage.save("r1", wish).unwrap();
        let disk = FaultyDisk::new(|_, _| Verdict::Go);
        let stage = Stage { directory: Directory::on(disk, stage.directory.path_of("")), ..stage };
        let secrets = stage.on("here");
        let before = secrets.load(&key()).unwrap().unwrap();
        let prepared = secrets.prepare(&key(), Some(&before), wish).unwrap();
        let count = disk.steps().len();
        secrets.keep(prepared, &secret(&"r".repeat(9000))).unwrap();
        assert_eq!(disk.steps()[count..][..2], [Step::Write, Step::Rename], "{wish:?}");
    }
}
