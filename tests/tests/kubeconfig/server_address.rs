//! A user who knows only the address of a login-server, or only the options.
//! Never writes a kubeconfig's user by hand.

use anyhow::{Result, ensure};
use login_tests::components::NEWEST_KUBECTL;
use login_tests::kubeconfig::User;
use login_tests::kubectl::Kubectl;
use login_tests::scratch::{Scratch, read};

use crate::world::{Case, World};

pub(crate) const CASES: &[Case] = &[
    ("a_servers_address_is_enough_for_kubectl", address),
    ("an_address_and_no_kubeconfig_lead_to_the_commands_that_are_left", newcomer),
    ("what_setup_writes_works_with_kubectl", setup),
    ("a_server_that_is_no_login_server_is_told_apart", stranger),
];

fn address(world: &World) -> Result<()> {
    let scratch = Scratch::new()?;
    let home = scratch.folder("home")?;
    let user = User::Elsewhere("nobody-yet".to_owned());
    let file = world.server.kubeconfig(user).write(&scratch, "config")?;
    let authority = world.dev.file("/certificateAuthorityFile")?.display().to_string();
    let (url, browser) = (world.dev.fact("/issuerUrl")?, world.browser(&scratch)?);
    let shown = world.login(
        &home,
        &file,
        &["login", url, "--certificate-authority", &authority, "--context=test", "--dry-run"],
    )?;
    let shown = shown.success()?.saying("+")?;
    ensure!(!shown.stdout.contains('\u{1b}'), "colours for a pipe: {shown}");
    ensure!(!read(&file)?.contains("kubectl-login"), "a dry run wrote");
    world
        .login(
            &home,
            &file,
            &[
                "login",
                url,
                "--certificate-authority",
                &authority,
                "--context=test",
                "--flow=browser",
                "--browser-command",
                &browser,
            ],
        )?
        .success()?
        .saying("Context `test` uses it.")?
        .saying("Signed in to")?
        .saying("Next: kubectl auth whoami")?;
    // The session is stored under the options of the entry: no second sign-in.
    let kubectl = Kubectl::with_kubeconfig(&world.components, NEWEST_KUBECTL, file)?
        .at_home(&home)
        .with_variable("KUBECTL_LOGIN_INTERACTIVE", "never");
    let who = kubectl.whoami(&[])?;
    ensure!(who["username"] == "alice", "{who}");
    Ok(())
}

/// Only an address, and the authority of a server that publishes none; then the commands that the
/// program showed, completed with what the cluster's operator knows.
fn newcomer(world: &World) -> Result<()> {
    let scratch = Scratch::new()?;
    let home = scratch.folder("home")?;
    let file = scratch.path().join("config");
    let authority = scratch.file("ca.crt", read(&world.dev.file("/certificateAuthorityFile")?)?)?;
    let named = authority.display().to_string();
    let (url, browser) = (world.dev.fact("/issuerUrl")?, world.browser(&scratch)?);
    let login = ["login", url, "--certificate-authority", &named];
    let refused = world.login(&home, &file, &[&login[..], &["--context", "mine"]].concat())?;
    refused.with_code(2)?.saying("kubectl config set-context mine --cluster=mine")?;
    ensure!(!file.exists(), "written although the context is missing");

    let browser = ["--flow=browser", "--browser-command", &browser];
    let told = world.login(&home, &file, &[&login[..], &browser].concat())?.success()?;
    ensure!(!read(&file)?.contains("ca.crt"), "the entry needs the file: {}", read(&file)?);
    std::fs::remove_file(&authority)?;
    let kubectl = Kubectl::with_kubeconfig(&world.components, NEWEST_KUBECTL, file)?
        .at_home(&home)
        .with_variable("KUBECTL_LOGIN_INTERACTIVE", "never");
    let of_cluster = world.cluster.authority().certificate().display().to_string();
    let mut lines = 0;
    for line in told.stderr.lines().filter_map(|line| line.strip_prefix("  kubectl ")) {
        let line = line.replace("https://API-SERVER:6443", world.server.url());
        let words: Vec<String> =
            line.split(' ').map(|word| word.replace("ca.crt", &of_cluster)).collect();
        kubectl.run(&words.iter().map(String::as_str).collect::<Vec<_>>())?.success()?;
        lines += 1;
    }
    ensure!(lines == 3, "{told}");
    let who = kubectl.whoami(&[])?;
    ensure!(who["username"] == "alice", "{who}");
    Ok(())
}

fn setup(world: &World) -> Result<()> {
    let scratch = Scratch::new()?;
    let home = scratch.folder("home")?;
    let user = User::Elsewhere("nobody-yet".to_owned());
    let file = world.server.kubeconfig(user).write(&scratch, "config")?;
    let authority = world.dev.file("/certificateAuthorityFile")?.display().to_string();
    let (url, browser) = (world.dev.fact("/issuerUrl")?, world.browser(&scratch)?);
    let begin = ["setup", "--issuer-url", url, "--client-id", world.dev.fact("/clientId")?];
    let rest =
        ["--certificate-authority", &authority, "--context=test", "--name=me", "--flow=browser"];
    // Without the authority the issuer is not trusted, and nothing is written.
    world.login(&home, &file, &begin)?.with_code(4)?;
    ensure!(!read(&file)?.contains("kubectl-login"), "written before the issuer answered");
    world.login(&home, &file, &[&begin[..], &rest[..]].concat())?.success()?;
    for version in ["1.32", NEWEST_KUBECTL] {
        // In the entry it would need the user's consent.
        let kubectl = Kubectl::with_kubeconfig(&world.components, version, &file)?
            .at_home(&home)
            .with_variable("KUBECTL_LOGIN_BROWSER_COMMAND", &browser);
        let who = kubectl.whoami(&[])?;
        ensure!(who["username"] == "alice", "{version}: {who}");
    }
    Ok(())
}

fn stranger(world: &World) -> Result<()> {
    let scratch = Scratch::new()?;
    let home = scratch.folder("home")?;
    let file = scratch.path().join("config");
    let authority = world.provider.authority().certificate().display().to_string();
    let server = world.provider.issuer();
    world
        .login(&home, &file, &["login", server, "--certificate-authority", &authority])?
        .with_code(2)?
        .saying("does not say how to sign in")?
        .saying("kubectl-login setup")?;
    ensure!(!file.exists(), "written although the server said nothing");
    Ok(())
}
