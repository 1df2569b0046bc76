//! The part of the demo with a real kube-apiserver and kubectl.
//! Never passes `--token`: kubectl finds the exec entry in its kubeconfig, as a user's does.

use super::{Running, steps::Steps, write_private};
use crate::{
    children::{self, Background},
    components::control_plane,
    dev_server::curl,
};
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::{
    env, fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

const PATIENCE: Duration = Duration::from_secs(40);

/// The programs that must exist without building anything.
pub(crate) struct Parts {
    kubectl: PathBuf,
    kube_apiserver: PathBuf,
    etcd: PathBuf,
}

impl Parts {
    pub(crate) fn at_hand() -> Option<Self> {
        children::on_path("openssl")?;
        let [kubectl, kube_apiserver, etcd] = control_plane::if_there()?;
        Some(Self { kubectl, kube_apiserver, etcd })
    }
}

/// A running control plane; dropping it stops it, kube-apiserver first.
pub(crate) struct Cluster {
    kubectl: PathBuf,
    url: String,
    certificate: PathBuf,
    kubeconfig: Vec<PathBuf>,
    kube_apiserver: Background,
    _etcd: Background,
}

impl Cluster {
    /// The value for `KUBECONFIG`.
    pub(crate) fn kubeconfig(&self) -> String {
        let files: Vec<String> = self.kubeconfig.iter().map(|f| f.display().to_string()).collect();
        files.join(":")
    }

    pub(crate) fn kubectl(&self) -> &Path {
        &self.kubectl
    }
}

pub(crate) fn show(
    steps: &mut Steps,
    running: &Running,
    parts: &Parts,
    scratch: &Path,
) -> Option<Cluster> {
    let cluster = steps.run("kube-apiserver is ready and asks login-server", || {
        let cluster = start(running, parts, scratch)?;
        let version = children::text(Command::new(&parts.kube_apiserver).arg("--version"))?;
        let said = format!("{version} at {}", cluster.url);
        Ok((cluster, said))
    })?;
    steps.run("`kubectl auth whoami`, without `--token`", || {
        let said = as_person(running, &cluster, &["auth", "whoami", "-o", "json"])?;
        let said: Value = serde_json::from_str(&said)?;
        let user = said.pointer("/status/userInfo").context("no `status.userInfo`")?;
        let username = user.get("username").and_then(Value::as_str).unwrap_or_default();
        ensure!(username == running.server.fact("/user/name")?, "another user: {user}");
        let groups = user.get("groups").and_then(Value::as_array).into_iter().flatten();
        let groups: Vec<&str> = groups.filter_map(Value::as_str).collect();
        Ok(((), format!("user {username}, groups {}", groups.join(", "))))
    });
    steps.run("`kubectl get namespaces`, without `--token`", || {
        let said = as_person(running, &cluster, &["get", "namespaces", "-o", "name"])?;
        ensure!(said.lines().any(|line| line == "namespace/kube-system"), "it lists `{said}`");
        Ok(((), said.lines().collect::<Vec<_>>().join(", ")))
    });
    Some(cluster)
}

fn as_person(running: &Running, cluster: &Cluster, arguments: &[&str]) -> Result<String> {
    let mut command = Command::new(&cluster.kubectl);
    command.args(arguments);
    running.client.at_home(&mut command);
    let programs = running.client.program.parent().unwrap_or(Path::new("."));
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = [programs.to_owned()].into_iter().chain(env::split_paths(&path));
    command
        .env("PATH", env::join_paths(folders)?)
        .env("KUBECONFIG", cluster.kubeconfig())
        // The same session as in the steps before: no second sign-in.
        .env("KUBECTL_LOGIN_TOKEN_CACHE_DIR", running.client.token_cache())
        .env("KUBECTL_LOGIN_INTERACTIVE", "never");
    children::text(&mut command)
}

fn start(running: &Running, parts: &Parts, scratch: &Path) -> Result<Cluster> {
    let (etcd, etcd_url) = start_etcd(parts, scratch)?;

    let service_account_key = scratch.join("service-account.key");
    // kube-apiserver accepts an EC key in the form of RFC 5915, not in PKCS #8.
    children::text(
        Command::new("openssl")
            .args(["ecparam", "-genkey", "-noout", "-name", "prime256v1", "-out"])
            .arg(&service_account_key),
    )?;
    // An administrator, which the demo defines, has to grant the user something.
    let administrator = children::text(Command::new("openssl").args(["rand", "-hex", "24"]))?;
    let tokens = scratch.join("administrator.csv");
    write_private(&tokens, &format!("{administrator},administrator,1,system:masters\n"))?;

    let port = free_port()?;
    let certificates = scratch.join("kube-apiserver");
    let file = |flag: &str, path: &Path| format!("--{flag}={}", path.display());
    let mut command = Command::new(&parts.kube_apiserver);
    command
        .current_dir(scratch)
        .env("HOME", scratch.join("home"))
        .arg(format!("--etcd-servers={etcd_url}"))
        .arg(format!("--secure-port={port}"))
        .args(["--bind-address=127.0.0.1", "--advertise-address=127.0.0.1"])
        .args(["--endpoint-reconciler-type=none", "--service-cluster-ip-range=10.96.0.0/24"])
        .arg(file("cert-dir", &certificates))
        .arg("--service-account-issuer=https://kubernetes.default.svc")
        .arg(file("service-account-key-file", &service_account_key))
        .arg(file("service-account-signing-key-file", &service_account_key))
        .args(["--authorization-mode=RBAC", "--disable-admission-plugins=ServiceAccount"])
        .arg(file("token-auth-file", &tokens))
        .arg(format!(
            "--authentication-token-webhook-config-file={}",
            running.server.fact("/webhookKubeconfig")?
        ))
        .arg("--authentication-token-webhook-version=v1")
        .arg("--authentication-token-webhook-cache-ttl=10s")
        .arg(format!("--authentication-config={}", running.server.fact("/authenticationConfig")?));
    let log = scratch.join("kube-apiserver.log");
    let mut kube_apiserver = Background::start("kube-apiserver", &log, &mut command)?;
    let certificate = certificates.join("apiserver.crt");
    let url = format!("https://127.0.0.1:{port}");
    kube_apiserver.wait_until(PATIENCE, || {
        let mut ask = curl(&certificate.to_string_lossy());
        children::text(ask.arg(format!("{url}/readyz"))).is_ok_and(|said| said == "ok")
    })?;

    let mut cluster = Cluster {
        kubectl: parts.kubectl.clone(),
        url,
        certificate,
        kubeconfig: Vec::new(),
        kube_apiserver,
        _etcd: etcd,
    };
    write_kubeconfig(&mut cluster, running, scratch)?;
    grant(&mut cluster, running, scratch, &administrator)?;
    Ok(cluster)
}

fn start_etcd(parts: &Parts, scratch: &Path) -> Result<(Background, String)> {
    let url = format!("http://127.0.0.1:{}", free_port()?);
    let peers = format!("http://127.0.0.1:{}", free_port()?);
    let mut command = Command::new(&parts.etcd);
    command
        .current_dir(scratch)
        .arg(format!("--data-dir={}", scratch.join("etcd").display()))
        .arg(format!("--listen-client-urls={url}"))
        .arg(format!("--advertise-client-urls={url}"))
        .arg(format!("--listen-peer-urls={peers}"))
        .arg(format!("--initial-advertise-peer-urls={peers}"))
        .arg(format!("--initial-cluster=default={peers}"));
    let mut etcd = Background::start("etcd", &scratch.join("etcd.log"), &mut command)?;
    etcd.wait_until(PATIENCE, || {
        let mut ask = Command::new("curl");
        ask.args(["--disable", "--silent", "--fail", "--max-time", "2", "--noproxy", "*"]);
        children::text(ask.arg(format!("{url}/health"))).is_ok()
    })?;
    Ok((etcd, url))
}

/// Writes the cluster beside the exec entry that `login-server` wrote: kubectl merges the two.
fn write_kubeconfig(cluster: &mut Cluster, running: &Running, scratch: &Path) -> Result<()> {
    let entry = PathBuf::from(running.server.fact("/execEntry")?);
    let mut view = Command::new(&cluster.kubectl);
    running.client.at_home(&mut view);
    view.args(["config", "view", "-o", "json"]).env("KUBECONFIG", &entry);
    let entry_read: Value = serde_json::from_str(&children::text(&mut view)?)?;
    let user = entry_read.pointer("/users/0/name").and_then(Value::as_str);
    let user = user.context("the exec entry names no user")?;
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": "demo", "cluster": {
            "server": cluster.url, "certificate-authority": cluster.certificate,
        }}],
        "contexts": [{ "name": "demo", "context": { "cluster": "demo", "user": user } }],
        "current-context": "demo",
    });
    let file = scratch.join("cluster.kubeconfig");
    fs::write(&file, serde_json::to_string_pretty(&config)?)?;
    cluster.kubeconfig = vec![file, entry];
    Ok(())
}

