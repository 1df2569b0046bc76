//! kubectl and kubectl-login change one kubeconfig at the same moment.
//! Never takes a lock itself.

use std::thread;
use std::time::Duration;

use anyhow::{Result, anyhow, ensure};
use login_tests::components::NEWEST_KUBECTL;
use login_tests::kubectl::Kubectl;
use login_tests::scratch::Scratch;
use login_tests::wait;

use crate::world::{Case, World};

pub(crate) const CASES: &[Case] =
    &[("changes_by_kubectl_and_by_us_at_one_moment_lose_nothing", both)];

const CHANGES: usize = 12;

const LIMIT: Duration = Duration::from_mins(2);

fn both(world: &World) -> Result<()> {
    let scratch = Scratch::new()?;
    let home = scratch.folder("home")?;
    let file = scratch.file("config", "# mine\napiVersion: v1\nkind: Config\n")?;
    let kubectl = Kubectl::with_kubeconfig(&world.components, NEWEST_KUBECTL, &file)?;
    let change_by_kubectl = |number: usize| {
        let cluster = format!("cluster-{number}");
        let arguments = ["config", "set-cluster", &cluster, "--server=https://k8s.test"];
        // kubectl does not wait for a lock: it fails, and a user repeats the command.
        wait::until("kubectl's turn", LIMIT, || {
            let finished = kubectl.run(&arguments)?;
            let is_locked = finished.stderr.contains("config.lock");
            ensure!(finished.code == Some(0) || is_locked, "{finished}");
            Ok((!is_locked).then_some(()))
        })
    };
    let change_by_us = |number: usize| {
        let name = format!("--name=user-{number}");
        let options = ["setup", "--issuer-url=https://id.test", "--client-id=k", &name];
        let options = [&options[..], &["--skip-validation"]].concat();
        world.login(&home, &file, &options)?.success()
    };
    thread::scope(|scope| {
        let ours = scope.spawn(|| (0..CHANGES).try_for_each(|n| change_by_us(n).map(drop)));
        (0..CHANGES).try_for_each(change_by_kubectl)?;
        ours.join().map_err(|_| anyhow!("a thread died"))?
    })?;
    let merged = kubectl.run(&["config", "view", "-o", "json"])?.success()?.json()?;
    for (list, expected) in [("clusters", CHANGES), ("users", CHANGES)] {
        let found = merged[list].as_array().map_or(0, Vec::len);
        ensure!(found == expected, "{found} of {expected} {list}: {merged}");
    }
    ensure!(!scratch.path().join("config.lock").exists(), "a lock was left");
    Ok(())
}
