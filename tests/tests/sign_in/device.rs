//! Device authorization (RFC 8628): the terminal shows an address and a code, the browser is on
//! another device. Never lets the client start a browser.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use login_tests::browser::{Browser, Step};
use login_tests::child::Child;
use login_tests::login_client::LoginClient;
use serde_json::{Value, json};

use crate::world::{Case, World};

pub(crate) const CASES: &[Case] = &[
    ("a_code_is_entered_and_approved_at_the_embedded_issuer", embedded),
    ("the_address_with_the_code_leads_to_the_same_page", complete_address),
    ("a_denied_device_ends_with_an_error", denied),
    ("a_code_is_entered_and_approved_at_another_issuer", other_issuer),
];

const LIMIT: Duration = Duration::from_secs(15);

/// A `get-token` that waits for a user on another device.
struct Waiting {
    child: Child,
    address: String,
    code: String,
}

impl Waiting {
    fn start(client: &LoginClient) -> Result<Self> {
        let mut child = client.start("device", &["--flow", "device", "--interactive", "always"])?;
        child.wait_for_line("and enter the code", LIMIT)?;
        let told = login_tests::wait::until("the code", LIMIT, || {
            let told = child.stderr()?;
            let after = told.split_once("and enter the code\n").map(|(_, after)| after);
            Ok(after.is_some_and(|after| after.contains('\n')).then_some(told.clone()))
        })?;
        let line_after = |text: &str| {
            let mut lines = told.lines().skip_while(|line| !line.contains(text)).skip(1);
            lines.next().map(|line| line.trim().to_owned()).context("nothing after the text")
        };
        Ok(Self {
            address: line_after("To sign in to")?,
            code: line_after("and enter the code")?,
            child,
        })
    }

    fn credential(mut self) -> Result<Value> {
        let status = self.child.wait(Duration::from_secs(20))?;
        ensure!(status.success(), "{status}: {}", self.child.stderr()?);
        serde_json::from_str(&self.child.stdout()?).context("not one ExecCredential")
    }
}

fn sit(
    world: &World,
    client: &LoginClient,
    name: &str,
    url: &str,
    steps: &[Step<'_>],
) -> Result<()> {
    let browser = Browser::new(&world.components, client.scratch(), name, steps)?;
    browser.open(url)?.success()?;
    browser.sat_well()
}

fn embedded(world: &World) -> Result<()> {
    let client = world.embedded_client()?;
    let waiting = Waiting::start(&client)?;
    let password = world.embedded.secret("/user/passwordFile")?;
    let steps = [
        Step::See("Connect a device"),
        Step::Shot("enter-code"),
        Step::Fill("#user_code", &waiting.code),
        Step::Press("button[type=submit]"),
        Step::See(&waiting.code),
        Step::Shot("approve"),
        Step::Fill("#username", "alice"),
        Step::Fill("#password", &password),
        Step::Press("button[value=approve]"),
        Step::See("terminal"),
        Step::Shot("done"),
    ];
    sit(world, &client, "embedded-device", &waiting.address, &steps)?;
    let credential = waiting.credential()?;
    let token = credential["status"]["token"].as_str().context("no token")?;
    let status = world.reviewed(token)?;
    ensure!(status["user"]["username"] == "alice", "{status}");
    ensure!(status["user"]["groups"] == json!(["developers"]), "{status}");
    Ok(())
}

fn complete_address(world: &World) -> Result<()> {
    let client = world.embedded_client()?;
    let mut waiting = Waiting::start(&client)?;
    let line = waiting.child.wait_for_line("or open ", LIMIT)?;
    let url = line.trim().trim_start_matches("or open ").to_owned();
    ensure!(url.starts_with(&waiting.address), "{url} is not below {}", waiting.address);
    // The page shows the code, to be compared with the terminal (RFC 8628 §3.3.1).
    let steps =
        [Step::See(&waiting.code), Step::Press("button[value=deny]"), Step::See("terminal")];
    sit(world, &client, "complete-address", &url, &steps)
}

fn denied(world: &World) -> Result<()> {
    let client = world.embedded_client()?;
    let mut waiting = Waiting::start(&client)?;
    let steps = [
        Step::Fill("#user_code", &waiting.code),
        Step::Press("button[type=submit]"),
        Step::Press("button[value=deny]"),
        Step::See("terminal"),
        Step::Shot("done"),
    ];
    sit(world, &client, "denied-device", &waiting.address, &steps)?;
    let status = waiting.child.wait(Duration::from_secs(20))?;
    ensure!(status.code() == Some(1), "{status}: {}", waiting.child.stderr()?);
    ensure!(waiting.child.stdout()?.is_empty());
    ensure!(waiting.child.stderr()?.contains("\nhint: "), "{}", waiting.child.stderr()?);
    Ok(())
}

fn other_issuer(world: &World) -> Result<()> {
    let client = world.provider_client()?;
    let waiting = Waiting::start(&client)?;
    let steps = [
        Step::Fill("input[name=user_code]", &waiting.code),
        Step::Press("button[type=submit]"),
        Step::See(&waiting.code),
        Step::Press("button[autofocus]"),
        Step::Fill("input[name=login]", "alice"),
        Step::Fill("input[name=password]", "any"),
        Step::Press("button[type=submit]"),
        Step::See("Authorize"),
        Step::Press("button[type=submit]"),
        Step::See("Sign-in Success"),
        Step::Shot("done"),
    ];
    let browser = Browser::new(&world.components, client.scratch(), "other-device", &steps)?;
    browser.open(&waiting.address)?.success()?;
    ensure!(waiting.credential()?["kind"] == "ExecCredential");
    Ok(())
}
