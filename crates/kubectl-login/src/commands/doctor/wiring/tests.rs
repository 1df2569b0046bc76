//! Tests of `commands::doctor::wiring`: what a kubeconfig says, and what is found.
//! Never touches a file.

use super::*;
use crate::commands::doctor::finding::Outcome;

fn found() -> CommandPath {
    CommandPath::At("/usr/bin/kubectl-login".into())
}

fn entry() -> ExecEntry {
    let entry = serde_json::json!({
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "kubectl-login",
        "args": ["get-token"],
        "interactiveMode": "IfAvailable",
    });
    serde_json::from_value(entry).unwrap()
}

#[test]
fn a_key_that_client_go_does_not_know_is_named() {
    for (entry, words) in [
        (
            serde_json::json!({ "comand": "kubectl-login", "args": ["get-token"] }),
            "unknown key `comand` and no `command`",
        ),
        (serde_json::json!({ "command": "kubectl-login", "arg": [] }), "unknown key `arg`"),
        (serde_json::json!({ "args": [], "env": [], "installHint": "x" }), "no `command`"),
    ] {
        let entry: ExecEntry = serde_json::from_value(entry).unwrap();
        check(&exec(&entry, &found(), None), Outcome::Problem, words);
    }
}

fn check(finding: &Finding, outcome: Outcome, words: &str) {
    assert_eq!(finding.outcome, outcome, "{finding:?}");
    assert!(finding.message.contains(words), "{finding:?}");
    assert_eq!(finding.hint.is_some(), outcome != Outcome::Ok, "{finding:?}");
}

#[test]
fn what_a_context_names_must_be_there() {
    let whole = Context {
        file: "config".into(),
        name: "dev".to_owned(),
        user_name: "u".to_owned(),
        cluster_name: "c".to_owned(),
        cluster: Some(ClusterEntry::default()),
        user: Some(UserEntry::default()),
    };
    let without_user = Context { user: None, ..whole.clone() };
    let without_cluster = Context { cluster: None, ..whole.clone() };
    for (name, entry, outcome, words) in [
        (None, None, Outcome::Problem, "no kubeconfig has a current context"),
        (Some("dev"), None, Outcome::Problem, "the context `dev`"),
        (Some("dev"), Some(&without_user), Outcome::Problem, "the user `u`"),
        (Some("dev"), Some(&without_cluster), Outcome::Problem, "the cluster `c`"),
        (Some("dev"), Some(&whole), Outcome::Ok, "user `u` at cluster `c`"),
    ] {
        check(&context(name, entry), outcome, words);
    }
    check(&files(&[]), Outcome::Problem, "no kubeconfig");
    check(&files(&["/a".into(), "/b".into()]), Outcome::Ok, "`/a`, `/b`");
}

#[test]
fn a_server_without_tls_keeps_the_plugin_from_running() {
    let of = |server: &str, insecure| ClusterEntry {
        server: server.to_owned(),
        insecure_skip_tls_verify: insecure,
        ..ClusterEntry::default()
    };
    check(&cluster(&of("http://a", false)), Outcome::Problem, "runs no plugin");
    check(&cluster(&of("https://a", true)), Outcome::Warning, "any certificate");
    check(&cluster(&of("https://a", false)), Outcome::Ok, "https://a");
}

#[test]
fn credentials_beside_the_plugin_win_over_it() {
    let plain = UserEntry { exec: Some(entry()), ..UserEntry::default() };
    let provider = Some("oidc".to_owned());
    for (user_entry, outcome, words) in [
        (plain.clone(), Outcome::Ok, "runs a plugin"),
        (
            UserEntry { other_credentials: vec!["token"], ..plain.clone() },
            Outcome::Problem,
            "`token` beside `exec`",
        ),
        (
            UserEntry { other_credentials: vec!["token"], exec: None, ..plain.clone() },
            Outcome::Problem,
            "signs in by `token`",
        ),
        (UserEntry { exec: None, ..plain.clone() }, Outcome::Problem, "no credentials"),
        (
            UserEntry { auth_provider: provider.clone(), ..plain.clone() },
            Outcome::Problem,
            "beside `exec`",
        ),
        (
            UserEntry { auth_provider: provider, exec: None, ..plain },
            Outcome::Problem,
            "auth-provider `oidc`",
        ),
    ] {
        check(&user("u", &user_entry), outcome, words);
    }
}

