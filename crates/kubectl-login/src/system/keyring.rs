//! Accesses the desktop's keyring: one text under one name.
//! Never used on the cached path; never waited for longer than a limit, as the desktop may prompt
//! the user.

use std::{cell::Cell, path::PathBuf, time::Duration};

use login_cache::{
    key_store::{KeyFile, KeyStore, KeyTrouble},
    refresh_secret::RefreshSecrets,
    store::Directory,
};
use zeroize::Zeroizing;

use super::environment::Environment;
use crate::system::host;

/// The name that users see in their keyring's list.
#[cfg(feature = "keyring")]
const SERVICE: &str = "kubectl-login";

/// The name of a temporary item.
const PROBE: &str = "check";

/// Time limit if the desktop may ask the user to unlock the keyring.
const PATIENCE: Duration = Duration::from_secs(30);

/// Time limit if no user can be prompted.
const IMPATIENCE: Duration = Duration::from_secs(3);

/// Whether a user can answer the desktop's prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prompt {
    /// A user can.
    Answered,
    /// It stays on the screen, if there is one.
    Unanswered,
}

/// The refresh tokens in `directory`, sealed with keys in this host's keyring or data directory.
pub fn refresh_secrets(
    environment: &dyn Environment,
    directory: &Directory,
    prompt: Prompt,
) -> RefreshSecrets {
    let name = directory.id();
    let keys = environment.default_data_directory().map(|data| directory.beside(data.join("keys")));
    RefreshSecrets::new(
        directory,
        Box::new(Keyring::new(environment, &name, prompt)),
        Box::new(KeyFile::new(keys, &name)),
        host::machine_id().unwrap_or_default(),
    )
}

/// Checks that a keyring stores what it is given, without a user.
pub fn check(environment: &dyn Environment) -> Result<(), KeyTrouble> {
    Keyring::new(environment, "", Prompt::Unanswered).unlock()
}

/// Stores, reads and removes a temporary item: a desktop unlocks a keyring only when something is
/// added.
fn probe(probe: &Keyring) -> Result<(), KeyTrouble> {
    probe.save("kept for a moment")?;
    let back = probe.load();
    probe.remove()?;
    if back?.is_some_and(|text| text.as_str() == "kept for a moment") {
        Ok(())
    } else {
        Err(KeyTrouble::Forgetful)
    }
}

/// The keyring of Secret Service, macOS or Windows.
#[cfg_attr(not(feature = "keyring"), expect(dead_code, reason = "there is nothing to ask"))]
pub struct Keyring {
    name: String,
    bound: Duration,
    hurry: Cell<Option<Duration>>,
    present: bool,
}

impl Keyring {
    /// The item `name`.
    pub fn new(environment: &dyn Environment, name: &str, prompt: Prompt) -> Self {
        let bound = match prompt {
            Prompt::Answered => PATIENCE,
            Prompt::Unanswered => IMPATIENCE,
        };
        let hurry = Cell::default();
        Self { name: name.to_owned(), bound, hurry, present: is_present(environment) }
    }

    fn bound(&self) -> Duration {
        self.hurry.get().map_or(self.bound, |hurry| hurry.min(self.bound))
    }

    #[cfg(feature = "keyring")]
    fn bounded<T: Send + 'static>(
        &self,
        work: impl FnOnce(&keyring::Entry) -> keyring::Result<T> + Send + 'static,
    ) -> Result<Option<T>, KeyTrouble> {
        if !self.present {
            return Err(KeyTrouble::NoKeyring);
        }
        let (sender, receiver) = std::sync::mpsc::channel();
        let name = self.name.clone();
        // Abandoned when it takes too long: the thread ends with the process.
        std::thread::Builder::new()
            .spawn(move || {
                let outcome = keyring::Entry::new(SERVICE, &name).and_then(|entry| work(&entry));
                // The receiver is gone if the time limit was reached.
                let _ = sender.send(outcome);
            })
            .map_err(|error| KeyTrouble::Failed(error.to_string()))?;
        let bound = self.bound();
        match receiver.recv_timeout(bound) {
            Ok(Ok(value)) => Ok(Some(value)),
            Ok(Err(keyring::Error::NoEntry)) => Ok(None),
            Ok(Err(keyring::Error::NoDefaultStore)) => Err(KeyTrouble::NoKeyring),
            Ok(Err(error @ keyring::Error::NoStorageAccess(_))) => {
                Err(KeyTrouble::Locked(one_line(&error.to_string())))
            }
            Ok(Err(error)) => Err(KeyTrouble::Failed(one_line(&error.to_string()))),
            Err(_) => Err(KeyTrouble::Slow(bound.as_secs())),
        }
    }
}

#[cfg(feature = "keyring")]
impl KeyStore for Keyring {
    fn unlock(&self) -> Result<(), KeyTrouble> {
        // The process id: another process may be probing at this moment.
        let name = format!("{PROBE}-{}", std::process::id());
        probe(&Self { name, hurry: self.hurry.clone(), ..*self })
    }

    fn load(&self) -> Result<Option<Zeroizing<String>>, KeyTrouble> {
        self.bounded(|entry| entry.get_password().map(Zeroizing::new))
    }

    fn save(&self, text: &str) -> Result<(), KeyTrouble> {
        let text = Zeroizing::new(text.to_owned());
        self.bounded(move |entry| entry.set_password(&text)).map(|_| ())
    }

    fn remove(&self) -> Result<(), KeyTrouble> {
        self.bounded(keyring::Entry::delete_credential).map(|_| ())
    }

    fn hurry(&self, bound: Option<Duration>) {
        self.hurry.set(bound);
    }
}

/// The desktop's message is shown to users: one line, without control characters.
#[cfg(feature = "keyring")]
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Without the keyring feature: behaves as if there were no keyring.
#[cfg(not(feature = "keyring"))]
impl KeyStore for Keyring {
    fn unlock(&self) -> Result<(), KeyTrouble> {
        probe(self)
    }

    fn load(&self) -> Result<Option<Zeroizing<String>>, KeyTrouble> {
        Err(KeyTrouble::NoKeyring)
    }

    fn save(&self, _: &str) -> Result<(), KeyTrouble> {
        Err(KeyTrouble::NoKeyring)
    }

    fn remove(&self) -> Result<(), KeyTrouble> {
        Err(KeyTrouble::NoKeyring)
    }

    fn hurry(&self, bound: Option<Duration>) {
        self.hurry.set(bound);
    }
}

/// Secret Service needs a session bus; connecting without one would start one.
fn is_present(environment: &dyn Environment) -> bool {
    let bus_of_session = || {
        let directory = environment.variable("XDG_RUNTIME_DIR").map(PathBuf::from);
        directory.is_some_and(|directory| directory.is_absolute() && directory.join("bus").exists())
    };
    cfg!(feature = "keyring")
        && (cfg!(any(windows, target_os = "macos"))
            || environment.has("DBUS_SESSION_BUS_ADDRESS")
            || bus_of_session())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::environment::NoEnvironment;

    #[test]
    #[cfg(all(unix, not(target_os = "macos")))]
    fn without_a_bus_there_is_no_keyring() {
        let keyring = Keyring::new(&NoEnvironment, "a", Prompt::Unanswered);
        assert!(matches!(keyring.load(), Err(KeyTrouble::NoKeyring)));
        assert!(matches!(keyring.save("x"), Err(KeyTrouble::NoKeyring)));
        assert!(matches!(keyring.remove(), Err(KeyTrouble::NoKeyring)));
        assert!(matches!(check(&NoEnvironment), Err(KeyTrouble::NoKeyring)));
    }
}
