//! A full disk, a folder without write permission, a process killed at every write.
//! Never accepts a lost token, a broken answer or a session that cannot be renewed.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use login_tests::browser::visits;
use login_tests::command::{Finished, clean, run};
use login_tests::components::Components;
use login_tests::login_client::{Credential, LoginClient, asked_by_kubectl};
use login_tests::oidc_provider::{CLIENT_ID, Manners, OidcProvider};
use login_tests::scratch::read;
use login_tests::small_disk::SmallDisk;

use crate::Case;

pub(crate) const CASES: &[Case] = &[
    ("a_full_disk_costs_neither_a_token_nor_the_session", full_disk),
    ("a_folder_that_may_not_be_written_costs_a_warning_and_no_token", read_only),
    ("a_folder_that_others_may_write_to_is_not_used", exposed_folder),
    ("a_renewal_killed_at_any_write_leaves_a_session_that_goes_on", killed_at_every_write),
];

const LIMIT: Duration = Duration::from_mins(1);

fn warned_once(finished: &Finished) -> Result<()> {
    let warnings = finished.stderr.lines().filter(|line| line.contains("warning")).count();
    ensure!(warnings == 1, "{warnings} warnings: {finished}");
    Ok(())
}

fn full_disk(components: &Arc<Components>) -> Result<()> {
    let disk = SmallDisk::mount(components)?;
    let provider = OidcProvider::start(components, &Manners::default())?;
    let cache = disk.path().join("cache").display().to_string();
    let client = provider.client(components, CLIENT_ID, "alice")?;
    let client = client.with(&["--token-cache-dir", &cache, "--token-cache-storage", "file"]);
    client.credential(&[])?;
    disk.fill()?;
    // The client overwrites the existing file: nothing is lost, so it warns of nothing.
    for count in 1..3 {
        let renewed =
            client.get_token(&["--force-refresh", "--interactive", "never"])?.success()?;
        ensure!(!renewed.stderr.contains("warning"), "{renewed}");
        Credential::read(&renewed)?;
        ensure!(provider.token_requests("refresh_token", "success")? == count, "not renewed");
    }
    disk.empty()?;
    client.credential(&["--force-refresh", "--interactive", "never"])?;
    ensure!(provider.ended_sessions()? == 0, "a refresh token was used twice");
    let kept = client.credential(&["--interactive", "never"])?;
    ensure!(kept == client.credential(&["--interactive", "never"])?, "not kept");
    Ok(())
}

/// Runs as root without its rights over other users' files.
fn without_rights(components: &Components, command: &Command) -> Result<Command> {
    let scratch = Path::new("/"); // replaced below, with the rest of the environment
    let mut limited = clean(components.system_program("setpriv")?, scratch, &[]);
    limited.args(["--bounding-set", "-dac_override,-dac_read_search", "--inh-caps", "-all"]);
    limited.arg(command.get_program()).args(command.get_args()).env_clear();
    for (name, value) in command.get_envs() {
        limited.env(name, value.unwrap_or_default());
    }
    if let Some(folder) = command.get_current_dir() {
        limited.current_dir(folder);
    }
    Ok(limited)
}

fn read_only(components: &Arc<Components>) -> Result<()> {
    let provider = OidcProvider::start(components, &Manners::default())?;
    let client = provider.client(components, CLIENT_ID, "alice")?;
    let cache = client.scratch().folder("read-only")?;
    let place = cache.display().to_string();
    let client = client.with(&["--token-cache-dir", &place, "--token-cache-storage", "file"]);
    let get_token = |more: &[&str]| -> Result<Finished> {
        let command = asked_by_kubectl(client.command("get-token", more), "v1");
        run(&mut without_rights(components, &command)?, LIMIT)
    };
    let set_mode = |mode| fs::set_permissions(&cache, fs::Permissions::from_mode(mode));
    set_mode(0o500)?;
    let finished = get_token(&[])?.success()?;
    Credential::read(&finished)?;
    warned_once(&finished)?;
    finished.saying("read-only")?;
    ensure!(fs::read_dir(&cache)?.count() == 0);
    set_mode(0o700)?;
    Credential::read(&get_token(&[])?.success()?)?;
    // Existing files are still read when writing is no longer possible.
    set_mode(0o500)?;
    let before = visits(client.scratch())?;
    Credential::read(&get_token(&["--interactive", "never"])?.success()?)?;
    ensure!(visits(client.scratch())? == before, "the kept token was not read");
    set_mode(0o700)?;
    Ok(())
}

