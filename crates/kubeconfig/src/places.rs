//! Where kubeconfigs are, as client-go's `ClientConfigLoadingRules` looks for them.

use std::{ffi::OsString, path::PathBuf};

/// The paths of kubeconfigs, in client-go's order.
pub enum Places {
    /// Named by an option: it must exist to be read.
    Named(Vec<PathBuf>),
    /// Listed in `KUBECONFIG`. client-go skips empty names, which may be all, and files that do not
    /// exist, and reads each once.
    Listed(Vec<PathBuf>),
    /// In the home directory, if that is known.
    Standard(Vec<PathBuf>),
}

impl Places {
    /// The file of `--kubeconfig`, or else those of the variable `KUBECONFIG`, or else the one in
    /// the home directory.
    pub fn of(named: Option<&str>, variable: Option<OsString>, home: Option<PathBuf>) -> Self {
        if let Some(path) = named {
            return Self::Named(vec![PathBuf::from(path)]);
        }
        let Some(list) = variable.filter(|list| !list.is_empty()) else {
            let standard = home.map(|home| home.join(".kube").join("config"));
            return Self::Standard(standard.into_iter().collect());
        };
        let mut paths: Vec<PathBuf> = Vec::new();
        for path in std::env::split_paths(&list) {
            if !path.as_os_str().is_empty() && !paths.contains(&path) {
                paths.push(path);
            }
        }
        Self::Listed(paths)
    }

    /// All of them.
    pub fn paths(&self) -> &[PathBuf] {
        let (Self::Named(paths) | Self::Listed(paths) | Self::Standard(paths)) = self;
        paths
    }
}
