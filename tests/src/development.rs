//! `login-server dev`: everything embedded, described by the one line it prints.
//! Never changes a file that it wrote.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::child::Child;
use crate::command::clean;
use crate::components::Components;
use crate::curl::Curl;
use crate::scratch::{Scratch, read};

const START: Duration = Duration::from_secs(90);

/// `login-server dev`: everything embedded.
pub struct Development {
    facts: Value,
    curl: Curl,
    child: Child,
    _scratch: Scratch,
}

impl Development {
    /// Starts `dev` and reads the line of facts it prints.
    pub fn start(components: &Components) -> Result<Self> {
        let scratch = Scratch::new()?;
        let mut command = clean(components.login_server()?, scratch.path(), &[]);
        command.args(["dev", "-o", "json", "--state-dir"]).arg(scratch.folder("state")?);
        let mut child = Child::start("login-server-dev", &mut command, scratch.path())?;
        let facts = child.wait_for_line("\"issuerUrl\"", START)?;
        let facts: Value = serde_json::from_str(&facts).context("not the line of facts")?;
        let authority = facts["certificateAuthorityFile"].as_str().context("no authority")?;
        let curl = Curl::new(components, Path::new(authority))?;
        Ok(Self { facts, curl, child, _scratch: scratch })
    }

    /// A fact by JSON pointer, such as `/user/name`.
    pub fn fact(&self, pointer: &str) -> Result<&str> {
        let value = self.facts.pointer(pointer).and_then(Value::as_str);
        value.with_context(|| format!("no `{pointer}` in {}", self.facts))
    }

    /// A fact that names a file.
    pub fn file(&self, pointer: &str) -> Result<PathBuf> {
        self.fact(pointer).map(PathBuf::from)
    }

    /// The content of the file that a fact names, without the line end.
    pub fn secret(&self, pointer: &str) -> Result<String> {
        Ok(read(&self.file(pointer)?)?.trim_end().to_owned())
    }

    /// curl that trusts it.
    pub fn curl(&self) -> &Curl {
        &self.curl
    }

    /// The process.
    pub fn process(&mut self) -> &mut Child {
        &mut self.child
    }
}
