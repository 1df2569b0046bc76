//! Reads the environment variables, and derives the default folders from them.
//! The only place that reads variables; never sets one.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

/// A source of variables.
pub trait Environment {
    /// The value of a variable, if it is set.
    fn variable(&self, name: &str) -> Option<OsString>;

    /// Whether a variable whose name begins with `prefix` may be set: one check instead of fifty,
    /// where that is faster.
    fn may_have_any(&self, prefix: &str) -> bool;

    /// Whether a variable is set and not empty.
    fn has(&self, name: &str) -> bool {
        self.variable(name).is_some_and(|value| !value.is_empty())
    }

    /// The user's home directory.
    fn home(&self) -> Option<PathBuf> {
        let variable = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
        self.variable(variable).filter(|home| !home.is_empty()).map(PathBuf::from)
    }

    /// The default path of the configuration file, if there is one.
    fn default_configuration_file(&self) -> Option<PathBuf> {
        let base = if cfg!(any(windows, target_os = "macos")) {
            directories::BaseDirs::new().map(|places| places.config_dir().to_owned())
        } else {
            self.variable("XDG_CONFIG_HOME")
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
                .or_else(|| Some(self.home()?.join(".config")))
        };
        base.map(|base| base.join("kubectl-login").join("config.yaml"))
    }

    /// The folder for a user's data, which is neither configuration nor cache. On Windows not in
    /// the local half of a profile, which holds the caches: a copy of one folder must not contain
    /// both an encrypted file and its key.
    fn default_data_directory(&self) -> Option<PathBuf> {
        let base = if cfg!(any(windows, target_os = "macos")) {
            directories::BaseDirs::new().map(|places| places.data_dir().to_owned())
        } else {
            self.variable("XDG_DATA_HOME")
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
                .or_else(|| Some(self.home()?.join(".local/share")))
        };
        base.map(|base| base.join("kubectl-login"))
    }

    /// The default folder of cached tokens: under `KUBECACHEDIR` like kubectl's own cache, else in
    /// the system's folder for caches.
    fn default_cache_directory(&self) -> Option<PathBuf> {
        let named = |name| self.variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let base = named("KUBECACHEDIR").or_else(|| {
            if cfg!(any(windows, target_os = "macos")) {
                directories::BaseDirs::new().map(|places| places.cache_dir().to_owned())
            } else {
                named("XDG_CACHE_HOME").or_else(|| Some(self.home()?.join(".cache")))
            }
        });
        base.map(|base| base.join("kubectl-login"))
    }
}

/// Whether this process runs in a Docker or Podman container: both create a marker file.
pub fn is_container() -> bool {
    ["/.dockerenv", "/run/.containerenv"].iter().any(|mark| Path::new(mark).exists())
}

/// All variables of this process, as its children inherit them.
pub fn variables() -> impl Iterator<Item = (OsString, OsString)> {
    std::env::vars_os()
}

/// The variables of this process.
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    fn variable(&self, name: &str) -> Option<OsString> {
        #[expect(clippy::disallowed_methods, reason = "this is the place that reads variables")]
        std::env::var_os(name)
    }

    fn may_have_any(&self, prefix: &str) -> bool {
        let is_named =
            |(name, _): (OsString, _)| name.as_encoded_bytes().starts_with(prefix.as_bytes());
        // Windows ignores case in names. With glibc, fifty lookups are faster than copying all
        // variables; with musl they are not.
        cfg!(any(windows, target_env = "gnu")) || std::env::vars_os().any(is_named)
    }
}

/// Some variables on top of others, like a kubeconfig's `exec.env`.
pub struct Overlay<'a> {
    /// The upper ones; later ones win, as in client-go.
    pub variables: &'a [(String, String)],
    /// The lower ones.
    pub below: &'a dyn Environment,
}

impl Environment for Overlay<'_> {
    fn variable(&self, name: &str) -> Option<OsString> {
        self.variables
            .iter()
            .rev()
            .find(|(known, _)| known == name)
            .map(|(_, value)| OsString::from(value))
            .or_else(|| self.below.variable(name))
    }

    fn may_have_any(&self, prefix: &str) -> bool {
        self.variables.iter().any(|(name, _)| name.starts_with(prefix))
            || self.below.may_have_any(prefix)
    }
}

/// No variables.
pub struct NoEnvironment;

impl Environment for NoEnvironment {
    fn variable(&self, _: &str) -> Option<OsString> {
        None
    }

    fn may_have_any(&self, _: &str) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(variables: &[(&str, &str)]) -> Option<PathBuf> {
        let variables: Vec<(String, String)> = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Overlay { variables: &variables, below: &NoEnvironment }.default_cache_directory()
    }

    #[test]
    #[cfg(all(unix, not(target_os = "macos")))]
    fn the_cache_is_where_kubectl_and_the_system_keep_theirs() {
        let home = ("HOME", "/home/a");
        for (variables, expected) in [
            (&[home][..], Some("/home/a/.cache/kubectl-login")),
            (&[home, ("XDG_CACHE_HOME", "/x")], Some("/x/kubectl-login")),
            (&[home, ("XDG_CACHE_HOME", "/x"), ("KUBECACHEDIR", "/k")], Some("/k/kubectl-login")),
            // XDG specification: relative paths are invalid and ignored.
            (&[home, ("XDG_CACHE_HOME", "x")], Some("/home/a/.cache/kubectl-login")),
            (&[], None),
            (&[("HOME", "")], None),
        ] {
            assert_eq!(directory(variables), expected.map(PathBuf::from), "{variables:?}");
        }
    }

    #[test]
    fn the_last_of_two_equal_variables_counts() {
        let variables = [("A".to_owned(), "1".to_owned()), ("A".to_owned(), "2".to_owned())];
        let overlay = Overlay { variables: &variables, below: &NoEnvironment };
        assert_eq!(overlay.variable("A"), Some("2".into()));
        assert!(!overlay.has("B"));
    }

    #[test]
    fn keys_and_what_they_open_lie_in_folders_of_their_own() {
        let variables = [("HOME".to_owned(), "/home/a".to_owned())];
        let home = Overlay { variables: &variables, below: &NoEnvironment };
        let (Some(cache), Some(data)) =
            (home.default_cache_directory(), home.default_data_directory())
        else {
            return; // a system without a user's folders
        };
        assert!(!data.starts_with(&cache) && !cache.starts_with(&data), "{cache:?} {data:?}");
    }
}
