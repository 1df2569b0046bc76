//! kubectl on a terminal with a person at it: addresses, codes, Ctrl-C.
//! Never a terminal that only looks like one.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use login_tests::browser::Decision;
use login_tests::terminal::Terminal;

use crate::world::{Case, World};

pub(crate) const CASES: &[Case] = &[
    ("a_device_code_is_shown_on_the_terminal_and_kubectl_goes_on_after_it", device),
    ("ctrl_c_ends_a_sign_in_and_leaves_nothing_behind", interrupted),
];

const LIMIT: Duration = Duration::from_secs(30);

fn device(world: &World) -> Result<()> {
    let client = world.lonely_client()?.with(&["--flow", "device", "--scope", "groups,profile"]);
    let kubectl = world.kubectl(&client)?;
    let mut terminal = Terminal::run(&kubectl.command(&["get", "namespaces"]))?;
    let url = terminal.see("or open ", LIMIT)?;
    let url = url.split_whitespace().next().context("no address")?;
    let person = world.provider.person("alice", Decision::Approve);
    let opened = person.open(&world.components, client.scratch(), url)?;
    let code = terminal.end(LIMIT).with_context(|| format!("the person: {opened}"))?;
    let screen = terminal.screen()?;
    ensure!(code == Some(0) && screen.contains("kube-system"), "{code:?}:\n{screen}");
    ensure!(!screen.contains("ExecCredential"), "the answer is on the screen:\n{screen}");
    Ok(())
}

/// P28.
fn interrupted(world: &World) -> Result<()> {
    let client = world.lonely_client()?.with(&["--flow", "browser", "--skip-open-browser"]);
    let before = client.files()?;
    let command = client.command("get-token", &[]);
    let output = client.scratch().path().join("output");
    let mut terminal = Terminal::run_with_output(&command, &output)?;
    terminal.see("Open this page to sign in", LIMIT)?;
    terminal.interrupt()?;
    let code = terminal.end(LIMIT)?;
    ensure!(code == Some(1) || code.is_none() || code == Some(130), "{code:?}");
    ensure!(terminal.echoes()?, "the terminal hides what is typed");
    ensure!(std::fs::metadata(&output)?.len() == 0, "something on standard output");
    let left = client.files()?;
    let half = |name: &str| name.contains("tmp") || name.contains("entry");
    let half: Vec<_> = left
        .iter()
        .filter(|file| !before.contains(file))
        .filter(|(path, _)| path.file_name().is_some_and(|name| half(&name.to_string_lossy())))
        .collect();
    ensure!(half.is_empty(), "{half:?}");
    Ok(())
}
