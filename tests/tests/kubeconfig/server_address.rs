//! A person who knows the address of a login-server, or the options, and nothing else.
//! Never writes a kubeconfig's user by hand.

use anyhow::{Result, ensure};
use login_tests::components::NEWEST_KUBECTL;
use login_tests::kubeconfig::User;
use login_tests::kubectl::Kubectl;
use login_tests::scratch::{Scratch, read};

use crate::world::{Case, World};

pub(crate) const CASES: &[Case] = &[
    ("a_servers_address_is_enough_for_kubectl", address),
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
    // The session is kept under the options of the entry: nobody is asked again.
    let kubectl = Kubectl::with_kubeconfig(&world.components, NEWEST_KUBECTL, file)?
        .at_home(&home)
        .with_variable("KUBECTL_LOGIN_INTERACTIVE", "never");
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
    // Without the authority the issuer is not believed, and nothing is written.
    world.login(&home, &file, &begin)?.with_code(4)?;
    ensure!(!read(&file)?.contains("kubectl-login"), "written before the issuer answered");
    world.login(&home, &file, &[&begin[..], &rest[..]].concat())?.success()?;
    for version in ["1.32", NEWEST_KUBECTL] {
        // In the entry it would want the person's consent.
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