/// The administrator lets the user's first group list namespaces.
fn grant(cluster: &mut Cluster, running: &Running, scratch: &Path, token: &str) -> Result<()> {
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": "demo", "cluster": {
            "server": cluster.url, "certificate-authority": cluster.certificate,
        }}],
        "users": [{ "name": "administrator", "user": { "token": token } }],
        "contexts": [{ "name": "demo", "context": { "cluster": "demo", "user": "administrator" } }],
        "current-context": "demo",
    });
    let file = scratch.join("administrator.kubeconfig");
    write_private(&file, &config.to_string())?;
    let groups = running.server.groups("/user/groups");
    let group = groups.first().context("the user has no group")?;
    let kubectl = cluster.kubectl.clone();
    let as_administrator = |arguments: &[&str]| {
        let mut command = Command::new(&kubectl);
        running.client.at_home(&mut command);
        children::text(command.args(arguments).env("KUBECONFIG", &file))
    };
    // Not the role `view`: kube-controller-manager, which does not run here, fills that one.
    as_administrator(&[
        "create",
        "clusterrole",
        "demo-reader",
        "--verb=get,list",
        "--resource=namespaces",
    ])?;
    let group_option = format!("--group={group}");
    as_administrator(&[
        "create",
        "clusterrolebinding",
        "demo-reader",
        "--clusterrole=demo-reader",
        &group_option,
    ])?;
    // kube-apiserver applies its own objects with a short delay.
    let as_group = format!("--as-group={group}");
    let question = ["auth", "can-i", "list", "namespaces", "--as=jane", as_group.as_str()];
    cluster.kube_apiserver.wait_until(PATIENCE, || as_administrator(&question).is_ok())
}

/// A port that was free a moment ago.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
