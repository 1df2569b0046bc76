//! Tests of `refresh_secret`.
//! Never uses a real keyring: the program tests in `tests` do.

mod faults;

use std::rc::Rc;

use super::*;

/// A key store in memory that can be made to fail.
#[derive(Clone, Default)]
struct Memory(Rc<RefCell<State>>);

#[derive(Default)]
struct State {
    text: Option<String>,
    /// As gnome-keyring when locked: stored keys are invisible, and none can be added.
    locked: bool,
    /// A user unlocks it when something is added.
    opens: bool,
    absent: bool,
    loads: usize,
}

impl KeyStore for Memory {
    fn load(&self) -> Result<Option<Zeroizing<String>>, KeyTrouble> {
        let mut state = self.0.borrow_mut();
        state.loads += 1;
        if state.absent {
            return Err(KeyTrouble::NoKeyring);
        }
        Ok(state.text.clone().filter(|_| !state.locked).map(Zeroizing::new))
    }

    fn unlock(&self) -> Result<(), KeyTrouble> {
        let mut state = self.0.borrow_mut();
        state.locked &= !state.opens;
        match (state.absent, state.locked) {
            (true, _) => Err(KeyTrouble::NoKeyring),
            (_, true) => Err(KeyTrouble::Locked("prompt dismissed".to_owned())),
            _ => Ok(()),
        }
    }

    fn save(&self, text: &str) -> Result<(), KeyTrouble> {
        let mut state = self.0.borrow_mut();
        state.locked &= !state.opens;
        match (state.absent, state.locked) {
            (true, _) => Err(KeyTrouble::NoKeyring),
            (_, true) => Err(KeyTrouble::Locked("prompt dismissed".to_owned())),
            _ => {
                state.text = Some(text.to_owned());
                Ok(())
            }
        }
    }

    fn remove(&self) -> Result<(), KeyTrouble> {
        self.0.borrow_mut().text = None;
        Ok(())
    }
}

/// A cache directory and its two key stores.
struct Stage {
    _scratch: tempfile::TempDir,
    directory: Directory,
    keyring: Memory,
    key_file: Memory,
}

impl Stage {
    fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let directory = Directory::new(scratch.path().join("cache"));
        let (keyring, key_file) = (Memory::default(), Memory::default());
        Self { _scratch: scratch, directory, keyring, key_file }
    }

    /// As a new process on `machine` sees it.
    fn on(&self, machine: &str) -> RefreshSecrets {
        let (keyring, key_file) = (self.keyring.clone(), self.key_file.clone());
        let (keyring, key_file) = (Box::new(keyring), Box::new(key_file));
        RefreshSecrets::new(&self.directory, keyring, key_file, machine.to_owned())
    }

    fn save(&self, token: &str, wish: Storage) -> Result<Saved, KeyTrouble> {
        self.on("here").save(&key(), &secret(token), None, wish)
    }

    fn load(&self) -> Result<Option<String>, Sealed> {
        let loaded = self.on("here").load(&key())?;
        Ok(loaded.map(|secret| secret.token.expose().to_owned()))
    }

    fn text(&self) -> String {
        let names = self.on("here").names(&key());
        let bytes = names.iter().find_map(|name| self.directory.read(name, MAX_LENGTH));
        String::from_utf8(bytes.unwrap()).unwrap()
    }
}

fn key() -> CacheKey {
    CacheKey::of_client("https://id.example", "k")
}

fn secret(token: &str) -> RefreshSecret {
    RefreshSecret { token: Secret::new(token), subject: Some("alice".to_owned()) }
}