#[test]
fn the_plugin_must_be_us_be_there_and_be_run_as_kubectl_wants_it() {
    let with = |change: fn(&mut ExecEntry)| {
        let mut entry = entry();
        change(&mut entry);
        entry
    };
    let home = Some(Path::new("/home/a"));
    for (entry, place, outcome, words) in [
        (entry(), found(), Outcome::Ok, "/usr/bin/kubectl-login"),
        (entry(), CommandPath::Nowhere, Outcome::Problem, "not on the PATH"),
        (
            entry(),
            CommandPath::At("/home/a/.krew/bin/kubectl-login".into()),
            Outcome::Warning,
            "another PATH",
        ),
        (
            with(|entry| entry.command = "/x/kubectl-login".to_owned()),
            CommandPath::Nowhere,
            Outcome::Problem,
            "no program at `/x/kubectl-login`",
        ),
        (
            with(|entry| {
                entry.command = "kubectl".to_owned();
                entry.args = Some(vec!["oidc-login".to_owned()]);
            }),
            found(),
            Outcome::Problem,
            "`kubectl oidc-login`",
        ),
        (with(|entry| entry.args = None), found(), Outcome::Problem, "`get-token`"),
        (
            with(|entry| entry.interactive_mode = None),
            found(),
            Outcome::Problem,
            "no `interactiveMode`",
        ),
        (
            with(|entry| entry.interactive_mode = Some("Sometimes".to_owned())),
            found(),
            Outcome::Problem,
            "`Sometimes`",
        ),
        (
            with(|entry| entry.interactive_mode = Some("Always".to_owned())),
            found(),
            Outcome::Warning,
            "Always",
        ),
        (
            with(|entry| {
                entry.api_version = Some("client.authentication.k8s.io/v1beta1".to_owned());
                entry.interactive_mode = None;
            }),
            found(),
            Outcome::Ok,
            "v1beta1",
        ),
        (
            with(|entry| {
                entry.api_version = Some("client.authentication.k8s.io/v1alpha1".to_owned());
            }),
            found(),
            Outcome::Problem,
            "v1alpha1",
        ),
        (with(|entry| entry.api_version = None), found(), Outcome::Problem, "apiVersion"),
    ] {
        check(&exec(&entry, &place, home), outcome, words);
    }
}

#[test]
fn kubectls_policy_must_let_us_run() {
    let file = Path::new("/home/a/.kube/kuberc");
    let list = "credentialPluginPolicy: Allowlist\ncredentialPluginAllowlist:\n";
    for (text, outcome, words) in [
        (None, Outcome::Ok, "no policy"),
        (Some("kind: Preference\n".to_owned()), Outcome::Ok, "allows any"),
        (Some("credentialPluginPolicy: AllowAll\n".to_owned()), Outcome::Ok, "allows any"),
        (Some("credentialPluginPolicy: DenyAll\n".to_owned()), Outcome::Problem, "DenyAll"),
        (Some(format!("{list}- command: kubectl-login\n")), Outcome::Ok, "allows `kubectl-login`"),
        (Some(format!("{list}- name: kubectl-login\n")), Outcome::Ok, "allows `kubectl-login`"),
        (
            Some(format!("{list}- command: /usr/bin/kubectl-login\n")),
            Outcome::Ok,
            "allows `kubectl-login`",
        ),
        (
            Some(format!("{list}- command: /opt/kubectl-login\n")),
            Outcome::Problem,
            "does not have `kubectl-login`",
        ),
        (Some(format!("{list}- command: other\n")), Outcome::Problem, "does not have"),
        (Some("a: [".to_owned()), Outcome::Warning, "not valid YAML"),
    ] {
        check(&policy(file, text.as_deref(), "kubectl-login", &found()), outcome, words);
    }
}
