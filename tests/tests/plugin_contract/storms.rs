//! One kubectl runs the plugin repeatedly, and many do at once: one renewal, one browser.
//! Never counts what another case did: each has a user or a home of its own.

use std::thread;

use anyhow::{Context as _, Result, anyhow, ensure};
use login_tests::browser::{Decision, visits};

use crate::world::{Case, World};

pub(crate) const CASES: &[Case] = &[
    ("a_cancelled_sign_in_is_one_window_however_often_kubectl_asks", cancelled),
    ("twenty_kubectls_without_a_session_sign_in_once", twenty),
];

/// P22.
fn cancelled(world: &World) -> Result<()> {
    let client = world.lonely_client()?;
    let person = world.provider.person("alice", Decision::Cancel);
    let person = person.command_line(&world.components, client.scratch())?;
    let client = client.with(&[
        "--flow",
        "browser",
        "--interactive",
        "always",
        "--browser-command",
        &person,
    ]);
    let kubectl = world.kubectl(&client)?;
    for _ in 0..2 {
        let finished = kubectl.run(&["get", "namespaces"])?.with_code(1)?;
        finished.saying("failed with exit code 1")?.saying("access_denied")?;
    }
    ensure!(visits(client.scratch())? == 1, "{} windows", visits(client.scratch())?);
    Ok(())
}

/// P23.
fn twenty(world: &World) -> Result<()> {
    let client = world.client("alice")?;
    let kubectl = world.kubectl(&client)?;
    thread::scope(|scope| -> Result<()> {
        let get = || kubectl.run(&["get", "namespaces"])?.success()?.saying("kube-system");
        let runs: Vec<_> = (0..20).map(|_| scope.spawn(get)).collect();
        for run in runs {
            let run = run.join().map_err(|_| anyhow!("a thread of the test died"))?;
            run.context("one of twenty")?;
        }
        Ok(())
    })?;
    ensure!(visits(client.scratch())? == 1, "{} sign-ins", visits(client.scratch())?);
    Ok(())
}
