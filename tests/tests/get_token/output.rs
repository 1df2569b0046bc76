//! What `get-token` writes to standard output, whatever else it reports.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use login_tests::command::{Finished, run};
use login_tests::components::Components;
use login_tests::login_client::{Credential, LoginClient, asked_by_kubectl};
use login_tests::oidc_provider::{CLIENT_ID, Manners, OidcProvider};
use serde_json::json;

use crate::Case;

pub(crate) const CASES: &[Case] = &[
    ("a_host_that_says_more_than_we_know_is_understood", unknown_fields),
    ("without_a_host_the_answer_is_v1", by_hand),
    ("whatever_is_told_goes_to_standard_error", told),
    ("a_closed_standard_input_and_error_change_nothing", closed),
];

const LIMIT: Duration = Duration::from_mins(1);

fn world(components: &Arc<Components>) -> Result<(OidcProvider, LoginClient)> {
    let provider = OidcProvider::start(components, &Manners::default())?;
    let client = provider.client(components, CLIENT_ID, "alice")?;
    Ok((provider, client))
}

/// P05: one object, then only white space.
fn is_one_object(finished: &Finished) -> Result<()> {
    Credential::read(finished)?;
    ensure!(finished.stdout.lines().count() == 1, "{finished}");
    Ok(())
}

/// P02.
fn unknown_fields(components: &Arc<Components>) -> Result<()> {
    let (_provider, client) = world(components)?;
    client.credential(&[])?;
    for version in ["v1", "v1beta1"] {
        let info = json!({
            "kind": "ExecCredential",
            "apiVersion": format!("client.authentication.k8s.io/{version}"),
            "metadata": { "later": [1, 2] },
            "spec": {
                "interactive": false, "tomorrow": { "a": null },
                "cluster": { "server": "https://k8s.test", "config": null, "later": true },
            },
            "status": null,
        });
        let mut command = client.command("get-token", &["--interactive", "never"]);
        command.env("KUBERNETES_EXEC_INFO", format!("{info}\n\n"));
        let finished = run(&mut command, LIMIT)?.success()?;
        is_one_object(&finished)?;
        ensure!(
            finished.json()?["apiVersion"] == format!("client.authentication.k8s.io/{version}")
        );
    }
    Ok(())
}

/// P03.
fn by_hand(components: &Arc<Components>) -> Result<()> {
    let (_provider, client) = world(components)?;
    client.credential(&[])?;
    for value in [None, Some("")] {
        let mut command = client.command("get-token", &["--interactive", "never"]);
        command.envs(value.map(|value| ("KUBERNETES_EXEC_INFO", value)));
        let finished = run(&mut command, LIMIT)?.success()?;
        is_one_object(&finished)?;
        ensure!(finished.json()?["apiVersion"] == "client.authentication.k8s.io/v1", "{finished}");
    }
    Ok(())
}

/// P06, for a sign-in, a cached answer and a renewal.
fn told(components: &Arc<Components>) -> Result<()> {
    let (_provider, client) = world(components)?;
    for more in [&["-v"][..], &["-v"], &["-v", "--force-refresh"]] {
        is_one_object(&client.get_token(more)?.success()?)?;
    }
    Ok(())
}

fn closed(components: &Arc<Components>) -> Result<()> {
    let (_provider, client) = world(components)?;
    client.credential(&[])?;
    let plain = asked_by_kubectl(client.command("get-token", &["--force-refresh"]), "v1");
    let mut shell =
        login_tests::command::clean(components.system_program("sh")?, &client.home(), &[]);
    shell.args(["-c", "exec \"$0\" \"$@\" <&- 2>&-"]).arg(plain.get_program());
    shell.args(plain.get_args()).current_dir(client.scratch().path());
    is_one_object(&run(&mut asked_by_kubectl(shell, "v1"), LIMIT)?.success()?)
}
