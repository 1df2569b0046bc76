//! A job touches nothing that belongs to a person, and fails at once where it has no identity.
//! Never waits for user input.

use std::time::Duration;

use anyhow::{Result, ensure};
use login_tests::command::{clean, run};
use login_tests::login_client::{LoginClient, asked_by_kubectl};
use login_tests::oidc_provider::EXCHANGER_ID;
use login_tests::scratch::read;

use crate::world::{Case, World};

pub(crate) const CASES: &[Case] = &[
    ("a_job_opens_no_terminal_starts_no_program_and_asks_no_keyring", system_calls),
    ("a_job_without_an_identity_ends_with_3_and_says_what_there_is", nothing),
];

const LIMIT: Duration = Duration::from_secs(30);

fn system_calls(world: &World) -> Result<()> {
    let strace = world.components.system_program("strace")?;
    let client = world.exchanger(EXCHANGER_ID)?.with(&["--flow", "token-exchange"]);
    let plain = client.command("get-token", &[]);
    let trace = client.scratch().path().join("trace");
    let mut traced = clean(strace, &client.home(), &[]);
    traced.arg("-f").arg("-o").arg(&trace).arg(plain.get_program()).args(plain.get_args());
    // A desktop is there, as for a CI runner on a workstation.
    traced
        .current_dir(client.scratch().path())
        .env("DISPLAY", ":0")
        .env("BROWSER", "firefox")
        .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/run/user/0/bus");
    run(&mut asked_by_kubectl(traced, "v1"), LIMIT)?.success()?;
    let trace = read(&trace)?;
    let calls = |name: &str| trace.lines().filter(|line| line.contains(name)).count();
    ensure!(calls("execve(") == 1, "a program was started: {trace}");
    ensure!(calls("/dev/tty") == 0, "a terminal was opened: {trace}");
    ensure!(calls("sun_path") == 0, "a local service was asked: {trace}");
    let port = format!("sin_port=htons({})", world.provider.address()?.port());
    let connections: Vec<&str> = trace.lines().filter(|line| line.contains("connect(")).collect();
    ensure!(!connections.is_empty(), "the issuer was not asked: {trace}");
    ensure!(connections.iter().all(|line| line.contains(&port)), "{connections:#?}");
    Ok(())
}

fn nothing(world: &World) -> Result<()> {
    let authority = world.provider.authority().certificate();
    let issuer = world.provider.issuer();
    let client = LoginClient::for_issuer(&world.components, issuer, EXCHANGER_ID, authority)?;
    for (options, variables, hint) in [
        (&[][..], &[("CI", "true")][..], "hint: "),
        (
            &["--identity", "auto"],
            &[("CI", "true"), ("GITHUB_ACTIONS", "true")],
            "hint: give the job `permissions: { id-token: write }`",
        ),
        (&["--identity", "auto"], &[("CI", "true")], "hint: looked for the variables"),
    ] {
        let mut command = asked_by_kubectl(client.command("get-token", options), "v1");
        command.envs(variables.iter().copied());
        let refused = run(&mut command, LIMIT)?.with_code(3)?;
        ensure!(refused.stdout.is_empty(), "{refused}");
        refused.saying(hint)?;
    }
    Ok(())
}
