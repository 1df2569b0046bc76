//! An OpenID issuer for the benchmark: keys, a discovery document, and tokens made beforehand.
//! Never signs users in.
//!
//! usage: `bench_issuer FOLDER COUNT DISTINCT`; writes `tls.crt`, `tls.key`,
//! `authentication-config.yaml`, `expressions.yaml` (the same user, mapped by CEL),
//! `ES256.reviews`, `RS256.reviews`, `PS256.reviews` (COUNT TokenReviews, one a line),
//! `garbage.reviews` and `distinct.reviews` (DISTINCT of them) into the folder, prints its URL,
//! then serves.

#![expect(clippy::print_stdout, reason = "the URL is what the benchmark waits for")]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock and writes files")]

use anyhow::{Context as _, Result};
use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256,
        RSA_PSS_SHA256, RsaKeyPair,
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Response, body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use serde_json::{Value, json};
use std::{
    convert::Infallible,
    fs,
    io::{BufWriter, Write as _},
    path::Path,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};
use tokio::net::TcpListener;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

const AUDIENCE: &str = "benchmark";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, count, distinct] = arguments.as_slice() else {
        anyhow::bail!("usage: bench_issuer FOLDER COUNT DISTINCT");
    };
    let (folder, count) = (Path::new(folder), count.parse::<usize>()?);
    let distinct = distinct.parse::<usize>()?;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let issuer = format!("https://{}", listener.local_addr()?);

    let certificate = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])?;
    fs::write(folder.join("tls.crt"), certificate.cert.pem())?;
    fs::write(folder.join("tls.key"), certificate.signing_key.serialize_pem())?;
    write_configuration(folder, &issuer, &certificate.cert.pem())?;
    let keys = write_reviews(folder, &issuer, count, distinct)?;

    let key =
        PrivateKeyDer::from(PrivatePkcs8KeyDer::from(certificate.signing_key.serialize_der()));
    let tls = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.cert.der().clone()], key)?;
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let discovery = json!({
        "issuer": issuer,
        "jwks_uri": format!("{issuer}/jwks"),
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256", "RS256", "PS256"],
    });
    println!("{issuer}");
    loop {
        let (stream, _) = listener.accept().await?;
        let Ok(stream) = acceptor.accept(stream).await else { continue };
        let (discovery, keys) = (discovery.to_string(), keys.to_string());
        let answer = service_fn(move |request: Request<Incoming>| {
            let document =
                if request.uri().path() == "/jwks" { keys.clone() } else { discovery.clone() };
            let mut response = Response::new(Full::new(Bytes::from(document)));
            response.headers_mut().insert(
                hyper::header::CONTENT_TYPE,
                hyper::header::HeaderValue::from_static("application/json"),
            );
            async { Ok::<_, Infallible>(response) }
        });
        let connection = Builder::new(TokioExecutor::new());
        let _ = connection.serve_connection(TokioIo::new(stream), answer).await;
    }
}

fn write_configuration(folder: &Path, issuer: &str, certificate: &str) -> Result<()> {
    let by_claims = json!({
        "username": { "claim": "preferred_username", "prefix": "" },
        "groups": { "claim": "groups", "prefix": "" },
    });
    let by_expressions = json!({
        "username": { "expression": "claims.preferred_username" },
        "groups": { "expression": "dyn(claims.?groups.orValue([])).filter(g, !g.startsWith('x:'))" },
        "extra": [{
            "key": "example.com/tenant",
            "valueExpression": "has(claims.tenant) ? claims.tenant : ''",
        }],
    });
    write_mapping(folder, "authentication-config.yaml", issuer, certificate, &by_claims)?;
    write_mapping(folder, "expressions.yaml", issuer, certificate, &by_expressions)
}

fn write_mapping(
    folder: &Path,
    name: &str,
    issuer: &str,
    certificate: &str,
    mapping: &Value,
) -> Result<()> {
    // JSON is YAML.
    let configuration = json!({
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AuthenticationConfiguration",
        "jwt": [{
            "issuer": {
                "url": issuer,
                "audiences": [AUDIENCE],
                "certificateAuthority": certificate,
            },
            "claimMappings": mapping,
        }],
    });
    Ok(fs::write(folder.join(name), serde_json::to_string_pretty(&configuration)?)?)
}

