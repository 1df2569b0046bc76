//! Tests which source may set what: clusters, kubeconfigs, and issuers that repeat what they
//! received.
//! Never uses the network beyond loopback, or files outside a scratch folder.

use std::{fs, os::unix::fs::PermissionsExt as _, process::Command};

use serde_json::{Value, json};

use crate::{
    issuer,
    stage::{Stage, failed, stderr, text_of, token},
};

/// What kubectl passes if the cluster's entry has `settings` for this program.
fn told(settings: &Value) -> String {
    json!({
        "kind": "ExecCredential",
        "apiVersion": "client.authentication.k8s.io/v1",
        "spec": {
            "interactive": false,
            "cluster": { "server": "https://127.0.0.1:1", "config": settings },
        },
    })
    .to_string()
}

/// `get-token` as kubectl runs it, without a configured issuer.
fn by_cluster(stage: &Stage, words: &str, settings: &Value) -> Command {
    let mut command = stage.command(&format!("get-token {words}"));
    command
        .env_remove("KUBECTL_LOGIN_ISSUER_URL")
        .env_remove("KUBECTL_LOGIN_CLIENT_ID")
        .env("KUBERNETES_EXEC_INFO", told(settings));
    command
}

fn configure(stage: &Stage, text: &str) {
    let folder = stage.home.path().join(".config/kubectl-login");
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("config.yaml");
    fs::write(&file, text).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn a_cluster_that_names_the_issuer_is_given_nothing_of_the_person() {
    let stage = Stage::new();
    let settings = json!({
        "issuer-url": stage.issuer.url, "client-id": "kubectl-login", "flow": "client-credentials",
    });
    let jwt = "e30.eyJzdWIiOiJhIn0.c2ln";
    let file = stage.home.path().join("secret");
    fs::write(&file, jwt).unwrap();
    let file = file.display().to_string();
    for (name, value) in [
        ("KUBECTL_LOGIN_CLIENT_SECRET", "hunter2"),
        ("KUBECTL_LOGIN_CLIENT_SECRET_FILE", file.as_str()),
        ("KUBECTL_LOGIN_CLIENT_SECRET_COMMAND", "echo hunter2"),
        ("KUBECTL_LOGIN_PASSWORD", "hunter2"),
        ("KUBECTL_LOGIN_REQUEST_HEADER", "Authorization=hunter2"),
        ("KUBECTL_LOGIN_IDENTITY_FILE", file.as_str()),
        ("KUBECTL_LOGIN_IDENTITY", "gitlab"),
        ("KUBECTL_LOGIN_CERTIFICATE_AUTHORITY", file.as_str()),
        ("KUBECTL_LOGIN_INSECURE_SKIP_TLS_VERIFY", "true"),
    ] {
        let refused = by_cluster(&stage, "", &settings).env(name, value).output().unwrap();
        failed(&refused, 2, "the value of `--");
        let said = stderr(&refused);
        assert!(said.contains("is not used with the issuer"), "{said}");
        assert!(said.contains(&format!("`{name}`")) && !said.contains("hunter2"), "{said}");
        assert!(said.contains("`KUBECTL_LOGIN_ISSUER_URL`"), "{said}");
    }
    let asked = |script: &issuer::Script| script.requests.len() + script.discoveries;
    assert_eq!(asked(&stage.issuer.script()), 0);
    // The same issuer, named by the user.
    let mut own = by_cluster(&stage, "", &json!(null));
    own.env("KUBECTL_LOGIN_ISSUER_URL", &stage.issuer.url)
        .env("KUBECTL_LOGIN_CLIENT_ID", "kubectl-login")
        .env("KUBECTL_LOGIN_FLOW", "client-credentials")
        .env("KUBECTL_LOGIN_CLIENT_SECRET", "hunter2");
    assert_eq!(token(&own.output().unwrap()), "machine");
    // An issuer that only the cluster names: it is not sent the secret.
    let theirs = by_cluster(&stage, "--force-refresh", &settings).output().unwrap();
    assert_eq!(token(&theirs), "machine");
    assert!(!stage.issuer.script().requests[1].contains_key("client_secret"));
}

#[test]
fn a_cluster_changes_nothing_about_the_issuer_of_the_entry() {
    let stage = Stage::new();
    let words =
        format!("--flow client-credentials --issuer-url {} --client-id k", stage.issuer.url);
    for (key, value) in [
        ("use-access-token", json!(true)),
        ("audience", json!("other-cluster")),
        ("scope", json!(["other"])),
        ("pkce-method", json!("no")),
        ("certificate-authority-data", json!("UEVN")),
        ("authorization-parameter", json!("prompt=none")),
        ("listen-address", json!("0.0.0.0:8000")),
        ("requested-token-type", json!("urn:x")),
    ] {
        let mut settings = json!({});
        settings[key] = value;
        let refused = by_cluster(&stage, &words, &settings).output().unwrap();
        failed(&refused, 2, &format!("the value of `--{key}` is not used with the issuer"));
    }
    assert_eq!(stage.issuer.script().requests.len(), 0);
    let account = json!({ "account": "a" });
    assert_eq!(token(&by_cluster(&stage, &words, &account).output().unwrap()), "machine");
}

#[test]
fn what_the_configuration_file_keeps_for_an_issuer_goes_to_no_other() {
    let stage = Stage::new();
    let other = issuer::Issuer::start();
    configure(
        &stage,
        &format!(
            "issuers:\n- issuer-url: {}\n  client-secret: hunter2hunter2\n  flow: client-credentials\n",
            stage.issuer.url
        ),
    );
    let run = |url: &str| {
        let words = format!("--issuer-url {url} --client-id k --flow client-credentials");
        token(&by_cluster(&stage, &words, &json!(null)).output().unwrap())
    };
    assert_eq!((run(&stage.issuer.url).as_str(), run(&other.url).as_str()), ("machine", "machine"));
    assert!(!other.script().requests[0].contains_key("client_secret"));
    // Without an issuer beside it, the secret applies to none.
    configure(&stage, "client-secret: hunter2hunter2\n");
    let words = format!("--issuer-url {} --client-id k", other.url);
    let refused = by_cluster(&stage, &words, &json!(null)).output().unwrap();
    failed(&refused, 2, "the value of `--client-secret` is not used with the issuer");
    assert!(stderr(&refused).contains("below `issuers:`"), "{}", stderr(&refused));
}

#[test]
fn a_browser_is_started_for_a_kubeconfig_only_where_the_person_allows_it() {
    let stage = Stage::new();
    let mark = stage.home.path().join("Program Files");
    fs::create_dir(&mark).unwrap();
    let (program, seen) = (mark.join("b.exe"), mark.join("seen"));
    fs::write(&program, format!("#!/bin/sh\necho \"$1\" > \"{}\"\n", seen.display())).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let run = |is_by_kubectl: bool| {
        let mut command = stage.command(
            "get-token --flow browser --interactive always --authentication-timeout-sec 2",
        );
        command.arg("--browser-command").arg(&program).env("PATH", "/usr/bin:/bin");
        if is_by_kubectl {
            command.env("KUBERNETES_EXEC_INFO", told(&json!(null)));
        }
        command.output().unwrap()
    };
    let refused = run(true);
    failed(&refused, 2, "the command of `--browser-command` came from `exec.args`");
    assert!(stderr(&refused).contains("`allowed-commands: []`"), "{}", stderr(&refused));
    assert!(!seen.exists());
    // The refusal did not start a back-off.
    configure(&stage, &format!("allowed-commands: [\"{}\"]\n", program.display()));
    failed(&run(true), 1, "the sign-in to");
    assert!(text_of(&seen).contains("://"));
    fs::remove_file(&seen).unwrap();
    configure(&stage, "flow: browser\n");
    for window in stage.files(".failed") {
        fs::remove_file(window).unwrap();
    }
    failed(&run(false), 1, "the sign-in to");
    assert!(text_of(&seen).contains("://"));
}

#[test]
fn what_an_issuer_repeats_is_neither_shown_nor_kept() {
    let stage = Stage::new();
    stage.issuer.script().failure = Some((400, "invalid_grant"));
    stage.issuer.script().repeats = true;
    let mut command = stage.command("get-token -v --flow password --username alice");
    command
        .env("KUBECTL_LOGIN_PASSWORD", "correct-horse-battery")
        .env("KUBECTL_LOGIN_REQUEST_HEADER", "Authorization=Bearer staple-0123456789");
    let refused = command.output().unwrap();
    failed(&refused, 1, &format!("issuer `{}` refused", stage.issuer.url));
    let kept: Vec<String> =
        stage.files(".failed").iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    assert_eq!(kept.len(), 1);
    for text in [&stderr(&refused), &kept[0]] {
        assert!(text.contains("was sent") && text.contains("(hidden)"), "{text}");
        assert!(!text.contains("correct-horse") && !text.contains("staple"), "{text}");
    }
}

#[test]
fn login_reads_the_configuration_that_the_entry_names_and_runs_nothing_for_it() {
    let stage = Stage::new();
    let own = stage.home.path().join("own.yaml");
    fs::write(&own, "flow: client-credentials\nallowed-commands: [echo hunter2]\n").unwrap();
    fs::set_permissions(&own, fs::Permissions::from_mode(0o600)).unwrap();
    let kubeconfig = |args: &str| {
        let file = stage.home.path().join("kubeconfig");
        let text = format!(
            "current-context: c\ncontexts:\n- {{name: c, context: {{user: u}}}}\nusers:\n- name: u\n  \
             user:\n    exec:\n      command: kubectl-login\n      args: [oidc-login, get-token, \
             --issuer-url={}, --client-id=k{args}]\n      env:\n      - {{name: \
             KUBECTL_LOGIN_CONFIG, value: {}}}\n",
            stage.issuer.url,
            own.display()
        );
        fs::write(&file, text).unwrap();
        let mut command = stage.command("login");
        command
            .env_remove("KUBECTL_LOGIN_ISSUER_URL")
            .env_remove("KUBECTL_LOGIN_CLIENT_ID")
            .env("PATH", "/usr/bin:/bin")
            .env("KUBECONFIG", file);
        command.output().unwrap()
    };
    let signed_in = kubeconfig("");
    assert!(signed_in.status.success(), "{}", stderr(&signed_in));
    assert_eq!(stage.issuer.count("client_credentials"), 1);
    // The entry's author could have written that file, too.
    let refused = kubeconfig(", '--client-secret-command=echo hunter2'");
    failed(&refused, 2, "could not get the client secret");
    assert!(stderr(&refused).contains("is not one that you have allowed"), "{}", stderr(&refused));
}

#[test]
fn names_of_a_kubeconfig_give_a_terminal_no_orders() {
    let stage = Stage::new();
    let file = stage.home.path().join("kubeconfig");
    let text =
        "users:\n- name: \"a\\e[31mred\\e]0;t\\a\"\n  user:\n    auth-provider: {name: gcp}\n";
    fs::write(&file, text).unwrap();
    let output = stage.command("convert").env("KUBECONFIG", &file).output().unwrap();
    let said = stderr(&output);
    assert!(said.contains("red") && !said.contains(['\x1b', '\x07']), "{said:?}");
}
