//! A job's identity presented to an OpenID provider, which verifies it and issues its own token.
//! Never accepts a token that the provider did not sign.

use anyhow::{Result, ensure};
use login_tests::dex::{Dex, UPSTREAM};
use login_tests::oidc_provider::{CLIENT_ID, EXCHANGER_ID, RESOURCE};

use crate::world::{Case, JOB, World};

pub(crate) const CASES: &[Case] = &[
    ("an_exchanged_identity_is_known_by_kubectl_and_login_server", exchanged),
    ("auto_exchanges_where_the_provider_offers_it_and_says_why", auto),
    ("an_identity_as_a_grant_is_known_by_kubectl_and_login_server", granted),
    ("dex_is_told_which_connector_takes_the_identity", connector),
    ("an_identity_that_the_provider_does_not_trust_is_refused_with_its_names", untrusted),
];

const ID_TOKEN: [&str; 2] = ["--requested-token-type", "urn:ietf:params:oauth:token-type:id_token"];

fn exchanged(world: &World) -> Result<()> {
    let flow = ["--flow", "token-exchange"];
    let id_token = world.exchanger(EXCHANGER_ID)?.with(&flow).with(&ID_TOKEN);
    world.ensure_known_as(&id_token, &format!("exchanged:{JOB}"))?;
    let claims = id_token.credential(&[])?.claims()?;
    ensure!(claims["aud"] == EXCHANGER_ID && claims["sub"] == JOB, "{claims}");
    let access_token = world.exchanger(EXCHANGER_ID)?.with(&flow);
    world.ensure_known_as(&access_token, &format!("exchanged:{JOB}"))?;
    ensure!(access_token.credential(&[])?.claims()?["aud"] == RESOURCE);
    Ok(())
}

fn auto(world: &World) -> Result<()> {
    let client = world.exchanger(EXCHANGER_ID)?.with(&ID_TOKEN);
    let finished = client.get_token(&["-v"])?.success()?;
    let finished = finished.saying("exchanging it: another issuer signed it")?;
    finished.saying(&format!("is signed by `https://home.example`, about `{JOB}`"))?;
    let claims = client.credential(&[])?.claims()?;
    // The identity that the job presented has another audience.
    ensure!(claims["sub"] == JOB && claims["aud"] == EXCHANGER_ID, "{claims}");
    Ok(())
}

fn granted(world: &World) -> Result<()> {
    let client = world.exchanger(EXCHANGER_ID)?.with(&["--flow", "jwt-bearer"]);
    world.ensure_known_as(&client, &format!("exchanged:{JOB}"))?;
    let both = world.exchanger(EXCHANGER_ID)?.with(&["--flow", "jwt-bearer", "--scope", "openid"]);
    ensure!(both.credential(&[])?.claims()?["aud"] == EXCHANGER_ID, "the ID token is preferred");
    Ok(())
}

fn connector(world: &World) -> Result<()> {
    let dex = Dex::start(&world.components, "10m", Some(&world.provider))?;
    // dex's connector accepts an ID token of its own client at the other provider.
    let alice = world.provider.client(&world.components, CLIENT_ID, "alice")?.credential(&[])?;
    let client = dex.client(&world.components)?.with(&ID_TOKEN);
    let file = client.scratch().file("identity", &alice.token)?.display().to_string();
    let connector = format!("connector_id={UPSTREAM}");
    let options = [
        "--identity-file",
        &file,
        "--scope",
        "openid",
        "--subject-token-type",
        "urn:ietf:params:oauth:token-type:id_token",
        "--authorization-parameter",
        &connector,
    ];
    let claims = client.credential(&options)?.claims()?;
    ensure!(claims["iss"] == dex.issuer() && claims["aud"] == CLIENT_ID, "{claims}");
    Ok(())
}

fn untrusted(world: &World) -> Result<()> {
    let client = world.exchanger(EXCHANGER_ID)?;
    // Replaces the valid one.
    world.token_file(client.scratch(), "somebody-else")?;
    for flow in ["token-exchange", "jwt-bearer"] {
        let refused = client.get_token(&["--flow", flow, "-v"])?.with_code(1)?;
        ensure!(refused.stdout.is_empty(), "{refused}");
        let refused = refused.saying("for `somebody-else`")?;
        refused.saying("hint: the issuer has to accept tokens of the identity's signer")?;
    }
    Ok(())
}
