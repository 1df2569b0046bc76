//! Requests without credentials: health paths, and what joining nodes and other clusters read,
//! must stay open. Never opens more than these.

use anyhow::{Result, ensure};
use login_tests::api_server::{ApiServer, Authentication};
use login_tests::login_server::print;
use login_tests::scratch::Scratch;
use serde_json::json;

use crate::world::{Case, World};

pub(crate) const CASES: &[Case] = &[
    ("without_credentials_system_anonymous_is_forbidden", forbidden),
    (
        "the_printed_authentication_configuration_reopens_only_what_is_asked_without_credentials",
        printed_configuration,
    ),
];

fn forbidden(world: &World) -> Result<()> {
    for (version, server) in world.servers() {
        let reply = world.cluster.curl()?.get(&format!("{}/api/v1/pods", server.url()))?;
        ensure!(reply.status == 403, "{version}: {reply:?}");
        let message = reply.json()?["message"].as_str().unwrap_or_default().to_owned();
        ensure!(message.contains("User \"system:anonymous\" cannot list"), "{message}");
    }
    Ok(())
}

fn printed_configuration(world: &World) -> Result<()> {
    let webhook = Some(world.strict.printed_webhook_kubeconfig()?);
    let closed = Authentication {
        webhook: webhook.clone(),
        anonymous: Some(false),
        ..Authentication::default()
    };
    let server = world.cluster.api_server("apiserver-closed", &closed)?;
    ensure!(statuses(world, &server, &["/livez", "/api/v1/pods"])? == [401, 401]);
    token_works(world, &server)?;
    drop(server);

    let scratch = Scratch::new()?;
    let printed = print(&world.components, &["authentication-config"])?;
    let mended = Authentication {
        webhook,
        configuration: Some(scratch.file("authentication.yaml", printed)?),
        ..Authentication::default()
    };
    let server = world.cluster.api_server("apiserver-mended", &mended)?;
    let paths = ["/livez", "/readyz", "/healthz", "/api/v1/pods", "/version", "/livez/ping"];
    let seen = statuses(world, &server, &paths)?;
    ensure!(seen == [200, 200, 200, 401, 401, 401], "{paths:?} answered {seen:?}");
    // As `kubeadm init` creates it; `kubeadm join` reads it before it has credentials.
    let administrator = world.administrator()?;
    let namespaced = |kind: &str, version: &str, rest: serde_json::Value| {
        let mut object = json!({
            "apiVersion": version, "kind": kind,
            "metadata": {"name": "cluster-info", "namespace": "kube-public"},
        });
        if let (Some(object), Some(rest)) = (object.as_object_mut(), rest.as_object()) {
            object.extend(rest.clone());
        }
        object
    };
    let rbac = "rbac.authorization.k8s.io";
    for object in [
        namespaced("ConfigMap", "v1", json!({"data": {"kubeconfig": "the-kubeconfig"}})),
        namespaced(
            "Role",
            &format!("{rbac}/v1"),
            json!({"rules": [{
                "apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["cluster-info"], "verbs": ["get"],
            }]}),
        ),
        namespaced(
            "RoleBinding",
            &format!("{rbac}/v1"),
            json!({
                "roleRef": {"apiGroup": rbac, "kind": "Role", "name": "cluster-info"},
                "subjects": [{"apiGroup": rbac, "kind": "User", "name": "system:anonymous"}],
            }),
        ),
    ] {
        administrator.create(&object)?;
    }
    let maps = "/api/v1/namespaces/kube-public/configmaps";
    let cluster_info = format!("{maps}/cluster-info?timeout=10s");
    let paths =
        [cluster_info.as_str(), maps, "/.well-known/openid-configuration", "/openid/v1/jwks"];
    let seen = statuses(world, &server, &paths)?;
    // 403, not 401: RBAC denies the last two until an operator binds the role that reads them.
    ensure!(seen == [200, 401, 403, 403], "{paths:?} answered {seen:?}");
    token_works(world, &server)
}

fn statuses(world: &World, server: &ApiServer, paths: &[&str]) -> Result<Vec<u16>> {
    let curl = world.cluster.curl()?;
    paths.iter().map(|path| Ok(curl.get(&format!("{}{path}", server.url()))?.status)).collect()
}

fn token_works(world: &World, server: &ApiServer) -> Result<()> {
    let token = world.alice.credential(&[])?.token;
    let kubectl = world.kubectl(server)?;
    kubectl.run(&["get", "pods", "-A", "--token", &token])?.success()?.saying("the-pod")?;
    Ok(())
}
