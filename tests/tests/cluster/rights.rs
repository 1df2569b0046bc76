//! The rights of a signed-in user: what RBAC grants to the mapped name and groups, nothing more.

use anyhow::{Result, ensure};
use login_tests::api_server::ApiServer;

use crate::world::{Case, World};

pub(crate) const CASES: &[Case] = &[
    ("a_user_without_groups_has_exactly_its_role_binding", role_binding),
    ("a_mapped_group_has_exactly_its_cluster_role_binding", cluster_role_binding),
    ("a_claim_to_system_masters_is_refused_by_default", masters_refused),
    ("a_claim_to_system_masters_works_when_that_name_is_allowed", masters_allowed),
];

fn can(world: &World, server: &ApiServer, token: &str, arguments: &[&str]) -> Result<bool> {
    let mut all = vec!["auth", "can-i", "--token", token];
    all.extend_from_slice(arguments);
    let finished = world.kubectl(server)?.run(&all)?;
    match (finished.code, finished.stdout.trim()) {
        (Some(0), "yes") => Ok(true),
        (Some(1), "no") => Ok(false),
        _ => anyhow::bail!("{finished}"),
    }
}

fn role_binding(world: &World) -> Result<()> {
    let token = world.bob.credential(&[])?.token;
    for (version, server) in world.servers() {
        let who = world.kubectl(server)?.whoami(&["--token", &token])?;
        ensure!(who["groups"] == serde_json::json!(["system:authenticated"]), "{version}: {who}");
        ensure!(can(world, server, &token, &["list", "pods", "-n", "team"])?);
        ensure!(!can(world, server, &token, &["list", "pods", "-n", "default"])?);
        ensure!(!can(world, server, &token, &["delete", "pods", "-n", "team"])?);
        let kubectl = world.kubectl(server)?;
        let refused = kubectl.run(&["get", "pods", "-A", "--token", &token])?.with_code(1)?;
        refused.saying("User \"bob\" cannot list resource \"pods\"")?;
    }
    Ok(())
}

fn cluster_role_binding(world: &World) -> Result<()> {
    let token = world.alice.credential(&[])?.token;
    for (_, server) in world.servers() {
        ensure!(can(world, server, &token, &["list", "pods", "-A"])?);
        ensure!(can(world, server, &token, &["get", "namespaces"])?);
        ensure!(!can(world, server, &token, &["create", "namespaces"])?);
        ensure!(!can(world, server, &token, &["get", "secrets", "-n", "team"])?);
    }
    Ok(())
}

fn masters_refused(world: &World) -> Result<()> {
    let token = world.mallory.credential(&[])?.token;
    let kubectl = world.kubectl(&world.v1beta1)?;
    let refused = kubectl.run(&["get", "pods", "-A", "--token", &token])?.with_code(1)?;
    refused.saying("You must be logged in to the server")?;
    let reply = world.strict.review("v1", &token)?;
    ensure!(reply.status == 200, "{reply:?}");
    ensure!(reply.json()?["status"]["authenticated"] == false, "{reply:?}");
    ensure!(!world.strict.log()?.contains(&token), "the log shows a token");
    Ok(())
}

fn masters_allowed(world: &World) -> Result<()> {
    let token = world.mallory.credential(&[])?.token;
    let who = world.kubectl(&world.v1)?.whoami(&["--token", &token])?;
    ensure!(
        who["groups"] == serde_json::json!(["system:masters", "system:authenticated"]),
        "{who}"
    );
    ensure!(can(world, &world.v1, &token, &["*", "*", "--all-namespaces"])?);
    Ok(())
}
