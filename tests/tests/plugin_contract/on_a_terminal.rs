//! kubectl on a pseudo-terminal with a user at it: addresses, codes, Ctrl-C.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use login_tests::browser::Decision;
use login_tests::dex::{ALICE, Dex, PASSWORD};
use login_tests::terminal::Terminal;

use crate::world::{Case, World};

pub(crate) const CASES: &[Case] = &[
    ("a_device_code_is_shown_on_the_terminal_and_kubectl_goes_on_after_it", device),
    ("an_address_opened_elsewhere_is_pasted_into_the_terminal", paste),
    ("a_password_is_asked_for_and_not_shown", password),
    ("ctrl_c_at_a_hidden_prompt_shows_again_what_is_typed", interrupted_password),
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

/// As over SSH: the browser is on another machine, and its last page cannot be shown there.
fn paste(world: &World) -> Result<()> {
    let client = world.lonely_client()?.with(&["--flow", "paste", "--scope", "groups,profile"]);
    let kubectl = world.kubectl(&client)?;
    let mut terminal = Terminal::run(&kubectl.command(&["get", "namespaces"]))?;
    terminal.see("Open this page in any browser", LIMIT)?;
    let address = terminal.see("  https://", LIMIT)?; // the line below
    terminal.see_prompt("press Enter: ", LIMIT)?;
    terminal.type_line("what is this?")?;
    terminal.see("That is not the answer", LIMIT)?;
    terminal.see_prompt("press Enter: ", LIMIT)?;
    let person = world.provider.person("alice", Decision::Copy);
    let url = format!("https://{address}");
    let copied = person.open(&world.components, client.scratch(), &url)?.success()?;
    terminal.type_line(copied.stdout.trim())?;
    let code = terminal.end(LIMIT)?;
    let screen = terminal.screen()?;
    ensure!(code == Some(0) && screen.contains("kube-system"), "{code:?}:\n{screen}");
    Ok(())
}

/// P12. kubectl lends its terminal to the plugin.
fn password(world: &World) -> Result<()> {
    let dex = Dex::start(&world.components, "10m", None)?;
    let client = dex.client(&world.components)?.with(&["--flow", "password", "--username", ALICE]);
    let kubectl = world.kubectl(&client)?;
    let mut terminal = Terminal::run(&kubectl.command(&["get", "namespaces"]))?;
    terminal.see_prompt("Password of", LIMIT)?;
    terminal.wait_until_hidden(LIMIT)?;
    terminal.type_line(PASSWORD)?;
    // dex issues a token; this cluster does not trust dex.
    ensure!(terminal.end(LIMIT)? == Some(1), "{}", terminal.screen()?);
    let screen = terminal.screen()?;
    ensure!(screen.contains("must be logged in"), "{screen}");
    ensure!(!screen.lines().any(|line| line.trim() == PASSWORD), "it was shown:\n{screen}");
    ensure!(terminal.echoes()?, "the terminal hides what is typed");
    client.credential(&["--interactive", "never"]).context("the token was not kept")?;
    Ok(())
}

/// P12.
fn interrupted_password(world: &World) -> Result<()> {
    let dex = Dex::start(&world.components, "10m", None)?;
    let client = dex.client(&world.components)?.with(&["--flow", "password", "--username", ALICE]);
    let output = client.scratch().path().join("output");
    let mut terminal = Terminal::run_with_output(&client.command("get-token", &[]), &output)?;
    terminal.see_prompt("Password of", LIMIT)?;
    terminal.wait_until_hidden(LIMIT)?;
    terminal.interrupt()?;
    let code = terminal.end(LIMIT)?;
    ensure!(code != Some(0), "an interrupted sign-in looks like success");
    ensure!(terminal.echoes()?, "the terminal hides what is typed");
    ensure!(std::fs::metadata(&output)?.len() == 0, "something on standard output");
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
