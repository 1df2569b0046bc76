//! kubectl as the host: what it passes, what it accepts, what it refuses before the plugin runs.
//! Never calls the plugin by hand where kubectl would.

use std::fs;
use std::os::unix::fs::symlink;

use anyhow::{Context as _, Result, ensure};
use login_tests::browser::visits;
use login_tests::command::{Finished, run};
use login_tests::kubeconfig::User;
use login_tests::kubectl::Kubectl;
use login_tests::login_client::LoginClient;
use login_tests::scratch::read;
use serde_json::{Value, json};

use crate::world::{Case, World};

pub(crate) const CASES: &[Case] = &[
    ("without_a_terminal_or_a_browser_kubectl_fails_at_once_with_advice", nobody_there),
    ("a_manifest_in_a_pipe_reaches_kubectl_whole_while_a_person_signs_in", piped_manifest),
    ("an_entry_that_needs_a_terminal_is_refused_by_kubectl_without_one", always_interactive),
    ("cluster_information_without_settings_changes_nothing", no_settings),
    ("settings_of_the_cluster_entry_count", settings),
    ("without_cluster_information_the_error_names_the_switch", no_cluster),
    ("the_clusters_certificate_authority_is_not_the_issuers", other_authority),
    ("a_kubeconfig_is_never_changed_by_the_plugin", untouched_kubeconfig),
    ("what_kubectl_says_wins_over_a_variable_of_the_entry", inherited_exec_info),
    ("a_relative_command_is_found_beside_the_kubeconfig", relative_command),
    ("a_certificate_authority_too_long_for_the_environment_keeps_the_plugin_from_starting", huge),
    ("an_allow_list_of_kuberc_names_the_plugin", allow_list),
    ("kubectl_finds_the_plugin_and_passes_its_arguments", as_plugin),
    ("kubectl_refuses_its_own_flags_before_the_plugins_name", flags_before),
];

fn exec_entry(client: &LoginClient, changes: &[(&str, Value)]) -> Value {
    let mut entry = client.exec_entry("v1");
    for (name, value) in changes {
        entry[*name] = value.clone();
    }
    entry
}

/// P13: kubectl in a job, standard input is `/dev/null`.
fn nobody_there(world: &World) -> Result<()> {
    let client = world.lonely_client()?;
    let kubectl = world.kubectl(&client)?.with_variable("CI", "true");
    let finished = kubectl.run(&["get", "namespaces"])?.with_code(1)?;
    ensure!(finished.stdout.is_empty(), "{finished}");
    ensure!(finished.stderr.contains("hint: "), "{finished}");
    finished.saying("failed with exit code 3")?;
    Ok(())
}

/// P14: standard input is the manifest, and a sign-in happens meanwhile.
fn piped_manifest(world: &World) -> Result<()> {
    let client = world.client("alice")?;
    let text = "x".repeat(100_000);
    let manifest = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": "piped", "namespace": "default" },
        "data": { "text": text },
    });
    let kubectl = world.kubectl(&client)?;
    kubectl.run_with_input(&["apply", "-f", "-"], &manifest)?.success()?.saying("created")?;
    ensure!(visits(client.scratch())? == 1, "nobody signed in");
    let kept = kubectl.run(&["get", "configmap", "piped", "-n", "default", "-o", "json"])?;
    ensure!(kept.success()?.json()?["data"]["text"] == text, "the manifest was not whole");
    Ok(())
}

/// P15.
fn always_interactive(world: &World) -> Result<()> {
    let client = world.client("alice")?;
    let entry = exec_entry(&client, &[("interactiveMode", json!("Always"))]);
    let kubectl = world.kubectl_with(&world.kubeconfig(entry), &client)?;
    kubectl
        .run(&["get", "namespaces"])?
        .with_code(1)?
        .saying("standard input is not a terminal")?;
    ensure!(visits(client.scratch())? == 0, "the plugin was run");
    let printed = login_tests::login_server::print(
        &world.components,
        &["exec-entry", "--issuer-url", world.provider.issuer(), "--client-id", "x"],
    )?;
    ensure!(printed.contains("interactiveMode: IfAvailable"), "{printed}");
    Ok(())
}

