//! kubectl completes `kubectl login` through our program (contract P38, P40).
//! Never uses the network.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use login_tests::command::{Finished, clean, run};
use login_tests::components::NEWEST_KUBECTL;
use login_tests::kubeconfig::User;
use login_tests::kubectl::Kubectl;
use login_tests::scratch::Scratch;

use crate::world::{Case, World, finished};

pub(crate) const CASES: &[Case] = &[
    ("kubectl_completes_the_words_of_kubectl_login", completes),
    ("usage_says_kubectl_login_under_kubectl", usage),
];

fn completes(world: &World) -> Result<()> {
    let scratch = Scratch::new()?;
    let folder = scratch.folder("bin")?;
    let program = world.components.kubectl_login()?;
    let place = folder.display().to_string();
    for _ in 0..2 {
        let command = clean(&program, scratch.path(), &[]);
        finished(command, &["completion", "--install-kubectl", &place])?.success()?;
    }
    let kubeconfig = world.server.kubeconfig(User::Nobody);
    let kubectl = Kubectl::new(&world.components, NEWEST_KUBECTL, &kubeconfig)?;
    let path = std::env::join_paths([
        folder.as_path(),
        program.parent().context("a program in no folder")?,
        Path::new("/usr/bin"),
        Path::new("/bin"),
    ])?;
    let complete = |words: &[&str]| -> Result<Finished> {
        let mut arguments = vec!["__complete", "login"];
        arguments.extend(words);
        run(kubectl.command(&arguments).env("PATH", &path), std::time::Duration::from_secs(20))
    };
    for (words, expected) in [
        (&[""][..], "get-token\t"),
        (&["logo"], "logout\t"),
        (&["get-token", "--flow", "dev"], "device"),
        (&["login", "--context", ""], "test"),
        (&["status", "-o", "y"], "yaml"),
    ] {
        let finished = complete(words)?.success()?;
        let found = finished.stdout.lines().any(|line| line.starts_with(expected));
        ensure!(found, "{words:?}: {finished}");
        ensure!(finished.stdout.ends_with(":4\n"), "{words:?}: {finished}");
    }
    let ours = clean(folder.join("kubectl_complete-login"), scratch.path(), &[]);
    let ours = finished(ours, &["nonsense", ""])?.success()?;
    ensure!(ours.stdout == ":4\n" && ours.stderr.is_empty(), "{ours}");
    Ok(())
}

fn usage(world: &World) -> Result<()> {
    let kubeconfig = world.server.kubeconfig(User::Nobody);
    let kubectl = Kubectl::new(&world.components, NEWEST_KUBECTL, &kubeconfig)?;
    kubectl.run(&["login", "--help"])?.success()?.saying("Usage: kubectl login ")?;
    let help = kubectl.run(&["login", "get-token", "--help"])?.success()?;
    help.saying("Usage: kubectl login get-token ")?;
    Ok(())
}
