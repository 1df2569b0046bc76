//! `cargo xtask demo`: both programs on one host, through the whole loop of a user.
//! Never touches anything outside its scratch folder, never needs a terminal.
//!
//! `steps` prints one line per step, `browser` is the user's browser, `cluster` the part with
//! kubectl and kube-apiserver.

mod browser;
mod cluster;
mod steps;

pub(crate) use browser::{BROWSER, command as browser_command, run as browser};

use crate::{
    Outcome, children,
    dev_server::{Client, Credential, DevServer},
    workspace,
};
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::{
    env, fs,
    io::{IsTerminal as _, Write as _},
    path::Path,
};
use steps::{Steps, from_before};

pub(crate) fn run(arguments: &[String]) -> Result<Outcome> {
    let keep = match arguments {
        [] => false,
        [option] if option == "--keep" => true,
        [unknown, ..] => return Ok(Outcome::Usage(format!("unknown argument `{unknown}`"))),
    };
    children::on_path("curl").context("the demo needs `curl`: please install it")?;
    let is_terminal = std::io::stdout().is_terminal();
    if keep && !is_terminal {
        println!(
            "– `--keep`: left out, there is no terminal in which Ctrl-C would end the servers"
        );
    }
    let keep = keep && is_terminal;
    if keep {
        survive_interrupt()?;
    }
    let programs =
        workspace::build(&["--locked", "--package", "kubectl-login", "--package", "login-server"])?;
    let server = workspace::program(&programs, "login-server")?;
    let client = workspace::program(&programs, "kubectl-login")?;

    let scratch = tempfile::Builder::new().prefix("kubectl-login-demo-").tempdir()?;
    let mut steps = Steps::default();
    let Some(mut running) = sign_in(&mut steps, &server, &client, scratch.path()) else {
        return Ok(steps.finish());
    };
    let parts = cluster::Parts::at_hand();
    let cluster =
        parts.as_ref().and_then(|parts| cluster::show(&mut steps, &running, parts, scratch.path()));
    if parts.is_none() {
        println!(
            "– kubectl and kube-apiserver: left out, they are not at hand; `cargo xtask test` fetches them, or set `KUBEBUILDER_ASSETS`"
        );
    }
    let outcome = steps.finish();
    if matches!(outcome, Outcome::Failed) {
        eprintln!("{}", children::tail(&scratch.path().join("login-server.log"), 2500));
    }
    if keep {
        say_what_to_type(&running, cluster.as_ref())?;
        // Ctrl-C also reaches the server, which ends by itself.
        running.server.background.wait()?;
    }
    drop(cluster);
    drop(running);
    Ok(outcome)
}

/// Server and client after the user has signed in.
pub(crate) struct Running {
    server: DevServer,
    client: Client,
    person: Vec<String>,
}

fn sign_in(steps: &mut Steps, server: &Path, client: &Path, scratch: &Path) -> Option<Running> {
    let client = Client::new(client, scratch);
    let server = steps.run("login-server is ready", || {
        let server = DevServer::start(server, scratch)?;
        let said = format!("issuer {}", server.fact("/issuerUrl")?);
        Ok((server, said))
    })?;
    machine(steps, &server, &client);
    let person = person(steps, &server, &client, scratch);
    reviews(steps, &server, scratch, person.as_ref());
    let person = client.person_arguments(&server).ok()?;
    Some(Running { server, client, person })
}

fn machine(steps: &mut Steps, server: &DevServer, client: &Client) {
    let first = steps.run("a CI job signs in with client id and secret", || {
        let credential = client.run(&client.machine_arguments(server)?, &[])?;
        let said = format!("ExecCredential, expires {}", credential.expires);
        Ok((credential, said))
    });
    let second = steps.run("its next call is answered from the cache", || {
        let first = from_before(first.as_ref())?;
        let second = client.run(&client.machine_arguments(server)?, &[])?;
        ensure!(second.printed == first.printed, "another answer than the first");
        Ok((second, "the same bytes".to_owned()))
    });
    steps.run("`--force-refresh` gets it a new token", || {
        let second = from_before(second.as_ref())?;
        let third = client.run(&client.machine_arguments(server)?, &["--force-refresh"])?;
        ensure!(third.token != second.token, "the same token again");
        Ok(((), format!("expires {}", third.expires)))
    });
}

