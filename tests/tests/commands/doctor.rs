//! `doctor` on a chain that works, and on chains that are each broken in one place.
//! Never only searches for words: cases read the outcome of each named check.

use anyhow::{Context as _, Result, ensure};
use login_tests::kubeconfig::User;
use login_tests::login_client::LoginClient;
use login_tests::oidc_provider::{CLIENT_ID, ELLIPTIC_CLIENT_ID};
use login_tests::scratch::read;
use serde_json::{Value, json};

use crate::world::{Case, World, finished, trusting};

pub(crate) const CASES: &[Case] = &[
    ("doctor_finds_no_fault_with_a_chain_that_works", works),
    ("doctor_names_what_keeps_kubectl_from_running_the_plugin", never_runs),
    ("doctor_names_a_token_that_the_cluster_does_not_take", not_taken),
    ("doctor_names_an_issuer_that_cannot_be_reached_or_believed", no_issuer),
];

/// A home with a session, and a kubeconfig that uses it.
fn prepared(world: &World, client_id: &str) -> Result<(LoginClient, Value)> {
    let client = world.provider.client(&world.components, client_id, "alice")?;
    client.credential(&[])?;
    let kubeconfig = world.server.kubeconfig(User::Exec(client.exec_entry("v1")));
    let file = kubeconfig.write(client.scratch(), "kubeconfig")?;
    Ok((client, serde_json::from_str(&read(&file)?)?))
}

/// The findings, and the exit code.
fn examined(
    world: &World,
    client: &LoginClient,
    kubeconfig: &Value,
    more: &[&str],
) -> Result<(Vec<Value>, Option<i32>)> {
    let file = client.scratch().file("examined", kubeconfig.to_string())?;
    let mut arguments = vec!["doctor", "-o", "json"];
    arguments.extend(more);
    let finished = finished(world.bare(&client.home(), &file)?, &arguments)?;
    let report = finished.json()?;
    ensure!(report["kind"] == "DoctorReport", "{finished}");
    let findings = report["items"].as_array().context("no items")?.clone();
    Ok((findings, finished.code))
}

fn outcome<'a>(findings: &'a [Value], check: &str) -> Result<&'a str> {
    let finding = findings.iter().find(|finding| finding["check"] == check);
    let finding = finding.with_context(|| format!("no `{check}` in {findings:?}"))?;
    finding["outcome"].as_str().context("no outcome")
}

fn works(world: &World) -> Result<()> {
    let (client, kubeconfig) = prepared(world, CLIENT_ID)?;
    let trust = client.scratch().file("trust.yaml", trusting(&world.provider)?)?;
    let trust = trust.display().to_string();
    let options = ["--authentication-config", &trust];
    let (findings, code) = examined(world, &client, &kubeconfig, &options)?;
    ensure!(code == Some(0), "{findings:?}");
    for check in [
        "kubeconfig",
        "context",
        "cluster",
        "user",
        "plugin",
        "kuberc",
        "options",
        "proxy",
        "cache",
        "redirect",
        "session",
        "token",
        "trust",
        "issuer",
        "clock",
        "flow",
        "revocation",
        "whoami",
    ] {
        ensure!(outcome(&findings, check)? == "ok", "{check}: {findings:?}");
    }
    let (findings, code) = examined(world, &client, &kubeconfig, &["--offline"])?;
    ensure!(code == Some(0) && outcome(&findings, "issuer")? == "skipped", "{findings:?}");
    // `doctor` starts no sign-in, and this home does not allow the kubeconfig's commands.
    let empty = world.provider.client(&world.components, CLIENT_ID, "alice")?;
    let (findings, code) = examined(world, &empty, &kubeconfig, &[])?;
    ensure!(code == Some(2) && outcome(&findings, "commands")? == "problem", "{findings:?}");
    ensure!(outcome(&findings, "session")? == "warning", "{findings:?}");
    ensure!(outcome(&findings, "whoami")? == "skipped", "{findings:?}");
    Ok(())
}

/// A change that breaks a kubeconfig.
type Change = fn(&mut Value);

fn never_runs(world: &World) -> Result<()> {
    let (client, good) = prepared(world, CLIENT_ID)?;
    let changes: [(&str, Change); 6] = [
        ("user", |c| c["users"][0]["user"]["token"] = json!("static")),
        ("user", |c| c["users"][0]["user"]["auth-provider"] = json!({ "name": "oidc" })),
        ("cluster", |c| c["clusters"][0]["cluster"]["server"] = json!("http://127.0.0.1:1")),
        ("plugin", |c| c["users"][0]["user"]["exec"]["command"] = json!("/no/kubectl-login")),
        ("plugin", |c| c["users"][0]["user"]["exec"]["interactiveMode"] = Value::Null),
        ("context", |c| c["current-context"] = json!("elsewhere")),
    ];
    for (check, change) in changes {
        let mut broken = good.clone();
        change(&mut broken);
        let (findings, code) = examined(world, &client, &broken, &["--offline"])?;
        ensure!(outcome(&findings, check)? == "problem", "{check}: {findings:?}");
        ensure!(code == Some(2), "{check}: {code:?}");
    }
    let policy = "apiVersion: kubectl.config.k8s.io/v1beta1\nkind: Preference\n\
                  credentialPluginPolicy: DenyAll\n";
    let folder = client.home().join(".kube");
    std::fs::create_dir_all(&folder)?;
    std::fs::rename(client.scratch().file("kuberc", policy)?, folder.join("kuberc"))?;
    let (findings, code) = examined(world, &client, &good, &["--offline"])?;
    ensure!(code == Some(2) && outcome(&findings, "kuberc")? == "problem", "{findings:?}");
    Ok(())
}

fn not_taken(world: &World) -> Result<()> {
    let (client, kubeconfig) = prepared(world, ELLIPTIC_CLIENT_ID)?;
    let trust = client.scratch().file("trust.yaml", trusting(&world.provider)?)?;
    let trust = trust.display().to_string();
    let options = ["--authentication-config", &trust];
    let (findings, code) = examined(world, &client, &kubeconfig, &options)?;
    for (check, expected) in [("token", "ok"), ("trust", "problem"), ("whoami", "problem")] {
        ensure!(outcome(&findings, check)? == expected, "{check}: {findings:?}");
    }
    ensure!(code == Some(2), "{code:?}");
    Ok(())
}

fn no_issuer(world: &World) -> Result<()> {
    let (client, good) = prepared(world, CLIENT_ID)?;
    let without = |word: &str, by: &str| -> Result<Value> {
        Ok(serde_json::from_str(&good.to_string().replace(word, by))?)
    };
    let unreachable = without(world.provider.issuer(), "https://127.0.0.1:1")?;
    let (findings, code) = examined(world, &client, &unreachable, &[])?;
    ensure!(outcome(&findings, "issuer")? == "problem" && code == Some(4), "{findings:?}");

    let authority = world.provider.authority().certificate().display().to_string();
    let other = world.cluster.authority().certificate().display().to_string();
    let untrusted = without(&authority, &other)?;
    let (findings, code) = examined(world, &client, &untrusted, &[])?;
    ensure!(outcome(&findings, "issuer")? == "problem" && code == Some(4), "{findings:?}");
    let text = format!("{findings:?}");
    ensure!(text.contains("its certificate is for `") && text.contains("signed by `"), "{text}");
    Ok(())
}
