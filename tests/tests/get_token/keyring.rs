//! The desktop's keyring: unlocked, locked, absent.
//! Never a mock: gnome-keyring on a bus of its own.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use login_tests::browser::visits;
use login_tests::command::{Finished, run};
use login_tests::components::Components;
use login_tests::login_client::{Credential, LoginClient, asked_by_kubectl};
use login_tests::oidc_provider::{CLIENT_ID, Manners, OidcProvider};
use login_tests::secret_service::{SecretService, State};
use login_tests::terminal::Terminal;
use login_tests::wait;

use crate::Case;

pub(crate) const CASES: &[Case] = &[
    ("an_unlocked_keyring_holds_what_opens_the_session", unlocked),
    ("a_keyring_that_gets_locked_costs_a_sign_in_and_no_token", gets_locked),
    ("a_locked_keyring_costs_a_warning_and_no_token", locked),
    ("where_there_is_no_keyring_the_session_is_kept_all_the_same", absent),
    ("a_keyring_that_hangs_does_not_make_the_client_deaf_to_ctrl_c", hangs),
    ("the_cached_path_does_not_ask_the_keyring", cached),
];

const LIMIT: Duration = Duration::from_mins(1);
const NEVER: [&str; 2] = ["--interactive", "never"];

struct Desktop {
    provider: OidcProvider,
    client: LoginClient,
    service: SecretService,
}

impl Desktop {
    fn start(components: &Arc<Components>, state: State) -> Result<Self> {
        let provider = OidcProvider::start(components, &Manners::default())?;
        let client = provider.client(components, CLIENT_ID, "alice")?;
        Ok(Self { provider, client, service: SecretService::start(components, state)? })
    }

    fn get_token(&self, more: &[&str]) -> Result<Finished> {
        let mut command = asked_by_kubectl(self.client.command("get-token", more), "v1");
        command.envs(self.service.environment());
        run(&mut command, LIMIT)
    }

    fn credential(&self, more: &[&str]) -> Result<Credential> {
        Credential::read(&self.get_token(more)?.success()?)
    }

    fn renewals(&self) -> Result<usize> {
        self.provider.token_requests("refresh_token", "success")
    }

    fn visits(&self) -> Result<usize> {
        visits(self.client.scratch())
    }
}

const RENEW: [&str; 3] = ["--force-refresh", "--interactive", "never"];

fn unlocked(components: &Arc<Components>) -> Result<()> {
    let desktop = Desktop::start(components, State::Unlocked)?;
    let keyring = ["--token-cache-storage", "keyring"];
    let first = desktop.get_token(&keyring)?.success()?;
    ensure!(!first.stderr.contains("warning"), "{first}");
    desktop.service.search("service", "kubectl-login")?.success()?.saying("secret = ")?;
    for _ in 0..2 {
        desktop.credential(&[&RENEW[..], &keyring].concat())?;
    }
    ensure!(desktop.renewals()? == 2 && desktop.visits()? == 1);
    // Without the keyring, the files on the disk give no session.
    let mut stolen = desktop.client.command("get-token", &[&RENEW[..], &keyring].concat());
    stolen.envs(SecretService::without_a_bus(desktop.client.scratch())?);
    let finished = run(&mut asked_by_kubectl(stolen, "v1"), LIMIT)?;
    ensure!(finished.code != Some(0), "renewed without the keyring: {finished}");
    ensure!(desktop.renewals()? == 2);
    Ok(())
}

/// The screen is locked overnight, or the user signs in by SSH.
fn gets_locked(components: &Arc<Components>) -> Result<()> {
    let mut desktop = Desktop::start(components, State::Unlocked)?;
    desktop.credential(&[])?;
    desktop.service.lock()?;
    let kept = desktop.credential(&NEVER)?;
    let finished = desktop.get_token(&RENEW)?.with_code(3)?;
    ensure!(finished.stdout.is_empty() && finished.stderr.contains("keyring"), "{finished}");
    ensure!(desktop.credential(&NEVER)? == kept, "the kept token was lost");
    desktop.service.unlock()?;
    desktop.credential(&RENEW).context("the session was lost while the keyring was locked")?;
    ensure!(desktop.visits()? == 1, "a browser was opened");
    Ok(())
}

fn locked(components: &Arc<Components>) -> Result<()> {
    let desktop = Desktop::start(components, State::Locked)?;
    let first = desktop.get_token(&[])?.success()?;
    Credential::read(&first)?;
    let warnings = first.stderr.lines().filter(|line| line.contains("warning")).count();
    ensure!(warnings <= 1, "{first}");
    desktop.credential(&NEVER)?;
    ensure!(desktop.visits()? == 1);
    Ok(())
}

fn absent(components: &Arc<Components>) -> Result<()> {
    let desktop = Desktop::start(components, State::Absent)?;
    let first = desktop.get_token(&[])?.success()?;
    Credential::read(&first)?;
    desktop.credential(&RENEW)?;
    ensure!(desktop.renewals()? == 1 && desktop.visits()? == 1);
    // The same without a bus, as in a container.
    let without = SecretService::without_a_bus(desktop.client.scratch())?;
    let mut command = asked_by_kubectl(desktop.client.command("get-token", &RENEW), "v1");
    command.envs(without);
    Credential::read(&run(&mut command, LIMIT)?.success()?)?;
    ensure!(desktop.renewals()? == 2 && desktop.visits()? == 1);
    Ok(())
}

/// A call to a keyring may take up to half a minute where the keyring may be asking the user.
fn hangs(components: &Arc<Components>) -> Result<()> {
    const PATIENCE: Duration = Duration::from_secs(20);
    const BY_SIGINT: i32 = 130;
    let mut desktop = Desktop::start(components, State::Unlocked)?;
    let before = desktop.service.connections()?;
    desktop.service.hang()?;
    let mut login = desktop.client.command("login", &["--token-cache-storage", "keyring"]);
    login.envs(desktop.service.environment());
    let mut terminal = Terminal::run(&login)?;
    wait::until("a question to the keyring", LIMIT, || {
        Ok((desktop.service.connections()? > before).then_some(()))
    })?;
    terminal.interrupt()?;
    let code = terminal.end(PATIENCE)?;
    ensure!(code == Some(BY_SIGINT), "{code:?}: {}", terminal.screen()?);
    ensure!(desktop.visits()? == 0, "a browser was opened");
    Ok(())
}

fn cached(components: &Arc<Components>) -> Result<()> {
    let mut desktop = Desktop::start(components, State::Unlocked)?;
    let first = desktop.credential(&[])?;
    desktop.service.lock()?;
    let told = desktop.service.told()?;
    for _ in 0..3 {
        ensure!(desktop.credential(&[])? == first);
    }
    ensure!(desktop.service.told()? == told, "the keyring was asked");
    Ok(())
}