/// P16: `spec.cluster.config` is null then.
fn no_settings(world: &World) -> Result<()> {
    let client = world.client("alice")?;
    let entry = exec_entry(&client, &[("provideClusterInfo", json!(true))]);
    let kubectl = world.kubectl_with(&world.kubeconfig(entry), &client)?;
    kubectl.run(&["get", "namespaces"])?.success()?.saying("kube-system")?;
    Ok(())
}

/// P17 and P20: the same user entry with other settings is another token.
fn settings(world: &World) -> Result<()> {
    let client = world.client("alice")?;
    let entry = exec_entry(&client, &[("provideClusterInfo", json!(true))]);
    let with = |settings: &Value| -> Result<Kubectl> {
        let kubeconfig = world.kubeconfig(entry.clone()).with_settings(settings);
        world.kubectl_with(&kubeconfig, &client)
    };
    let get = |settings: &Value| with(settings)?.run(&["get", "namespaces"]);
    get(&json!({ "account": "alice" }))?.success()?;
    get(&json!({ "account": "alice" }))?.success()?;
    ensure!(visits(client.scratch())? == 1, "the same settings are the same token");
    get(&json!({ "account": "alice-as-operator" }))?.success()?;
    ensure!(visits(client.scratch())? == 2, "other settings are another token");
    for wrong in [json!("text"), json!(["account"]), json!(7)] {
        let finished = get(&wrong)?.with_code(1)?;
        finished.saying("failed with exit code 2")?.saying("settings")?;
    }
    get(&json!({ "no-such-key": 1 }))?.with_code(1)?.saying("no-such-key")?;
    Ok(())
}

/// P18: the settings exist, and `provideClusterInfo` does not tell kubectl to pass them on.
fn no_cluster(world: &World) -> Result<()> {
    let client = LoginClient::new(&world.components, &[])?;
    let settings = json!({ "issuer-url": world.provider.issuer(), "client-id": "kubectl-login" });
    let kubeconfig = world.kubeconfig(client.exec_entry("v1")).with_settings(&settings);
    let kubectl = world.kubectl_with(&kubeconfig, &client)?;
    let finished = kubectl.run(&["get", "namespaces"])?.with_code(1)?;
    finished.saying("failed with exit code 2")?.saying("provideClusterInfo")?;
    Ok(())
}

/// P19: the trust settings of the cluster entry apply to the cluster, not to the issuer.
fn other_authority(world: &World) -> Result<()> {
    let options = ["--issuer-url", world.provider.issuer(), "--client-id", "kubectl-login"];
    let client = LoginClient::new(&world.components, &options)?.with(&["--flow", "device"]);
    let entry = exec_entry(&client, &[("provideClusterInfo", json!(true))]);
    let plain = world.kubeconfig(entry);
    let insecure = plain.clone().with("insecure-skip-tls-verify", json!(true));
    for kubeconfig in [plain, insecure] {
        let kubectl = world.kubectl_with(&kubeconfig, &client)?;
        // A sign-in is possible, so the client contacts the issuer.
        let kubectl = kubectl.with_variable("KUBECTL_LOGIN_INTERACTIVE", "always");
        kubectl.run(&["get", "namespaces"])?.with_code(1)?.saying("failed with exit code 4")?;
    }
    Ok(())
}

/// P33.
fn untouched_kubeconfig(world: &World) -> Result<()> {
    let client = world.client("alice")?;
    let file =
        world.kubeconfig(client.exec_entry("v1")).write(client.scratch(), "the-kubeconfig")?;
    let before = (read(&file)?, fs::metadata(&file)?.modified()?);
    let kubectl = Kubectl::with_kubeconfig(&world.components, "1.37", &file)?;
    kubectl.at_home(&client.home()).run(&["get", "namespaces"])?.success()?;
    ensure!((read(&file)?, fs::metadata(&file)?.modified()?) == before, "it was changed");
    Ok(())
}

/// P36.
fn inherited_exec_info(world: &World) -> Result<()> {
    let client = world.client("alice")?;
    let stale = json!([{ "name": "KUBERNETES_EXEC_INFO", "value": "{\"kind\":\"Status\"}" }]);
    let entry = exec_entry(&client, &[("env", stale)]);
    let kubectl = world.kubectl_with(&world.kubeconfig(entry), &client)?;
    kubectl.run(&["get", "namespaces"])?.success()?;
    Ok(())
}