/// P32: a user who can write there could plant a token of their own.
fn exposed_folder(components: &Arc<Components>) -> Result<()> {
    let provider = OidcProvider::start(components, &Manners::default())?;
    let client = provider.client(components, CLIENT_ID, "alice")?;
    let cache = client.scratch().folder("exposed")?;
    fs::set_permissions(&cache, fs::Permissions::from_mode(0o777))?;
    let place = cache.display().to_string();
    let client = client.with(&["--token-cache-dir", &place, "--token-cache-storage", "file"]);
    let finished = client.get_token(&[])?.success()?;
    Credential::read(&finished)?;
    warned_once(&finished)?;
    ensure!(fs::read_dir(&cache)?.count() == 0, "something was kept there");
    Ok(())
}

/// The system calls that change the cache.
const WRITES: &str = "openat,write,pwrite64,fsync,fdatasync,fallocate,fchmod,ftruncate,flock,\
                      rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir";

/// A renewal under strace, killed on entering the n-th call of a name.
fn renewal(
    components: &Components,
    client: &LoginClient,
    kill: Option<(&str, usize)>,
) -> Result<(Finished, String)> {
    let log = client.scratch().path().join("trace");
    let plain = client.command("get-token", &["--force-refresh", "--interactive", "never"]);
    let mut traced = clean(components.system_program("strace")?, &client.home(), &[]);
    traced.args(["-f", "-y", "-s", "0", "-e"]).arg(format!("trace={WRITES}")).arg("-o").arg(&log);
    if let Some((call, number)) = kill {
        traced.arg("-e").arg(format!("inject={call}:signal=KILL:when={number}"));
    }
    traced.arg(plain.get_program()).args(plain.get_args());
    traced.current_dir(client.scratch().path());
    let finished = run(&mut asked_by_kubectl(traced, "v1"), LIMIT)?;
    Ok((finished, read(&log)?))
}

/// Every call of the first thread that touches the cache: its name, and which of that name it is.
fn writes(trace: &str) -> Vec<(String, usize)> {
    let mut counts = BTreeMap::<&str, usize>::new();
    let mut found = Vec::new();
    let first_thread = trace.split_whitespace().next().unwrap_or_default();
    for line in trace.lines() {
        let Some((thread, call)) = line.split_once(' ') else { continue };
        let Some((name, arguments)) = call.trim_start().split_once('(') else { continue };
        if thread != first_thread {
            continue;
        }
        let count = counts.entry(name).or_default();
        *count += 1;
        let is_reading =
            name == "openat" && !arguments.contains("O_WRONLY|") && !arguments.contains("O_RDWR|");
        if arguments.contains("/kubectl-login/") && !is_reading {
            found.push((name.to_owned(), *count));
        }
    }
    found
}

fn killed_at_every_write(components: &Arc<Components>) -> Result<()> {
    let provider = OidcProvider::start(components, &Manners::default())?;
    let client = provider.client(components, CLIENT_ID, "alice")?;
    let client = client.with(&["--token-cache-storage", "file"]);
    client.credential(&[])?;
    let (finished, trace) = renewal(components, &client, None)?;
    finished.success()?;
    let steps = writes(&trace);
    ensure!(steps.len() > 5, "the trace shows no writes: {trace}");
    let mut sign_ins = Vec::new();
    for (call, number) in &steps {
        let what = format!("killed at {call} {number}");
        let (killed, _) = renewal(components, &client, Some((call, *number)))?;
        ensure!(killed.code.is_none(), "{what}: not killed: {killed}");
        ensure!(killed.stdout.is_empty() || Credential::read(&killed).is_ok(), "{what}: {killed}");
        // What is stored is consistent: the next call answers, renews, or says that the user has to
        // sign in.
        let next = client.get_token(&["--interactive", "never"])?;
        Credential::read(&next.success().with_context(|| what.clone())?)?;
        let next = client.get_token(&["--force-refresh", "--interactive", "never"])?;
        if next.code == Some(0) {
            Credential::read(&next)?;
            continue;
        }
        next.with_code(3).with_context(|| what.clone())?;
        sign_ins.push(what.clone());
        let before = visits(client.scratch())?;
        client.credential(&["--force-refresh"]).with_context(|| what.clone())?;
        ensure!(visits(client.scratch())? == before + 1, "{what}: not one sign-in");
        client.credential(&["--force-refresh", "--interactive", "never"]).context(what)?;
    }
    // Only between the issuer's answer and the first file that replaces another does the new
    // refresh token exist in the killed process alone.
    let is_replacement = |(call, _): &&(String, usize)| call.starts_with("rename");
    let kept = steps.iter().position(|step| is_replacement(&step)).unwrap_or_default();
    ensure!(sign_ins.len() <= kept + 1, "{sign_ins:#?} of {steps:#?}");
    Ok(())
}
