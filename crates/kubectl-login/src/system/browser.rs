//! Opens a page in a browser, on behalf of the person.
//! Never waits for the browser, never lets it write to our stdout.

use std::{
    io,
    process::{Command, Stdio},
};

use crate::options::target::BrowserChoice;

/// Opens `url`; `Ok(false)` means that the person shall open it.
pub async fn open(choice: &BrowserChoice, url: &str) -> io::Result<bool> {
    match choice {
        BrowserChoice::PrintOnly => Ok(false),
        BrowserChoice::Default => {
            let url = url.to_owned();
            // The desktop's opener may take its time.
            tokio::task::spawn_blocking(move || webbrowser::open(&url))
                .await
                .map_err(io::Error::other)??;
            Ok(true)
        }
        BrowserChoice::Command(words) => {
            let Some((program, arguments)) = words.split_first() else { return Ok(false) };
            #[expect(clippy::disallowed_methods, reason = "this is the place that starts browsers")]
            let mut child = Command::new(program)
                .args(arguments)
                .arg(url)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()?;
            // Somebody has to take note of its end, or it stays as a zombie while we wait.
            std::thread::spawn(move || child.wait());
            Ok(true)
        }
    }
}
