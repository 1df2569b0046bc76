//! A client that authenticates with another program's assertion, at a certified OpenID provider.
//! Never with a key of its own: `get_token/machines.rs` has those cases.

use anyhow::{Context as _, Result, ensure};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use jiff::Timestamp;
use login_tests::login_client::LoginClient;
use login_tests::oidc_provider::{RESOURCE, SIGNER_ID};
use login_tests::scratch::read;
use serde_json::json;

use crate::world::{Case, World};

pub(crate) const CASES: &[Case] = &[
    ("an_assertion_that_another_program_signed_proves_the_client", foreign_assertion),
    ("an_assertion_that_is_not_the_clients_is_refused", wrong_assertion),
];

const CLIENT: [&str; 4] = ["--flow", "client-credentials", "--audience", RESOURCE];

fn client(world: &World, id: &str) -> Result<LoginClient> {
    let provider = &world.provider;
    let authority = provider.authority().certificate();
    let client = LoginClient::for_issuer(&world.components, provider.issuer(), id, authority)?;
    Ok(client.with(&CLIENT))
}

/// An assertion as a vault or a key service signs it for `SIGNER_ID`.
fn assertion(world: &World, subject: &str) -> Result<String> {
    let pem = read(world.provider.signing_key())?;
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let key = BASE64_STANDARD.decode(body).context("not PEM")?;
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &key)?;
    let now = Timestamp::now().as_second();
    let part = |value: serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({
        "iss": subject, "sub": subject, "aud": world.provider.issuer(), "iat": now,
        "exp": now + 60, "jti": format!("{now}-{subject}"),
    });
    let header = json!({ "alg": "ES256", "kid": "signing-key", "typ": "JWT" });
    let signed = format!("{}.{}", part(header), part(claims));
    let signature = key.sign(&SystemRandom::new(), signed.as_bytes())?;
    Ok(format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature)))
}

fn foreign_assertion(world: &World) -> Result<()> {
    let client = client(world, SIGNER_ID)?;
    let assertion = assertion(world, SIGNER_ID)?;
    let file = client.scratch().file("assertion", &assertion)?;
    let command = format!("cat {}", file.display());
    let finished = client.get_token(&["-v", "--identity-command", &command])?.success()?;
    ensure!(!finished.stderr.contains(&assertion), "the assertion was shown: {finished}");
    let options = ["--identity-command", &command];
    ensure!(client.credential(&options)?.claims()?["sub"] == SIGNER_ID);
    Ok(())
}

fn wrong_assertion(world: &World) -> Result<()> {
    let client = client(world, SIGNER_ID)?;
    let file = client.scratch().file("assertion", assertion(world, "somebody-else")?)?;
    let options = ["--identity-file", &file.display().to_string()];
    let refused = client.get_token(&options)?.with_code(1)?;
    refused.saying("refused the client's own sign-in")?.saying("hint: the issuer has to accept")?;
    Ok(())
}