#[test]
fn a_secret_comes_back_from_every_storage_until_it_is_forgotten() {
    for (wish, expected) in [
        (Storage::Auto, Protection::Keyring),
        (Storage::Keyring, Protection::Keyring),
        (Storage::EncryptedFile, Protection::KeyFile),
        (Storage::File, Protection::Plain),
    ] {
        let stage = Stage::new();
        assert_eq!(stage.load().unwrap(), None);
        let saved = stage.save("r1", wish).unwrap();
        assert_eq!((saved.protection, saved.passed_over.len()), (expected, 0));
        assert_eq!(stage.load().unwrap().as_deref(), Some("r1"));
        let loaded = stage.on("here").load(&key()).unwrap().unwrap();
        assert_eq!(loaded.subject.as_deref(), Some("alice"));
        assert_eq!(stage.text().contains("r1\n"), expected == Protection::Plain);
        assert_eq!(stage.on("here").protection(&key()), Some(expected));
        stage.on("here").forget(&key()).unwrap();
        assert_eq!(stage.load().unwrap(), None);
    }
}

#[test]
fn the_key_in_a_keyring_that_is_unlocked_for_the_next_session_stays() {
    let stage = Stage::new();
    stage.save("r1", Storage::Auto).unwrap();
    let before = stage.keyring.0.borrow().text.clone();
    let mut state = stage.keyring.0.borrow_mut();
    (state.locked, state.opens) = (true, true);
    drop(state);
    let other = CacheKey::of_client("https://id.example", "other");
    let saved = stage.on("here").save(&other, &secret("r2"), None, Storage::Auto).unwrap();
    assert_eq!(saved.protection, Protection::Keyring);
    assert_eq!(stage.keyring.0.borrow().text, before);
    assert_eq!(stage.load().unwrap().as_deref(), Some("r1"));
}

#[test]
fn a_keyring_that_is_absent_or_locked_costs_no_token() {
    for locked in [false, true] {
        let stage = Stage::new();
        let mut state = stage.keyring.0.borrow_mut();
        (state.locked, state.absent) = (locked, !locked);
        drop(state);
        for wish in [Storage::Auto, Storage::Keyring] {
            let saved = stage.save("r1", wish).unwrap();
            assert_eq!((saved.protection, saved.passed_over.len()), (Protection::KeyFile, 1));
            assert_eq!(stage.load().unwrap().as_deref(), Some("r1"));
        }
    }
}

#[test]
fn only_auto_falls_back_to_a_plain_file() {
    let stage = Stage::new();
    stage.keyring.0.borrow_mut().absent = true;
    stage.key_file.0.borrow_mut().absent = true;
    assert_eq!(stage.save("r1", Storage::Auto).unwrap().protection, Protection::Plain);
    assert!(stage.save("r2", Storage::Keyring).is_err());
    assert!(stage.save("r2", Storage::EncryptedFile).is_err());
    assert_eq!(stage.load().unwrap().as_deref(), Some("r1"));
}

#[test]
fn a_secret_whose_key_cannot_be_had_stays_where_it_is() {
    let stage = Stage::new();
    stage.save("r1", Storage::Keyring).unwrap();
    stage.keyring.0.borrow_mut().locked = true;
    assert!(matches!(stage.load(), Err(Sealed::NotInKeyring)));
    stage.keyring.0.borrow_mut().absent = true;
    assert!(matches!(stage.load(), Err(Sealed::Trouble(KeyTrouble::NoKeyring))));
    let mut state = stage.keyring.0.borrow_mut();
    (state.locked, state.absent) = (false, false);
    drop(state);
    assert_eq!(stage.load().unwrap().as_deref(), Some("r1"));
}

#[test]
fn files_that_were_copied_to_another_machine_open_nothing() {
    let stage = Stage::new();
    stage.save("r1", Storage::EncryptedFile).unwrap();
    assert!(stage.on("elsewhere").load(&key()).unwrap().is_none());
    let (here, elsewhere) =
        (stage.on("here").sealed_name(&key()), stage.on("elsewhere").sealed_name(&key()));
    stage.directory.write(&elsewhere, stage.text().as_bytes()).unwrap();
    assert!(matches!(stage.on("elsewhere").load(&key()), Err(Sealed::OtherKey)));
    assert!(!here.contains("here") && here != elsewhere, "machine-id(5) asks not to show it");
    stage.key_file.0.borrow_mut().text = None;
    assert!(matches!(stage.load(), Err(Sealed::OtherKey)));
}

