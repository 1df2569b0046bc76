//! A desktop's keyring, a terminal, a full disk, a wrong clock, a bad network: each works as named.
//! Never uses the two programs: a failure here is not theirs.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use login_tests::command::{Finished, clean, run};
use login_tests::forwarder::{Forwarder, Weather};
use login_tests::oidc_provider::{Manners, OidcProvider};
use login_tests::proxy::Proxy;
use login_tests::scratch::Scratch;
use login_tests::secret_service::{SecretService, State};
use login_tests::small_disk::SmallDisk;
use login_tests::terminal::Terminal;
use login_tests::{clock, wait};

use crate::{Case, Parts};

pub(crate) const CASES: &[Case] = &[
    ("the_secret_service_keeps_secrets_only_while_it_is_unlocked", secret_service),
    ("a_terminal_shows_what_it_is_told_and_takes_what_is_typed", terminal),
    ("a_full_disk_takes_nothing", full_disk),
    ("a_shifted_clock_is_shifted", shifted_clock),
    ("a_proxy_tunnels_and_remembers_where_to", proxy),
    ("a_network_delays_cuts_and_falls_silent", weather),
];

const LIMIT: Duration = Duration::from_secs(20);

fn secret_service(parts: &Parts) -> Result<()> {
    let mut service = SecretService::start(&parts.components, State::Unlocked)?;
    service.store("a", "kept")?.success()?;
    service.search("service", "rig")?.success()?.saying("secret = kept")?;
    service.lock()?;
    let locked = service.store("b", "not kept")?;
    ensure!(locked.code != Some(0), "{locked}");
    ensure!(!service.search("service", "rig")?.stdout.contains("kept"));
    service.unlock()?;
    service.search("service", "rig")?.success()?.saying("secret = kept")?;
    for state in [State::Locked, State::Absent] {
        let service = SecretService::start(&parts.components, state)?;
        ensure!(service.store("a", "x")?.code != Some(0), "{state:?} keeps secrets");
    }
    Ok(())
}

fn terminal(parts: &Parts) -> Result<()> {
    const SCRIPT: &str = "test -t 0 && test -t 2 && printf 'name: ' >&2; read name; \
                          echo \"hello $name\" >/dev/tty; stty -echo; printf 'word: ' >&2; read word; \
                          stty echo; echo; echo \"$word\"; exec sleep 60";
    let scratch = Scratch::new()?;
    let mut shell = clean(parts.components.system_program("sh")?, scratch.path(), &[]);
    shell.args(["-c", SCRIPT]);
    let output = scratch.path().join("output");
    let mut terminal = Terminal::run_with_output(&shell, &output)?;
    terminal.see_prompt("name: ", LIMIT)?;
    ensure!(terminal.echoes()?);
    terminal.type_line("alice")?;
    ensure!(terminal.see("hello", LIMIT)? == "alice");
    terminal.see_prompt("word: ", LIMIT)?;
    terminal.wait_until_hidden(LIMIT)?;
    terminal.type_line("secret")?;
    wait::until("the output", LIMIT, || {
        Ok(fs::read_to_string(&output)?.contains("secret").then_some(()))
    })?;
    ensure!(!terminal.screen()?.contains("secret"), "{}", terminal.screen()?);
    terminal.interrupt()?;
    ensure!(terminal.end(LIMIT)?.is_none(), "Ctrl-C is not a signal here");
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a write that fails is the point")]
fn full_disk(parts: &Parts) -> Result<()> {
    let disk = SmallDisk::mount(&parts.components)?;
    let file = disk.path().join("file");
    fs::write(&file, "fits")?;
    disk.fill()?;
    ensure!(fs::write(&file, [0; 8192]).is_err());
    disk.empty()?;
    fs::write(&file, "fits again").context("no room after the filling is gone")
}

fn shifted_clock(parts: &Parts) -> Result<()> {
    let scratch = Scratch::new()?;
    let seconds = |shift: Option<&str>| -> Result<i64> {
        let mut date = clean(parts.components.system_program("date")?, scratch.path(), &[]);
        date.arg("+%s");
        if let Some(shift) = shift {
            clock::shift(&mut date, shift)?;
        }
        Ok(run(&mut date, LIMIT)?.success()?.stdout.trim().parse()?)
    };
    let now = seconds(None)?;
    for (shift, expected) in [("+600", 600), ("-600", -600)] {
        let difference = seconds(Some(shift))? - now;
        ensure!((expected..expected + 60).contains(&difference), "{shift} gave {difference}");
    }
    Ok(())
}

/// Requests the discovery document of `provider` at another address, or through a proxy.
fn discovery(
    parts: &Parts,
    provider: &OidcProvider,
    url: &str,
    options: &[&str],
) -> Result<Finished> {
    let scratch = Scratch::new()?;
    let mut curl: Command = clean(parts.components.system_program("curl")?, scratch.path(), &[]);
    curl.args(["--disable", "--silent", "--show-error", "--cacert"]);
    curl.arg(provider.authority().certificate()).args(options);
    curl.arg(format!("{url}/.well-known/openid-configuration"));
    run(&mut curl, LIMIT)
}

fn proxy(parts: &Parts) -> Result<()> {
    let provider = OidcProvider::start(&parts.components, &Manners::default())?;
    let proxy = Proxy::start()?;
    let found = discovery(parts, &provider, provider.issuer(), &["--proxy", &proxy.url()])?;
    found.success()?.saying("token_endpoint")?;
    let target = provider.issuer().trim_start_matches("https://").to_owned();
    ensure!(proxy.tunnels()? == [target], "{:?}", proxy.tunnels()?);
    Ok(())
}

fn weather(parts: &Parts) -> Result<()> {
    let provider = OidcProvider::start(&parts.components, &Manners::default())?;
    let forwarder = Forwarder::start(vec![provider.address()?])?;
    let url = format!("https://{}", forwarder.address());
    let ask = |options: &[&str]| discovery(parts, &provider, &url, options);
    ask(&[])?.success()?.saying("token_endpoint")?;
    forwarder.turn(Weather::Slow(Duration::from_millis(200)));
    ask(&[])?.success()?.saying("token_endpoint")?;
    for bytes in [0, 100, 3000] {
        forwarder.turn(Weather::CutAfter(bytes));
        let cut = ask(&[])?;
        ensure!(cut.code != Some(0), "cut after {bytes}: {cut}");
    }
    forwarder.turn(Weather::Silent);
    ask(&["--max-time", "1"])?.with_code(28)?; // curl(1): operation timeout
    ensure!(forwarder.connections() == 6, "{}", forwarder.connections());
    Ok(())
}
