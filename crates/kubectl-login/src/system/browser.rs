//! Opens a page in the user's browser.
//! Never waits for the browser to end; never passes it our stdout or secret variables.

use std::{fs::File, io, process::Stdio, time::Duration};

use tokio::process::Command;

use super::{
    command,
    console::Console,
    environment::{self, Environment},
};
use crate::options::target::BrowserChoice;

/// How long the desktop's opener may take; some run until the browser ends.
const OPENER_TIMEOUT: Duration = Duration::from_secs(3);

/// Browsers that use the terminal.
const TEXT_BROWSERS: [&str; 9] =
    ["w3m", "lynx", "links", "links2", "elinks", "www-browser", "browsh", "carbonyl", "edbrowse"];

/// Openers of Unix desktops, in the order in which they are tried.
#[cfg(all(unix, not(target_os = "macos")))]
const OPENERS: [&[&str]; 5] =
    [&["xdg-open"], &["gio", "open"], &["gnome-open"], &["kde-open"], &["x-www-browser"]];

/// How a page was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    /// Not at all: the user has to open it.
    ByPerson,
    /// In a window.
    InWindow,
    /// On the terminal, which belongs to the browser now.
    OnTerminal,
}

/// Opens `url`. Other users of this host can read it among the browser's arguments.
pub async fn open(
    choice: &BrowserChoice,
    url: &str,
    environment: &dyn Environment,
) -> io::Result<Opened> {
    match choice {
        BrowserChoice::PrintOnly => Ok(Opened::ByPerson),
        BrowserChoice::Command(line) => {
            let line = line.allowed().map_err(io::Error::other)?;
            start(&command::words(line), url).map(|(_, opened)| opened)
        }
        BrowserChoice::Default => {
            for words in named_by(environment) {
                if let Ok((_, opened)) = start(&words, url) {
                    return Ok(opened);
                }
            }
            desktop(url, environment).await.map(|()| Opened::InWindow)
        }
    }
}

/// Whether `BROWSER` names a browser with a window.
pub fn is_named(environment: &dyn Environment) -> bool {
    commands_of(environment).iter().any(|words| !is_text_browser(words))
}