#[test]
fn another_storage_option_moves_the_secret_at_the_next_write() {
    let stage = Stage::new();
    for (wish, expected) in [
        (Storage::File, Protection::Plain),
        (Storage::Auto, Protection::Keyring),
        (Storage::EncryptedFile, Protection::KeyFile),
        // A renewal does not move the token to a better place.
        (Storage::Auto, Protection::KeyFile),
        (Storage::File, Protection::Plain),
    ] {
        let before = secret("r0");
        let saved = stage.on("here").save(&key(), &secret("r1"), Some(&before), wish);
        assert_eq!(saved.unwrap().protection, expected);
        assert_eq!(stage.load().unwrap().as_deref(), Some("r1"));
    }
}

#[test]
fn a_job_never_asks_a_keyring() {
    let stage = Stage::new();
    let saved =
        stage.on("here").save(&key(), &secret("r1"), None, Storage::AutoWithoutKeyring).unwrap();
    assert_eq!(saved.protection, Protection::KeyFile);
    assert_eq!(stage.keyring.0.borrow().loads, 0);
}

#[test]
fn an_unchanged_secret_is_not_written_again() {
    let stage = Stage::new();
    stage.save("r1", Storage::EncryptedFile).unwrap();
    let text = stage.text();
    let same = secret("r1");
    let wish = Storage::EncryptedFile;
    stage.on("here").save(&key(), &same, Some(&same), wish).unwrap();
    assert_eq!(stage.text(), text);
    stage.on("here").save(&key(), &same, Some(&same), Storage::File).unwrap();
    assert_ne!(stage.text(), text);
}

#[test]
fn sessions_of_a_directory_share_a_key_that_goes_with_the_last_of_them() {
    let stage = Stage::new();
    let other = CacheKey::of_client("https://id.example", "other");
    stage.save("r1", Storage::Keyring).unwrap();
    let first = stage.keyring.0.borrow().text.clone();
    let secrets = stage.on("here");
    secrets.save(&other, &secret("r2"), None, Storage::Keyring).unwrap();
    assert_eq!(stage.keyring.0.borrow().text, first);
    secrets.forget(&other).unwrap();
    secrets.forget_unused_keys();
    assert_eq!(stage.load().unwrap().as_deref(), Some("r1"));
    secrets.forget(&key()).unwrap();
    secrets.forget_unused_keys();
    assert_eq!(stage.keyring.0.borrow().text, None);
}

#[test]
fn files_of_format_1_are_read_and_torn_ones_hold_no_secret() {
    let stage = Stage::new();
    stage.save("r1", Storage::Keyring).unwrap();
    let sealed = stage.text();
    let other = CacheKey::of_client("https://id.example", "other");
    stage.on("here").forget(&key()).unwrap();
    let put = |text: &str| stage.directory.write(&key().file(KIND), text.as_bytes());
    put("kubectl-login/1\nold\nalice\n").unwrap();
    assert_eq!(stage.load().unwrap().as_deref(), Some("old"));
    for text in [
        "",
        "kubectl-login/1",
        "kubectl-login/1\nr1\nal",
        "kubectl-login/1\n\n\n",
        "kubectl-login/2\nr\ns\n",
        "kubectl-login/3\nr\ns\n",
        "kubectl-login/2 file 0011223344556677\nr\n",
        &sealed[..sealed.len() - 1],
        &sealed.replace('\n', "\n!"),
        &format!("{}A\n", &sealed[..sealed.len() - 2]),
    ] {
        put(text).unwrap();
        assert_eq!(stage.load().unwrap(), None, "{text:?}");
    }
    // A sealed secret belongs to its session.
    stage.directory.write(&other.file(KIND), sealed.as_bytes()).unwrap();
    assert!(stage.on("here").load(&other).unwrap().is_none());
}

