//! Users: one with a real headless Chromium, and one who fills in forms over plain HTTP.
//! Never types a secret into an argument list: steps come from a file.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::command::{Finished, run};
use crate::components::{Components, node_script};
use crate::scratch::{Scratch, read};
use crate::wait;

/// Events of a browser session that a user would be hurt by.
const BAD: [&str; 4] = ["\"failed\"", "\"script-error\"", "\"console-error\"", "\"foreign\""];

const LIMIT: Duration = Duration::from_mins(1);

/// What a user does on a page.
pub enum Step<'a> {
    /// Waits until a text is visible.
    See(&'a str),
    /// Types a text into the field of a CSS selector.
    Fill(&'a str, &'a str),
    /// Presses the button of a CSS selector.
    Press(&'a str),
    /// Stores a screenshot under a name.
    Shot(&'a str),
}

/// A headless Chromium that follows steps.
pub struct Browser {
    line: Vec<PathBuf>,
    record: PathBuf,
    screenshots: PathBuf,
}

impl Browser {
    /// A browser for one sign-in. `name` begins the names of its screenshots.
    pub fn new(
        components: &Components,
        scratch: &Scratch,
        name: &str,
        steps: &[Step<'_>],
    ) -> Result<Self> {
        let screenshots = match components.screenshots() {
            Some(folder) => folder.to_path_buf(),
            None => scratch.folder("screenshots")?,
        };
        let record = scratch.path().join(format!("browser-{name}.record"));
        let steps: Vec<Value> = steps
            .iter()
            .map(|step| match step {
                Step::See(text) => json!({ "do": "see", "text": text }),
                Step::Fill(field, text) => json!({ "do": "fill", "field": field, "text": text }),
                Step::Press(button) => json!({ "do": "press", "button": button }),
                Step::Shot(name) => json!({ "do": "shot", "name": name }),
            })
            .collect();
        let settings = json!({
            "chromium": components.chromium()?,
            "screenshots": screenshots,
            "name": name,
            "record": record,
            "steps": steps,
        });
        let settings = scratch.file(&format!("browser-{name}.json"), settings.to_string())?;
        let line = vec![
            components.system_program("node")?,
            node_script("browser.mjs"),
            components.node_modules()?,
            settings,
        ];
        Ok(Self { line, record, screenshots })
    }

    /// The value for `--browser-command`.
    pub fn command_line(&self) -> String {
        words(&self.line)
    }

    /// Opens `url` now and follows the steps.
    pub fn open(&self, url: &str) -> Result<Finished> {
        open(&self.line, url)
    }

    /// Waits for the end of a sign-in that the client started in this browser, and fails when a
    /// step failed or a page was unfit for a user: a broken script, something its own policy
    /// forbids, a request to another host.
    pub fn sat_well(&self) -> Result<()> {
        let record = wait::until("the end of a sitting at the browser", LIMIT, || {
            let record = if self.record.exists() { read(&self.record)? } else { String::new() };
            let ended = record.contains("\"done\"") || record.contains("\"failed\"");
            Ok(ended.then_some(record))
        })?;
        let bad = record.lines().any(|line| BAD.iter().any(|kind| line.contains(kind)));
        ensure!(!bad, "{record}");
        Ok(())
    }

    /// Where the screenshots are.
    pub fn screenshots(&self) -> &Path {
        &self.screenshots
    }
}

/// What a user does when the pages ask.
#[derive(Clone, Copy, Debug)]
pub enum Decision {
    /// Signs in and agrees.
    Approve,
    /// Presses the button that declines.
    Cancel,
    /// Closes the window at once.
    Close,
    /// Signs in, agrees, and copies the address of the last page instead of opening it.
    Copy,
}

/// A user who fills in the forms of a sign-in over plain HTTP, without a browser.
pub struct Person<'a> {
    /// The authority of the issuer's certificate.
    pub authority: &'a Path,
    /// The name typed.
    pub login: String,
    /// The password typed.
    pub password: String,
    /// What is answered.
    pub decision: Decision,
}

impl Person<'_> {
    /// The value for `--browser-command`.
    pub fn command_line(&self, components: &Components, scratch: &Scratch) -> Result<String> {
        self.line(components, scratch).map(|line| words(&line))
    }

    /// Opens `url` now, as a user does who read the address from a screen.
    pub fn open(&self, components: &Components, scratch: &Scratch, url: &str) -> Result<Finished> {
        open(&self.line(components, scratch)?, url)
    }

    fn line(&self, components: &Components, scratch: &Scratch) -> Result<Vec<PathBuf>> {
        let decision = match self.decision {
            Decision::Approve => "approve",
            Decision::Cancel => "cancel",
            Decision::Close => "close",
            Decision::Copy => "copy",
        };
        let settings = json!({
            "authority": self.authority,
            "login": self.login,
            "password": self.password,
            "decision": decision,
            "record": visits_file(scratch),
        });
        let name = format!("person-{}-{decision}.json", self.login);
        Ok(vec![
            components.system_program("node")?,
            node_script("person.mjs"),
            scratch.file(&name, settings.to_string())?,
        ])
    }
}

/// How many times users of `scratch` were sent to a page.
pub fn visits(scratch: &Scratch) -> Result<usize> {
    let file = visits_file(scratch);
    if !file.exists() {
        return Ok(0);
    }
    Ok(read(&file)?.lines().count())
}

fn visits_file(scratch: &Scratch) -> PathBuf {
    scratch.path().join("visits")
}

fn open(line: &[PathBuf], url: &str) -> Result<Finished> {
    let (program, arguments) = line.split_first().context("an empty command line")?;
    run(Command::new(program).args(arguments).arg(url), LIMIT)
}

fn words(line: &[PathBuf]) -> String {
    line.iter().map(|word| word.display().to_string()).collect::<Vec<_>>().join(" ")
}
