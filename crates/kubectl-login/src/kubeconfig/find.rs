//! Finds the file that holds a context, a cluster or a user, as client-go merges them, and the file
//! for a new entry.
//! Never writes.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{KubeconfigError, edit::value_of};
use crate::system::{environment::Environment, kubeconfig_file};

/// The user's kubeconfigs: those that exist, in order, and the file for new entries.
pub struct Files {
    files: Vec<(PathBuf, Value)>,
    default_file: PathBuf,
}

/// A context.
pub struct Context<'f> {
    /// Its file.
    pub file: &'f Path,
    /// The name of its user entry.
    pub user: &'f str,
}

/// A user entry.
pub struct UserEntry<'f> {
    /// Its file.
    pub file: &'f Path,
    /// Its name.
    pub name: &'f str,
    /// The value of `user:`, if any.
    pub value: Option<&'f Value>,
}

impl Files {
    /// Reads `kubeconfig`, or else the files of `KUBECONFIG`, or else `~/.kube/config`. None of
    /// them needs to exist: adding an entry creates the file.
    pub fn read(
        environment: &dyn Environment,
        kubeconfig: Option<&str>,
    ) -> Result<Self, KubeconfigError> {
        let paths = paths(environment, kubeconfig)?;
        let mut files = Vec::new();
        for path in &paths {
            let text = kubeconfig_file::read(path)
                .map_err(|source| KubeconfigError::Read { path: path.clone(), source })?;
            if let Some(text) = text {
                let value = value_of(&text).map_err(|fault| fault.of(path))?;
                files.push((path.clone(), value));
            }
        }
        // client-go `PathOptions.GetDefaultFilename`: the first that exists, else the last.
        let first = files.first().map(|(path, _)| path);
        let default_file = first.or(paths.last()).cloned().unwrap_or_default();
        Ok(Self { files, default_file })
    }

    /// Whether none of them exists.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The file for an entry that no file has yet.
    pub fn default_file(&self) -> &Path {
        &self.default_file
    }

    /// The current context's name, if there is one.
    pub fn current_context(&self) -> Option<&str> {
        self.files
            .iter()
            .filter_map(|(_, value)| value.get("current-context")?.as_str())
            .find(|name| !name.is_empty())
    }

    /// The context of that name.
    pub fn context(&self, name: &str) -> Option<Context<'_>> {
        let (file, entry) = self.entries("contexts").find(|(_, entry)| is_named(entry, name))?;
        let user = entry.get("context").and_then(|context| context.get("user")?.as_str());
        Some(Context { file, user: user.unwrap_or_default() })
    }

    /// The names of all clusters, each once.
    pub fn clusters(&self) -> impl Iterator<Item = &str> {
        let mut seen = std::collections::HashSet::new();
        self.entries("clusters")
            .filter_map(|(_, entry)| entry.get("name")?.as_str())
            .filter(move |name| seen.insert(*name))
    }

    /// The names of all contexts whose user is `user`.
    pub fn contexts_of<'f>(&'f self, user: &'f str) -> impl Iterator<Item = &'f str> {
        self.entries("contexts")
            .filter_map(|(_, entry)| entry.get("name")?.as_str())
            .filter(move |name| self.context(name).is_some_and(|context| context.user == user))
    }

    /// The user entry of that name.
    pub fn user(&self, name: &str) -> Option<UserEntry<'_>> {
        self.users().find(|entry| entry.name == name)
    }

    /// Every user entry in effect: the first one of each name.
    pub fn users(&self) -> impl Iterator<Item = UserEntry<'_>> {
        let mut seen = std::collections::HashSet::new();
        self.entries("users").filter_map(move |(file, entry)| {
            let name = entry.get("name")?.as_str()?;
            seen.insert(name).then(|| UserEntry {
                file,
                name,
                value: entry.get("user").filter(|user| !user.is_null()),
            })
        })
    }

    fn entries<'f>(&'f self, key: &'f str) -> impl Iterator<Item = (&'f Path, &'f Value)> {
        self.files.iter().flat_map(move |(path, value)| {
            let items = value.get(key).and_then(Value::as_array).into_iter().flatten();
            items.map(|item| (path.as_path(), item))
        })
    }
}

fn is_named(entry: &Value, name: &str) -> bool {
    entry.get("name").and_then(Value::as_str) == Some(name)
}

fn paths(
    environment: &dyn Environment,
    kubeconfig: Option<&str>,
) -> Result<Vec<PathBuf>, KubeconfigError> {
    if let Some(path) = kubeconfig {
        return Ok(vec![PathBuf::from(path)]);
    }
    let mut paths: Vec<PathBuf> = Vec::new();
    if let Some(list) = environment.variable("KUBECONFIG") {
        for path in std::env::split_paths(&list) {
            if !path.as_os_str().is_empty() && !paths.contains(&path) {
                paths.push(path);
            }
        }
    }
    if paths.is_empty() {
        let home = environment.home().ok_or(KubeconfigError::Nowhere)?;
        paths.push(home.join(".kube").join("config"));
    }
    Ok(paths)
}
