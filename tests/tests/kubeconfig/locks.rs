//! kubectl and kubectl-login change one kubeconfig at the same moment.
//! Never takes a lock itself.

use std::{path::PathBuf, thread, time::Duration};

use anyhow::{Result, anyhow, ensure};
use login_tests::components::NEWEST_KUBECTL;
use login_tests::kubectl::Kubectl;
use login_tests::scratch::Scratch;
use login_tests::wait;

use crate::world::{Case, World};

pub(crate) const CASES: &[Case] = &[
    ("changes_by_two_of_us_at_one_moment_lose_nothing", ours),
    ("changes_by_us_lose_none_of_those_that_kubectl_makes_at_the_same_moment", both),
];

const CHANGES: usize = 12;

const LIMIT: Duration = Duration::from_mins(2);

/// A kubeconfig that several processes change.
struct Shared<'w> {
    world: &'w World,
    kubectl: Kubectl,
    home: PathBuf,
    file: PathBuf,
    scratch: Scratch,
}

impl<'w> Shared<'w> {
    fn new(world: &'w World) -> Result<Self> {
        let scratch = Scratch::new()?;
        let home = scratch.folder("home")?;
        let file = scratch.file("config", "# mine\napiVersion: v1\nkind: Config\n")?;
        let kubectl = Kubectl::with_kubeconfig(&world.components, NEWEST_KUBECTL, &file)?;
        Ok(Self { world, kubectl, home, file, scratch })
    }

    fn add_users(&self, prefix: &str) -> Result<()> {
        (0..CHANGES).try_for_each(|number| {
            let name = format!("--name={prefix}-{number}");
            let options = ["setup", "--issuer-url=https://id.test", "--client-id=k", &name];
            let options = [&options[..], &["--skip-validation"]].concat();
            self.world.login(&self.home, &self.file, &options)?.success().map(drop)
        })
    }

    fn add_clusters_by_kubectl(&self) -> Result<()> {
        (0..CHANGES).try_for_each(|number| {
            let cluster = format!("cluster-{number}");
            let arguments = ["config", "set-cluster", &cluster, "--server=https://k8s.test"];
            // kubectl does not wait for a lock: it fails, and a user repeats the command.
            wait::until("kubectl's turn", LIMIT, || {
                let finished = self.kubectl.run(&arguments)?;
                let is_locked = finished.stderr.contains("config.lock");
                ensure!(finished.code == Some(0) || is_locked, "{finished}");
                Ok((!is_locked).then_some(()))
            })
        })
    }

    /// Fails unless kubectl finds `expected` entries in `list`, and no lock is left.
    fn holds(&self, list: &str, expected: usize) -> Result<()> {
        let merged = self.kubectl.run(&["config", "view", "-o", "json"])?.success()?.json()?;
        let found = merged[list].as_array().map_or(0, Vec::len);
        ensure!(found == expected, "{found} of {expected} {list}: {merged}");
        ensure!(!self.scratch.path().join("config.lock").exists(), "a lock was left");
        Ok(())
    }
}

fn at_once(
    one: impl FnOnce() -> Result<()> + Send,
    other: impl FnOnce() -> Result<()>,
) -> Result<()> {
    thread::scope(|scope| {
        let one = scope.spawn(one);
        other()?;
        one.join().map_err(|_| anyhow!("a thread died"))?
    })
}

fn ours(world: &World) -> Result<()> {
    let shared = Shared::new(world)?;
    at_once(|| shared.add_users("a"), || shared.add_users("b"))?;
    shared.holds("users", 2 * CHANGES)
}

/// Users are not counted: kubectl reads the file before it takes the lock, and then removes what it
/// did not see (client-go, `clientcmd.ModifyConfig`).
fn both(world: &World) -> Result<()> {
    let shared = Shared::new(world)?;
    at_once(|| shared.add_users("a"), || shared.add_clusters_by_kubectl())?;
    shared.holds("clusters", CHANGES)
}
