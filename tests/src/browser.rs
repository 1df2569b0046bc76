//! People: one with a real headless Chromium, and one who fills in forms by plain HTTP.
//! Never types a secret into an argument list: steps come from a file.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use crate::command::{Finished, run};
use crate::components::{Components, node_script};
use crate::scratch::Scratch;

const LIMIT: Duration = Duration::from_mins(1);

/// What a person does on a page.
pub enum Step<'a> {
    /// Waits until a text is to be seen.
    See(&'a str),
    /// Types a text into the field of a CSS selector.
    Fill(&'a str, &'a str),
    /// Presses the button of a CSS selector.
    Press(&'a str),
    /// Keeps a screenshot under a name.
    Shot(&'a str),
}

/// A headless Chromium that follows steps.
pub struct Browser {
    line: Vec<PathBuf>,
    screenshots: PathBuf,
}

impl Browser {
    /// A browser for one sitting. `name` begins the names of its screenshots.
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
            "steps": steps,
        });
        let settings = scratch.file(&format!("browser-{name}.json"), settings.to_string())?;
        let line = vec![
            components.system_program("node")?,
            node_script("browser.mjs"),
            components.node_modules()?,
            settings,
        ];
        Ok(Self { line, screenshots })
    }

    /// The value for `--browser-command`.
    pub fn command_line(&self) -> String {
        words(&self.line)
    }

    /// Opens `url` now and follows the steps.
    pub fn open(&self, url: &str) -> Result<Finished> {
        let (program, arguments) = self.line.split_at(1);
        let mut command = Command::new(program.first().map_or(Path::new("node"), PathBuf::as_path));
        run(command.args(arguments).arg(url), LIMIT)
    }

    /// Where the screenshots are.
    pub fn screenshots(&self) -> &Path {
        &self.screenshots
    }
}

/// The value for `--browser-command` of a person who fills in forms without a browser.
///
/// `settings` is a file as `OidcProvider::person` writes it.
pub fn person(components: &Components, settings: &Path) -> Result<String> {
    Ok(words(&[
        components.system_program("node")?,
        node_script("person.mjs"),
        settings.to_path_buf(),
    ]))
}

fn words(line: &[PathBuf]) -> String {
    line.iter().map(|word| word.display().to_string()).collect::<Vec<_>>().join(" ")
}