/// P42.
fn relative_command(world: &World) -> Result<()> {
    let client = world.client("alice")?;
    let programs = client.scratch().folder("bin")?;
    symlink(world.components.kubectl_login()?, programs.join("kubectl-login"))?;
    let entry = exec_entry(&client, &[("command", json!("./bin/kubectl-login"))]);
    let file = world.kubeconfig(entry).write(client.scratch(), "the-kubeconfig")?;
    let kubectl = Kubectl::with_kubeconfig(&world.components, "1.37", &file)?;
    kubectl.at_home(&client.home()).run(&["get", "namespaces"])?.success()?;
    Ok(())
}

/// P41: a limit of the system (execve(2), `MAX_ARG_STRLEN`); hence `provideClusterInfo: false`.
fn huge(world: &World) -> Result<()> {
    let client = world.client("alice")?;
    let mut kubeconfig =
        world.kubeconfig(exec_entry(&client, &[("provideClusterInfo", json!(true))]));
    let one = kubeconfig.certificate_authority_pem.clone();
    kubeconfig.certificate_authority_pem = one.repeat(160_000 / one.len());
    let kubectl = world.kubectl_with(&kubeconfig, &client)?;
    kubectl.run(&["get", "namespaces"])?.with_code(1)?.saying("argument list too long")?;
    if let User::Exec(entry) = &mut kubeconfig.user {
        entry["provideClusterInfo"] = json!(false);
    }
    world.kubectl_with(&kubeconfig, &client)?.run(&["get", "namespaces"])?.success()?;
    Ok(())
}

/// P37.
fn allow_list(world: &World) -> Result<()> {
    let client = world.client("alice")?;
    let kubectl = world.kubectl(&client)?.with_variable("KUBECTL_KUBERC", "true");
    let with_policy = |policy: &str| -> Result<Finished> {
        let folder = client.home().join(".kube");
        fs::create_dir_all(&folder)?;
        let kuberc =
            format!("apiVersion: kubectl.config.k8s.io/v1beta1\nkind: Preference\n{policy}");
        client.scratch().file("home/.kube/kuberc", kuberc)?;
        kubectl.run(&["get", "namespaces"])
    };
    let refused = with_policy("credentialPluginPolicy: DenyAll\n")?.with_code(1)?;
    refused.saying("not allowed: policy set to \"DenyAll\"")?;
    let other =
        "credentialPluginPolicy: Allowlist\ncredentialPluginAllowlist: [{ command: other }]\n";
    with_policy(other)?
        .with_code(1)?
        .saying("is not permitted by the credential plugin allowlist")?;
    ensure!(visits(client.scratch())? == 0, "the plugin was run");
    let ours = other.replace("other", "kubectl-login");
    with_policy(&ours)?.success()?.saying("kube-system")?;
    Ok(())
}

/// P38.
fn as_plugin(world: &World) -> Result<()> {
    let client = world.client("alice")?;
    let kubectl = world.kubectl(&client)?;
    let direct = run(&mut client.bare_command(&["version"]), super::LIMIT)?.success()?;
    let as_plugin = kubectl.run(&["login", "version"])?.success()?;
    ensure!(direct.stdout == as_plugin.stdout, "{direct} {as_plugin}");
    let mut arguments = vec!["login"];
    let entry = client.exec_entry("v1");
    let given = entry["args"].as_array().context("no arguments")?;
    arguments.extend(given.iter().filter_map(Value::as_str));
    let credential = kubectl.run(&arguments)?.success()?;
    ensure!(credential.json()?["kind"] == "ExecCredential", "{credential}");
    kubectl.run(&["login", "--help"])?.success()?.saying("kubectl login")?;
    Ok(())
}

/// P39.
fn flags_before(world: &World) -> Result<()> {
    let kubectl = world.kubectl(&world.lonely_client()?)?;
    let refused = kubectl.run(&["--context", "test", "login", "version"])?.with_code(1)?;
    refused.saying("flags cannot be placed before plugin name")?;
    Ok(())
}
