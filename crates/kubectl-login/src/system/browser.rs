//! Opens a page in a browser, on behalf of the person.
//! Never waits for the browser, never lets it write to our stdout.

use std::{
    io,
    process::{Command, Stdio},
    time::Duration,
};

use super::{command, environment::Environment};
use crate::options::target::BrowserChoice;

/// How long the desktop's opener may take; some stay until the browser ends.
const OPENER_TIMEOUT: Duration = Duration::from_secs(3);

/// Opens `url`; `Ok(false)` means that the person shall open it.
pub async fn open(
    choice: &BrowserChoice,
    url: &str,
    environment: &dyn Environment,
) -> io::Result<bool> {
    match choice {
        BrowserChoice::PrintOnly => Ok(false),
        BrowserChoice::Command(line) => {
            let line = line.allowed().map_err(io::Error::other)?;
            start(&command::words(line), url).map(|()| true)
        }
        BrowserChoice::Default => {
            if named_by(environment).iter().any(|words| start(words, url).is_ok()) {
                return Ok(true);
            }
            let url = url.to_owned();
            // Knows each desktop's opener, PowerShell from within WSL, and the APIs of macOS and
            // Windows.
            let opener = tokio::task::spawn_blocking(move || webbrowser::open(&url));
            // One that is still busy after that is a good sign.
            if let Ok(outcome) = tokio::time::timeout(OPENER_TIMEOUT, opener).await {
                outcome.map_err(io::Error::other)??;
            }
            Ok(true)
        }
    }
}

/// The commands that come before the desktop's opener. `BROWSER` is a list with colons between;
/// `%s` stands for the address. WSL: wslu's opener, as the Linux desktop's would open nothing.
fn named_by(environment: &dyn Environment) -> Vec<Vec<String>> {
    let mut commands: Vec<Vec<String>> = Vec::new();
    if let Some(named) = environment.variable("BROWSER").and_then(|named| named.into_string().ok())
    {
        commands.extend(
            named
                .split(':')
                .map(|command| command.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
                .filter(|words| !words.is_empty()),
        );
    }
    if environment.has("WSL_DISTRO_NAME") {
        commands.push(vec!["wslview".to_owned()]);
    }
    commands
}

/// `url` in place of `%s`, or as the last argument.
fn start(words: &[String], url: &str) -> io::Result<()> {
    let Some((program, arguments)) = words.split_first() else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    #[expect(clippy::disallowed_methods, reason = "this is the place that starts browsers")]
    let mut command = Command::new(program);
    command.args(arguments.iter().map(|argument| argument.replace("%s", url)));
    if !arguments.iter().any(|argument| argument.contains("%s")) {
        command.arg(url);
    }
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    // Somebody has to take note of its end, or it stays as a zombie while we wait.
    std::thread::spawn(move || child.wait());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::environment::{NoEnvironment, Overlay};

    #[test]
    fn the_commands_of_the_environment_come_first() {
        let named = |variables: &[(&str, &str)]| {
            let variables: Vec<(String, String)> = variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect();
            let commands = named_by(&Overlay { variables: &variables, below: &NoEnvironment });
            commands.iter().map(|words| words.join(" ")).collect::<Vec<_>>().join("|")
        };
        assert_eq!(named(&[]), "");
        assert_eq!(named(&[("BROWSER", "firefox -P work %s::w3m")]), "firefox -P work %s|w3m");
        assert_eq!(named(&[("BROWSER", "a"), ("WSL_DISTRO_NAME", "Debian")]), "a|wslview");
    }
}
