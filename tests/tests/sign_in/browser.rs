//! Authorization code with PKCE: the client starts the browser, which redirects back to it.
//! Never types anything into the terminal.

use anyhow::{Context as _, Result, ensure};
use login_tests::browser::{Browser, Step};
use login_tests::login_client::{Credential, LoginClient};
use serde_json::json;

use crate::world::{Case, World};

pub(crate) const CASES: &[Case] = &[
    ("a_browser_signs_in_at_the_embedded_issuer", embedded),
    ("a_browser_signs_in_at_another_issuer", other_issuer),
    ("a_wrong_password_is_told_on_the_page_and_the_next_try_works", wrong_password),
    ("a_cancelled_sign_in_is_told_in_the_browser_and_in_the_terminal", cancelled),
];

const SIGN_IN: &str = "button[value=sign-in]";

fn get_token(client: &LoginClient, browser: &Browser) -> Result<login_tests::command::Finished> {
    let line = browser.command_line();
    let options = ["--flow", "browser", "--interactive", "always", "--browser-command", &line];
    client.get_token(&options)
}

fn signed_in(client: &LoginClient, browser: &Browser) -> Result<Credential> {
    let finished = get_token(client, browser)?.success();
    let sat_well = browser.sat_well();
    let finished = finished.with_context(|| format!("{sat_well:?}"))?;
    sat_well?;
    ensure!(finished.stderr.contains("Open this page to sign in to"), "{finished}");
    Credential::read(&finished)
}

fn embedded(world: &World) -> Result<()> {
    let client = world.embedded_client()?;
    let password = world.embedded.secret("/user/passwordFile")?;
    let steps = [
        Step::See("Sign in"),
        Step::Shot("sign-in"),
        Step::Fill("#username", world.embedded.fact("/user/name")?),
        Step::Fill("#password", &password),
        Step::Press(SIGN_IN),
        Step::See("You can close this"),
        Step::Shot("done"),
    ];
    let browser = Browser::new(&world.components, client.scratch(), "embedded-browser", &steps)?;
    let credential = signed_in(&client, &browser)?;
    let status = world.reviewed(&credential.token)?;
    ensure!(status["user"]["username"] == "alice", "{status}");
    ensure!(status["user"]["groups"] == json!(["developers"]), "{status}");
    Ok(())
}

fn other_issuer(world: &World) -> Result<()> {
    let client = world.provider_client()?;
    let steps = [
        Step::Fill("input[name=login]", "alice"),
        Step::Fill("input[name=password]", "any"),
        Step::Press("button[type=submit]"),
        Step::See("Authorize"),
        Step::Press("button[type=submit]"),
        Step::See("You can close this"),
        Step::Shot("done"),
    ];
    let browser = Browser::new(&world.components, client.scratch(), "other-browser", &steps)?;
    let finished = get_token(&client, &browser)?.success()?; // its pages are not ours to judge
    let credential = Credential::read(&finished)?;
    ensure!(credential.claims()?["sub"] == "alice", "{:?}", credential.claims()?);
    Ok(())
}

fn wrong_password(world: &World) -> Result<()> {
    let client = world.embedded_client()?;
    let password = world.embedded.secret("/user/passwordFile")?;
    let steps = [
        Step::Fill("#username", "alice"),
        Step::Fill("#password", "not the password"),
        Step::Press(SIGN_IN),
        Step::See("password"),
        Step::Fill("#password", "still not the password"),
        Step::Press(SIGN_IN),
        Step::Shot("refused"),
        Step::Fill("#password", &password),
        Step::Press(SIGN_IN),
        Step::See("You can close this"),
    ];
    let browser = Browser::new(&world.components, client.scratch(), "wrong-password", &steps)?;
    signed_in(&client, &browser).map(drop)
}

fn cancelled(world: &World) -> Result<()> {
    let client = world.embedded_client()?;
    let steps = [Step::Press("button[value=cancel]"), Step::See("terminal"), Step::Shot("done")];
    let browser = Browser::new(&world.components, client.scratch(), "cancelled", &steps)?;
    let finished = get_token(&client, &browser)?.with_code(1)?;
    browser.sat_well()?;
    ensure!(finished.stdout.is_empty(), "{finished}");
    ensure!(
        finished.stderr.contains("error: ") && finished.stderr.contains("hint: "),
        "{finished}"
    );
    Ok(())
}
