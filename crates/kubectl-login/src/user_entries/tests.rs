//! Tests which user entry `login` finds in realistic kubeconfigs.
//! Never reads the real `~/.kube`.

use std::{fs, path::Path};

use kubeconfig::{KubeconfigFault, edit::Edit};
use serde_json::json;

use super::*;
use crate::{
    options::table::Name,
    system::environment::{NoEnvironment, Overlay},
};

const FIRST: &str = r"
apiVersion: v1
kind: Config
current-context: dev
contexts:
- {name: dev, context: {cluster: c1, user: alice}}
- {name: other, context: {cluster: c1, user: token}}
- {name: lost, context: {cluster: c1, user: nobody}}
users:
- name: token
  user: {token: abc}
";

const SECOND: &str = r"
current-context: never
preferences: {}
clusters:
- name: c1
  cluster:
    server: https://k8s
    extensions:
    - name: client.authentication.k8s.io/exec
      extension: {audience: k8s}
users:
- name: alice
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: /usr/local/bin/kubectl-login
      args: [get-token, --issuer-url=https://id.example, --client-id, k]
      env: [{name: KUBECTL_LOGIN_ACCOUNT, value: a}]
      interactiveMode: IfAvailable
      provideClusterInfo: true
";

const THIRD: &str = "users:\n- {name: alice, user: {token: shadowed}}\n";

/// Writes the files and looks for the user of `context`.
fn found(texts: &[&str], context: Option<&str>) -> Result<User, KubeconfigError> {
    let scratch = tempfile::tempdir().unwrap();
    let mut paths = vec![scratch.path().join("missing")];
    for (index, text) in texts.iter().enumerate() {
        let path = scratch.path().join(format!("config-{index}"));
        #[expect(clippy::disallowed_methods, reason = "a test's own file")]
        fs::write(&path, text).unwrap();
        paths.push(path);
    }
    let list = std::env::join_paths(paths).unwrap().into_string().unwrap();
    let variables = [("KUBECONFIG".to_owned(), list)];
    current_user(&Overlay { variables: &variables, below: &NoEnvironment }, context, None)
}

#[test]
fn the_current_contexts_user_is_found_across_files() {
    let user = found(&[FIRST, SECOND, THIRD], None).unwrap();
    assert_eq!(user.name, "alice");
    assert!(user.file.ends_with("config-1"));
    assert_eq!(user.typed.of(Name::IssuerUrl).collect::<Vec<_>>(), ["https://id.example"]);
    assert_eq!(user.environment, [("KUBECTL_LOGIN_ACCOUNT".to_owned(), "a".to_owned())]);
    assert_eq!(user.cluster_config.unwrap()["audience"], "k8s");
}

#[test]
fn the_clusters_settings_are_handed_on_only_where_kubectl_would() {
    let without = SECOND.replace("provideClusterInfo: true", "provideClusterInfo: false");
    assert!(found(&[FIRST, &without], None).unwrap().cluster_config.is_none());
}

#[test]
fn whatever_is_missing_is_named() {
    let text = |texts: &[&str], context| found(texts, context).err().unwrap().to_string();
    assert_eq!(text(&[], None), "no kubeconfig has a current context");
    assert_eq!(text(&["", "{}"], None), "no kubeconfig has a current context");
    assert_eq!(text(&[FIRST], Some("prod")), "no kubeconfig has a context `prod`");
    assert_eq!(text(&[FIRST], Some("lost")), "no kubeconfig has a user `nobody`");
    assert!(text(&[FIRST], Some("other")).starts_with("user `token` in `"));
    assert!(text(&["a: [b"], None).ends_with("is not valid YAML"));
    let wrong = SECOND.replace("get-token,", "get-token, --nonsense,");
    assert!(text(&[FIRST, &wrong], None).contains("cannot be used: unexpected argument"));
    let not_ours = SECOND.replace("get-token,", "version,");
    assert!(matches!(found(&[FIRST, &not_ours], None), Err(KubeconfigError::Arguments { .. })));
}

#[test]
fn a_file_named_by_option_must_exist() {
    let missing = tempfile::tempdir().unwrap().path().join("config");
    let error = current_user(&NoEnvironment, None, missing.to_str()).err().unwrap();
    assert!(matches!(error, KubeconfigError::Content(KubeconfigFault::Read { .. })));
}

#[test]
fn no_value_of_a_kubeconfig_is_in_what_is_said_about_a_fault() {
    use crate::report::{Failure, Report};
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("config");
    let named = path.to_str();
    for text in [
        "users:\n- name: a\n  user:\n    token: SECRET\n   broken: [\n",
        "users:\n- name: a\n  user: {token: [SECRET], exec: SECRET}\n",
        "users:\n- name: a\n  user: SECRET\n",
        "users: SECRET\n",
        "users:\n- name: a\n  user: {exec: {provideClusterInfo: SECRET}}\n",
    ] {
        kubeconfig_file::replace(&path, text).unwrap();
        let outcomes = [
            current_user(&NoEnvironment, None, named).err(),
            read(&NoEnvironment, named).err(),
            read_to_change(&NoEnvironment, named).err(),
        ];
        assert!(outcomes.iter().any(Option::is_some), "{text}");
        for error in outcomes.into_iter().flatten() {
            let failure = Failure::from(error);
            let shown = format!("{failure:?}{}", Report::from(&failure));
            assert!(!shown.contains("SECRET"), "{shown}");
        }
    }
}

#[test]
fn what_cannot_be_changed_in_place_is_shown_to_be_put_there_by_hand() {
    use crate::report::Reported as _;
    let after = json!({ "exec": { "command": "kubectl-login", "args": ["--password=hunter2"] } });
    let edit = Edit::User { name: "a".to_owned(), before: None, after };
    let error = KubeconfigError::of(KubeconfigFault::Unwritable, Path::new("/f"), &[edit]);
    let hint = error.hint().unwrap();
    assert!(hint.contains("- {name: a, user: {exec: {") && !hint.contains("hunter2"), "{hint}");
}