/// The user's newest credential.
fn person(
    steps: &mut Steps,
    server: &DevServer,
    client: &Client,
    scratch: &Path,
) -> Option<Credential> {
    let first = steps.run("a person signs in with a browser", || {
        let command = browser::command(server, scratch)?;
        let credential = client.run(
            &client.person_arguments(server)?,
            &["--browser-command", &command, "--authentication-timeout-sec=30"],
        )?;
        Ok((
            credential,
            format!("{}, with the password on the sign-in page", server.fact("/user/name")?),
        ))
    });
    // From here on no sign-in is possible: every renewal uses the refresh token.
    let second = steps.run("the next call is answered from the cache", || {
        let first = from_before(first.as_ref())?;
        let second = client.run(&client.person_arguments(server)?, &["--interactive=never"])?;
        ensure!(second.printed == first.printed, "another answer than the first");
        Ok((second, "the same bytes".to_owned()))
    });
    steps.run("the token is renewed, twice, and nobody is asked", || {
        let second = from_before(second.as_ref())?;
        let arguments = client.person_arguments(server)?;
        let third = client.run(&arguments, &["--force-refresh", "--interactive=never"])?;
        let fourth = client.run(&arguments, &["--force-refresh", "--interactive=never"])?;
        ensure!(third.token != second.token && fourth.token != third.token, "the same token again");
        Ok((fourth, "each time with the refresh token of the time before".to_owned()))
    })
}

fn reviews(steps: &mut Steps, server: &DevServer, scratch: &Path, person: Option<&Credential>) {
    steps.run("a TokenReview of that very token says who it is", || {
        let status = server.review(scratch, &from_before(person)?.token)?;
        ensure!(status.get("authenticated") == Some(&Value::Bool(true)), "the answer: {status}");
        let username = status.pointer("/user/username").and_then(Value::as_str).unwrap_or("");
        let groups: Vec<&str> = status
            .pointer("/user/groups")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        ensure!(username == server.fact("/user/name")?, "another user: {status}");
        ensure!(groups == server.groups("/user/groups"), "other groups: {status}");
        Ok(((), format!("user {username}, groups {}", groups.join(", "))))
    });
    steps.run("a tampered token is refused", || {
        let status = server.review(scratch, &tampered(&from_before(person)?.token)?)?;
        ensure!(status.get("authenticated") != Some(&Value::Bool(true)), "the answer: {status}");
        ensure!(status.get("user").is_none_or(|user| user.get("username").is_none()), "{status}");
        Ok(((), format!("{status}")))
    });
}

/// The token with one character of its signature changed.
fn tampered(token: &str) -> Result<String> {
    let (signed, signature) = token.rsplit_once('.').context("the token has no signature")?;
    let mut characters = signature.chars();
    let first = characters.next().context("the token's signature is empty")?;
    let other = if first == 'A' { 'B' } else { 'A' };
    Ok(format!("{signed}.{other}{}", characters.as_str()))
}

/// Starts this program again with SIGINT ignored: at Ctrl-C the servers end, and it cleans up.
#[cfg(unix)]
fn survive_interrupt() -> Result<()> {
    use std::os::unix::process::CommandExt as _;
    const AGAIN: &str = "LOGIN_DEMO_SURVIVES_INTERRUPT";
    if env::var_os(AGAIN).is_some() {
        return Ok(());
    }
    let error = std::process::Command::new("sh")
        .args(["-c", "trap '' INT; exec \"$@\"", "sh"])
        .arg(env::current_exe()?)
        .args(["demo", "--keep"])
        .env(AGAIN, "1")
        .exec();
    Err(error).context("could not start `sh`")
}

#[cfg(not(unix))]
fn survive_interrupt() -> Result<()> {
    Ok(())
}

fn say_what_to_type(running: &Running, cluster: Option<&cluster::Cluster>) -> Result<()> {
    let Running { server, client, person } = running;
    let folder = client.program.parent().unwrap_or(Path::new("."));
    println!("\nThe servers stay up until Ctrl-C. In another terminal:\n");
    println!("  export PATH={}:$PATH", folder.display());
    println!("  export KUBECTL_LOGIN_TOKEN_CACHE_DIR={}", client.token_cache().display());
    println!("  kubectl-login {} # opens your browser", person.join(" "));
    let (user, password) = (server.fact("/user/name")?, server.fact("/user/passwordFile")?);
    println!("  cat {password} # the password of {user}");
    if let Some(cluster) = cluster {
        println!("  export KUBECONFIG={}", cluster.kubeconfig());
        println!("  {} auth whoami", cluster.kubectl().display());
        println!("  {} get namespaces", cluster.kubectl().display());
    }
    Ok(())
}

/// Writes a file that only its owner can read.
fn write_private(file: &Path, text: &str) -> Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(file)?;
    file.write_all(text.as_bytes())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tampered_token_differs_in_its_signature_only() {
        assert_eq!(tampered("h.c.Abc").unwrap(), "h.c.Bbc");
        assert_eq!(tampered("h.c.xbc").unwrap(), "h.c.Abc");
        assert!(tampered("opaque").is_err());
    }
}
