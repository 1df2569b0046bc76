//! A bearer token at a kube-apiserver whose webhook files were printed by login-server.
//! Never uses an exec plugin: the cases pass the token themselves.

use anyhow::{Result, ensure};

use crate::world::{Case, World};

pub(crate) const CASES: &[Case] = &[
    ("a_good_token_lists_pods_with_either_review_version", good_token),
    ("a_bad_token_is_unauthorized_with_either_review_version", bad_token),
    ("curl_with_a_bearer_token_lists_pods", curl),
    ("the_cluster_sees_name_groups_and_a_stable_uid", identity),
    ("a_third_party_review_for_another_audience_is_not_authenticated", foreign_audience),
];

fn good_token(world: &World) -> Result<()> {
    for client in [&world.alice, &world.bob] {
        let token = client.credential(&[])?.token;
        for (_, server) in world.servers() {
            let kubectl = world.kubectl(server)?;
            kubectl
                .run(&["get", "pods", "-n", "team", "--token", &token])?
                .success()?
                .saying("the-pod")?;
        }
    }
    let token = world.alice.credential(&[])?.token;
    for (_, server) in world.servers() {
        let kubectl = world.kubectl(server)?;
        kubectl.run(&["get", "pods", "-A", "--token", &token])?.success()?.saying("the-pod")?;
    }
    Ok(())
}

fn bad_token(world: &World) -> Result<()> {
    let good = world.alice.credential(&[])?.token;
    let (signed, signature) = good.rsplit_once('.').unwrap_or((&good, ""));
    let reversed: String = signature.chars().rev().collect();
    let tampered = format!("{signed}.{reversed}");
    for (_, server) in world.servers() {
        let kubectl = world.kubectl(server)?;
        for bad in ["not-a-token", "abcdef.0123456789abcdef", &tampered] {
            let refused = kubectl.run(&["get", "pods", "-A", "--token", bad])?.with_code(1)?;
            refused.saying("You must be logged in to the server")?;
        }
    }
    Ok(())
}

fn curl(world: &World) -> Result<()> {
    let token = world.alice.credential(&[])?.token;
    for (version, server) in world.servers() {
        let curl = world.cluster.curl()?.with_bearer(&token);
        let reply = curl.get(&format!("{}/api/v1/namespaces/team/pods", server.url()))?;
        ensure!(reply.status == 200, "{version}: {reply:?}");
        ensure!(reply.json()?["items"][0]["metadata"]["name"] == "the-pod", "{reply:?}");
    }
    Ok(())
}

fn identity(world: &World) -> Result<()> {
    let credential = world.alice.credential(&[])?;
    let mut uids = Vec::new();
    for (version, server) in world.servers() {
        let who = world.kubectl(server)?.whoami(&["--token", &credential.token])?;
        ensure!(who["username"] == "alice", "{version}: {who}");
        ensure!(
            who["groups"] == serde_json::json!(["developers", "system:authenticated"]),
            "{version}: {who}"
        );
        uids.push(who["uid"].as_str().unwrap_or_default().to_owned());
    }
    ensure!(uids.iter().all(|uid| !uid.is_empty()), "{uids:?}");
    ensure!(uids.first() == uids.last(), "{uids:?}");
    Ok(())
}

/// kube-apiserver passes the audiences of a TokenReview on to the webhook (contract W14).
fn foreign_audience(world: &World) -> Result<()> {
    let token = world.alice.credential(&[])?.token;
    for (version, server) in world.servers() {
        let administrator = login_tests::kubectl::Kubectl::new(
            &world.components,
            login_tests::components::NEWEST_KUBECTL,
            &world.cluster.administrator(server),
        )?;
        let review = |audiences: serde_json::Value| -> Result<serde_json::Value> {
            let body = serde_json::json!({
                "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
                "spec": { "token": token, "audiences": audiences },
            });
            let made = administrator.run_with_input(&["create", "-f", "-", "-o", "json"], &body)?;
            Ok(made.success()?.json()?["status"].clone())
        };
        let own = review(serde_json::json!(null))?;
        ensure!(own["authenticated"] == true, "{version}: {own}");
        let foreign = review(serde_json::json!(["vault"]))?;
        ensure!(foreign["authenticated"] != true, "{version}: {foreign}");
    }
    Ok(())
}