#[cfg(all(unix, not(target_os = "macos")))]
async fn desktop(url: &str, environment: &dyn Environment) -> io::Result<()> {
    let mut openers: Vec<Vec<String>> = Vec::new();
    if environment.has("WSL_DISTRO_NAME") {
        // The one of Windows, in case wslu is not installed.
        openers.push(["rundll32.exe", "url.dll,FileProtocolHandler"].map(str::to_owned).to_vec());
    }
    if environment.has("DISPLAY") || environment.has("WAYLAND_DISPLAY") {
        openers.extend(OPENERS.map(|words| words.iter().map(|word| (*word).to_owned()).collect()));
    }
    if openers.is_empty() {
        return Err(io::Error::other("there is no desktop here"));
    }
    let mut failure = io::Error::from(io::ErrorKind::NotFound);
    for words in openers {
        match start(&words, url) {
            // Still running at the time limit: it counts as success.
            Ok((mut child, _)) => match tokio::time::timeout(OPENER_TIMEOUT, child.wait()).await {
                Ok(Ok(status)) if !status.success() => {
                    let name = words.first().map_or("", String::as_str);
                    failure = io::Error::other(format!("`{name}` ended with {status}"));
                }
                _ => return Ok(()),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// The system's own interface, which starts the browser as a child of the desktop.
#[cfg(any(windows, target_os = "macos"))]
async fn desktop(url: &str, _: &dyn Environment) -> io::Result<()> {
    let url = url.to_owned();
    let opener = tokio::task::spawn_blocking(move || webbrowser::open(&url));
    match tokio::time::timeout(OPENER_TIMEOUT, opener).await {
        Ok(outcome) => outcome.map_err(io::Error::other)?,
        Err(_) => Ok(()),
    }
}

/// The commands to try before the desktop's opener. On WSL, wslu's opener: that of the Linux
/// desktop would open nothing.
fn named_by(environment: &dyn Environment) -> Vec<Vec<String>> {
    let mut commands = commands_of(environment);
    if environment.has("WSL_DISTRO_NAME") {
        commands.push(vec!["wslview".to_owned()]);
    }
    commands
}

/// `BROWSER` is a colon-separated list; `%s` stands for the URL.
fn commands_of(environment: &dyn Environment) -> Vec<Vec<String>> {
    let named = environment.variable("BROWSER").and_then(|named| named.into_string().ok());
    named
        .unwrap_or_default()
        .split(':')
        .map(|command| command.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        .filter(|words| !words.is_empty())
        .collect()
}

fn is_text_browser(words: &[String]) -> bool {
    let name = words.first().and_then(|program| program.rsplit('/').next());
    name.is_some_and(|name| TEXT_BROWSERS.contains(&name))
}

/// Starts a program with `url` in place of `%s`, or as the last argument.
fn start(words: &[String], url: &str) -> io::Result<(tokio::process::Child, Opened)> {
    let Some((program, arguments)) = words.split_first() else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let mut command = Command::new(program);
    command.args(arguments.iter().map(|argument| argument.replace("%s", url)));
    if !arguments.iter().any(|argument| argument.contains("%s")) {
        command.arg(url);
    }
    for (name, value) in environment::variables() {
        if is_secret(&name.to_string_lossy(), &value.to_string_lossy()) {
            command.env_remove(name);
        }
    }
    let opened = if is_text_browser(words) {
        if Console::open().is_none() {
            return Err(io::Error::other("there is no terminal for it to draw on"));
        }
        let tty = File::options().read(true).write(true).open(TERMINAL)?;
        command.stdin(tty.try_clone()?).stdout(tty.try_clone()?).stderr(tty);
        Opened::OnTerminal
    } else {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // Ctrl-C, now or later in kubectl, must not reach the user's browser.
        #[cfg(unix)]
        command.process_group(0);
        Opened::InWindow
    };
    // The runtime reaps the process even if nothing awaits it.
    Ok((command.spawn()?, opened))
}

const TERMINAL: &str = if cfg!(windows) { "CONOUT$" } else { "/dev/tty" };

/// Whether a variable must be hidden from the browser and its children: because of its name, or
/// because its value is a token.
fn is_secret(name: &str, value: &str) -> bool {
    const INSIDE: [&str; 7] =
        ["TOKEN", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "CREDENTIAL", "APIKEY"];
    const WORDS: [&str; 4] = ["PASS", "KEY", "JWT", "PAT"];
    let name = name.to_ascii_uppercase();
    // It lets a new window come to the front.
    if name == "XDG_ACTIVATION_TOKEN" {
        return false;
    }
    name.starts_with(crate::options::table::VARIABLES)
        || name == crate::exec_info::VARIABLE
        || INSIDE.iter().any(|word| name.contains(word))
        || name.split('_').any(|word| WORDS.contains(&word))
        || (value.starts_with("eyJ") && value.matches('.').count() == 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::environment::{NoEnvironment, Overlay};

    fn with<T>(variables: &[(&str, &str)], work: impl FnOnce(&dyn Environment) -> T) -> T {
        let variables: Vec<(String, String)> = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        work(&Overlay { variables: &variables, below: &NoEnvironment })
    }

    #[test]
    fn the_commands_of_the_environment_come_first() {
        let named = |variables: &[(&str, &str)]| {
            let commands = with(variables, named_by);
            commands.iter().map(|words| words.join(" ")).collect::<Vec<_>>().join("|")
        };
        assert_eq!(named(&[]), "");
        assert_eq!(named(&[("BROWSER", "firefox -P work %s::w3m")]), "firefox -P work %s|w3m");
        assert_eq!(named(&[("BROWSER", "a"), ("WSL_DISTRO_NAME", "Debian")]), "a|wslview");
    }

    #[test]
    fn a_browser_is_named_where_one_shows_a_window() {
        for (value, expected) in [
            ("", false),
            (":", false),
            ("w3m", false),
            ("/usr/bin/lynx -cfg x:www-browser %s", false),
            ("w3m:firefox", true),
            ("/vscode/bin/helpers/browser.sh", true),
        ] {
            assert_eq!(with(&[("BROWSER", value)], is_named), expected, "{value}");
        }
    }

    #[test]
    fn a_browser_inherits_no_secrets() {
        for (name, value, expected) in [
            ("KUBECTL_LOGIN_CLIENT_SECRET", "x", true),
            ("KUBECTL_LOGIN_FLOW", "browser", true),
            ("KUBERNETES_EXEC_INFO", "{}", true),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "x", true),
            ("SYSTEM_ACCESSTOKEN", "x", true),
            ("AWS_SECRET_ACCESS_KEY", "x", true),
            ("AWS_ACCESS_KEY_ID", "x", true),
            ("GH_TOKEN", "x", true),
            ("DB_PASS", "x", true),
            ("vault_password", "x", true),
            ("OPENAI_API_KEY", "x", true),
            ("MY_JOB", "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", true),
            ("PATH", "/bin", false),
            ("HOME", "/home/a", false),
            ("PWD", "/", false),
            ("DISPLAY", ":0", false),
            ("XAUTHORITY", "/run/x", false),
            ("SSH_AUTH_SOCK", "/run/s", false),
            ("GNOME_KEYRING_CONTROL", "/run/k", false),
            ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/run/b", false),
            ("XDG_ACTIVATION_TOKEN", "x", false),
            ("VSCODE_IPC_HOOK_CLI", "/tmp/v.sock", false),
            ("HTTPS_PROXY", "http://p:3128", false),
            ("WSL_INTEROP", "/run/WSL/1_interop", false),
        ] {
            assert_eq!(is_secret(name, value), expected, "{name}");
        }
    }
}
