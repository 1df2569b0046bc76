//! `whoami`: a real kube-apiserver's answer to the token that kubectl would send.
//! Never compares with claims: only with the answer that kubectl itself gets.

use anyhow::{Result, ensure};
use login_tests::components::NEWEST_KUBECTL;
use login_tests::kubeconfig::User;
use login_tests::kubectl::Kubectl;
use login_tests::oidc_provider::{CLIENT_ID, ELLIPTIC_CLIENT_ID};
use serde_json::{Value, json};

use crate::world::{Case, World, finished};

pub(crate) const CASES: &[Case] = &[
    ("whoami_says_what_kubectl_auth_whoami_says", same_as_kubectl),
    ("whoami_explains_a_token_that_the_cluster_refuses", refused),
    ("whoami_trusts_only_the_authority_of_the_kubeconfig", untrusted),
];

fn same_as_kubectl(world: &World) -> Result<()> {
    let client = world.provider.client(&world.components, CLIENT_ID, "alice")?;
    let kubeconfig = world.server.kubeconfig(User::Exec(client.exec_entry("v1")));
    let kubectl =
        Kubectl::new(&world.components, NEWEST_KUBECTL, &kubeconfig)?.at_home(&client.home());
    let expected = kubectl.whoami(&[])?;
    let file = kubeconfig.write(client.scratch(), "kubeconfig")?;
    let ours = |arguments: &[&str]| finished(world.bare(&client.home(), &file)?, arguments);
    let found = ours(&["whoami", "-o", "json"])?.success()?.json()?;
    ensure!(found["kind"] == "WhoAmI" && found["context"] == "test", "{found}");
    for key in ["username", "groups", "extra"] {
        ensure!(found[key] == expected[key], "{key}: {found} {expected}");
    }
    let table = ours(&["whoami"])?.success()?;
    ensure!(table.stdout.contains("\nUsername "), "{table}");
    let plugin = kubectl.run(&["login", "whoami", "-o", "json"])?.success()?.json()?;
    ensure!(plugin["username"] == "alice", "{plugin}");

    // A server name that differs from the host, as behind a tunnel.
    let mut document: Value = serde_json::from_str(&login_tests::scratch::read(&file)?)?;
    let server = world.server.url().replace("127.0.0.1", "localhost");
    document["clusters"][0]["cluster"]["server"] = json!(server);
    document["clusters"][0]["cluster"]["tls-server-name"] = json!("127.0.0.1");
    let file = client.scratch().file("tunnel", document.to_string())?;
    finished(world.bare(&client.home(), &file)?, &["whoami"])?.success()?.saying("alice")?;
    Ok(())
}

fn refused(world: &World) -> Result<()> {
    // The webhook does not accept this client's audience.
    let client = world.provider.client(&world.components, ELLIPTIC_CLIENT_ID, "alice")?;
    let kubeconfig = world.server.kubeconfig(User::Exec(client.exec_entry("v1")));
    let file = kubeconfig.write(client.scratch(), "kubeconfig")?;
    let whoami = finished(world.bare(&client.home(), &file)?, &["whoami"])?.with_code(1)?;
    ensure!(whoami.stderr.contains("did not accept the token of"), "{whoami}");
    ensure!(whoami.stderr.contains("kubectl-login doctor"), "{whoami}");
    Ok(())
}

fn untrusted(world: &World) -> Result<()> {
    let client = world.provider.client(&world.components, CLIENT_ID, "alice")?;
    let mut kubeconfig = world.server.kubeconfig(User::Exec(client.exec_entry("v1")));
    // The issuer's authority is not the cluster's.
    kubeconfig.certificate_authority_pem = world.provider.authority().pem()?;
    let file = kubeconfig.write(client.scratch(), "kubeconfig")?;
    let whoami = finished(world.bare(&client.home(), &file)?, &["whoami"])?.with_code(4)?;
    whoami.saying("check `certificate-authority` of that cluster in the kubeconfig")?;
    Ok(())
}