/// Writes the files of TokenReviews; returns the JWK Set.
fn write_reviews(folder: &Path, issuer: &str, count: usize, distinct: usize) -> Result<Value> {
    let random = SystemRandom::new();
    let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
    let rsa = RsaKeyPair::generate(KeySize::Rsa2048)?;

    let by_ec = |message: &[u8]| Ok(ec.sign(&random, message)?.as_ref().to_vec());
    let by_rsa = |padding, message: &[u8]| {
        let mut signature = vec![0; rsa.public_modulus_len()];
        rsa.sign(padding, &random, message, &mut signature)?;
        Ok(signature)
    };
    let write = |name: &str, algorithm: &str, count, sign: &dyn Fn(&[u8]) -> Result<Vec<u8>>| {
        let file = folder.join(format!("{name}.reviews"));
        write_reviews_signed(&file, issuer, algorithm, count, sign)
    };
    write("ES256", "ES256", count, &by_ec)?;
    write("RS256", "RS256", count, &|message| by_rsa(&RSA_PKCS1_SHA256, message))?;
    write("PS256", "PS256", count, &|message| by_rsa(&RSA_PSS_SHA256, message))?;
    write("distinct", "ES256", distinct, &by_ec)?;
    let mut garbage = BufWriter::new(fs::File::create(folder.join("garbage.reviews"))?);
    for number in 0..count {
        writeln!(garbage, "{}", review(&format!("garbage-{number:0>600}")))?;
    }
    garbage.flush()?;

    // RFC 7518 §6.2: an uncompressed point is 4, x, y.
    let point = ec.public_key().as_ref();
    let (x, y) = point.get(1..).context("no point")?.split_at(32);
    // RFC 8017 §A.1.1: the modulus precedes the exponent, which is 65537 (3 + 2 bytes).
    let public = rsa.public_key().as_ref();
    let modulus_end = public.len().checked_sub(5).context("no RSA key")?;
    let modulus_start = modulus_end.checked_sub(rsa.public_modulus_len()).context("no modulus")?;
    let modulus = public.get(modulus_start..modulus_end).context("no modulus")?;
    Ok(json!({ "keys": [
        { "kty": "EC", "crv": "P-256", "kid": "ES256", "use": "sig", "alg": "ES256",
          "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y) },
        { "kty": "RSA", "kid": "RS256", "use": "sig", "alg": "RS256",
          "n": URL_SAFE_NO_PAD.encode(modulus), "e": "AQAB" },
        { "kty": "RSA", "kid": "PS256", "use": "sig", "alg": "PS256",
          "n": URL_SAFE_NO_PAD.encode(modulus), "e": "AQAB" },
    ]}))
}

fn write_reviews_signed(
    file: &Path,
    issuer: &str,
    algorithm: &str,
    count: usize,
    sign: impl Fn(&[u8]) -> Result<Vec<u8>>,
) -> Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let header = json!({ "alg": algorithm, "kid": algorithm, "typ": "JWT" }).to_string();
    let header = URL_SAFE_NO_PAD.encode(header);
    let mut file = BufWriter::new(fs::File::create(file)?);
    for number in 0..count {
        let claims = json!({
            "iss": issuer, "aud": AUDIENCE, "sub": format!("01J8Z3K4N5P6Q7R8S9{number:0>8}"),
            "iat": now, "exp": now + 3600, "jti": format!("0192b7c4-7f3a-{number:0>8}"),
            "preferred_username": format!("user-{number}"),
            "email": format!("user-{number}@example.com"),
            "groups": ["developers", "on-call", "team-payments"],
        });
        let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = URL_SAFE_NO_PAD.encode(sign(signed.as_bytes())?);
        writeln!(file, "{}", review(&format!("{signed}.{signature}")))?;
    }
    Ok(file.flush()?)
}

/// What kube-apiserver POSTs.
fn review(token: &str) -> Value {
    json!({
        "kind": "TokenReview",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": { "creationTimestamp": null },
        "spec": { "token": token },
        "status": { "user": {} },
    })
}
