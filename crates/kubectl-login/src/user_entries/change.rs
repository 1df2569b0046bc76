//! Applies edits to kubeconfigs: lock, read, change, check, replace; or previews the result.
//! Never changes more than the edits say.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use kubeconfig::{
    KubeconfigFault,
    edit::{self, Edit},
};

use super::{KubeconfigError, difference};
use crate::system::{
    kubeconfig_file::{self, NotLocked},
    terminal::Terminal,
};

/// kubectl holds its lock for milliseconds.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Edits and the file that each is for.
#[derive(Default)]
pub struct Change(Vec<(PathBuf, Edit)>);

impl Change {
    /// Adds an edit of `file`.
    pub fn add(&mut self, file: &Path, edit: Edit) {
        self.0.push((file.to_owned(), edit));
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each file once, with its edits.
    fn files(&self) -> Vec<(&Path, Vec<Edit>)> {
        let mut files: Vec<(&Path, Vec<Edit>)> = Vec::new();
        for (path, edit) in &self.0 {
            match files.iter_mut().find(|(known, _)| *known == path) {
                Some((_, edits)) => edits.push(edit.clone()),
                None => files.push((path, vec![edit.clone()])),
            }
        }
        files
    }

    /// The change to the files as a unified diff, without secrets.
    pub fn preview(&self) -> Result<String, KubeconfigError> {
        let mut shown = String::new();
        for (path, edits) in self.files() {
            let before = read(path)?;
            let after = edit::apply(&before, &edits)
                .map_err(|fault| KubeconfigError::of(fault, path, &edits))?;
            shown.push_str(&difference::unified(path, &before, &after));
        }
        Ok(shown)
    }

    /// Changes the files. Returns whether any file differs now.
    pub fn carry_out(&self, terminal: &dyn Terminal) -> Result<bool, KubeconfigError> {
        let mut is_any_changed = false;
        for (path, edits) in self.files() {
            let say = |text: &str| terminal.say(&format!("{}: {text}", path.display()));
            let _lock =
                kubeconfig_file::lock(path, LONGEST_WAIT, say).map_err(|reason| match reason {
                    NotLocked::Held(lock) => KubeconfigError::Locked(lock).unchanged(path),
                    NotLocked::Io(path, source) => KubeconfigError::Write { path, source },
                })?;
            let before = read(path)?;
            let after = edit::apply(&before, &edits)
                .map_err(|fault| KubeconfigError::of(fault, path, &edits))?;
            if after != before {
                is_any_changed = true;
                kubeconfig_file::replace(path, &after)
                    .map_err(|source| KubeconfigError::Write { path: path.to_owned(), source })?;
            }
        }
        Ok(is_any_changed)
    }
}

fn read(path: &Path) -> Result<String, KubeconfigError> {
    kubeconfig_file::read(path)
        .map(Option::unwrap_or_default)
        .map_err(|source| KubeconfigFault::Read { path: path.to_owned(), source }.into())
}