#[test]
fn machines_that_share_a_home_keep_a_session_each() {
    for wish in [Storage::Auto, Storage::EncryptedFile] {
        let stage = Stage::new();
        let save = |machine: &str, token: &str| {
            let secrets = stage.on(machine);
            secrets.save(&key(), &secret(token), None, wish).unwrap();
        };
        let load = |machine: &str| {
            let loaded = stage.on(machine).load(&key()).unwrap();
            loaded.map(|secret| secret.token.expose().to_owned())
        };
        // A desktop with a keyring, and a server without one.
        save("desktop", "d1");
        stage.keyring.0.borrow_mut().absent = true;
        save("server", "s1");
        stage.keyring.0.borrow_mut().absent = false;
        for round in 1..5 {
            for machine in ["desktop", "server"] {
                let secrets = stage.on(machine);
                let before = secrets.load(&key()).unwrap().unwrap();
                let next = secret(&format!("{machine}{round}"));
                secrets.save(&key(), &next, Some(&before), wish).unwrap();
                assert_eq!(load(machine).unwrap(), format!("{machine}{round}"), "{wish:?}");
            }
        }
        stage.on("desktop").forget(&key()).unwrap();
        assert_eq!((load("desktop"), load("server").as_deref()), (None, Some("server4")));
    }
}

#[test]
fn what_an_older_version_has_sealed_goes_on_under_the_new_name() {
    let stage = Stage::new();
    stage.save("r1", Storage::EncryptedFile).unwrap();
    let (text, old) = (stage.text(), plain_name(&key()));
    stage.on("here").forget(&key()).unwrap();
    stage.directory.write(&old, text.as_bytes()).unwrap();
    let secrets = stage.on("here");
    let before = secrets.load(&key()).unwrap().unwrap();
    secrets.save(&key(), &secret("r2"), Some(&before), Storage::Auto).unwrap();
    assert!(!stage.directory.has(&old), "the spent one");
    assert_eq!(stage.load().unwrap().as_deref(), Some("r2"));
}

#[test]
fn a_key_made_before_machines_had_ids_here_still_opens() {
    let stage = Stage::new();
    let secrets = stage.on("");
    secrets.save(&key(), &secret("r1"), None, Storage::EncryptedFile).unwrap();
    let before = stage.on("here").load(&key()).unwrap().unwrap();
    assert_eq!(before.token.expose(), "r1");
    let saved = stage.on("here").save(&key(), &secret("r2"), Some(&before), Storage::Auto);
    assert_eq!(saved.unwrap().protection, Protection::KeyFile);
    assert!(stage.on("").load(&key()).unwrap().is_none(), "bound to this machine from now on");
}

#[test]
fn all_that_a_place_needs_is_asked_for_before_there_is_anything_to_keep() {
    let stage = Stage::new();
    stage.save("r1", Storage::Keyring).unwrap();
    let secrets = stage.on("here");
    let before = secrets.load(&key()).unwrap().unwrap();
    let prepared = secrets.prepare(&key(), Some(&before), Storage::Keyring).unwrap();
    let loads = stage.keyring.0.borrow().loads;
    // The keyring fails from now on.
    stage.keyring.0.borrow_mut().absent = true;
    secrets.keep(prepared, &secret("r2")).unwrap();
    assert_eq!(stage.keyring.0.borrow().loads, loads);
    stage.keyring.0.borrow_mut().absent = false;
    assert_eq!(stage.load().unwrap().as_deref(), Some("r2"));
    // A prepared place that is not used leaves nothing.
    drop(secrets.prepare(&key(), Some(&secret("r2")), Storage::Keyring).unwrap());
    assert!(stage.directory.names().iter().all(|name| !name.starts_with(TEMPORARY)));
}

#[test]
fn a_key_that_something_in_the_making_needs_is_not_removed() {
    let stage = Stage::new();
    let other = CacheKey::of_client("https://id.example", "other");
    stage.save("r1", Storage::Keyring).unwrap();
    let secrets = stage.on("here");
    let prepared = secrets.prepare(&other, None, Storage::Keyring).unwrap();
    let leaving = stage.on("here");
    leaving.load(&key()).unwrap();
    leaving.forget(&key()).unwrap();
    leaving.forget_unused_keys();
    secrets.keep(prepared, &secret("r2")).unwrap();
    assert_eq!(stage.on("here").load(&other).unwrap().unwrap().token.expose(), "r2");
}
