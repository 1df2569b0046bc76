//! The OpenID providers follow their own rules: rotation with reuse detection, exchange, passwords.
//! Never uses the two programs: a failure here is not theirs.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::thread;

use anyhow::{Context as _, Result, anyhow, ensure};
use login_tests::browser::Decision;
use login_tests::dex::{ALICE, Dex, PASSWORD, UPSTREAM};
use login_tests::oidc_provider::{CLIENT_ID, EXCHANGER_ID, Manners, OidcProvider};
use login_tests::scratch::Scratch;
use serde_json::Value;

use crate::{Case, Parts};

pub(crate) const CASES: &[Case] = &[
    ("a_rotated_refresh_token_that_comes_twice_ends_the_session", reuse),
    ("a_token_is_exchanged_only_for_one_that_verifies", exchange),
    ("dex_takes_passwords_rotates_and_exchanges", dex),
];

/// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// The token endpoint's answer to alice's code.
fn sign_in(parts: &Parts, provider: &OidcProvider) -> Result<Value> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let redirect = format!("http://{}/callback", listener.local_addr()?);
    let callback = thread::spawn(move || -> Result<String> {
        let (mut browser, _) = listener.accept()?;
        let mut line = String::new();
        BufReader::new(browser.try_clone()?).read_line(&mut line)?;
        browser.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")?;
        Ok(line)
    });
    let url = format!(
        "{}/auth?client_id={CLIENT_ID}&response_type=code&redirect_uri={redirect}&prompt=consent\
         &scope=openid%20offline_access&state=s&code_challenge={CHALLENGE}&code_challenge_method=S256",
        provider.issuer()
    );
    let scratch = Scratch::new()?;
    // The walk ends without a form to fill in: the callback's page is empty.
    provider.person("alice", Decision::Approve).open(&parts.components, &scratch, &url)?;
    let line = callback.join().map_err(|_| anyhow!("the listener died"))??;
    let code = line.split_once("code=").map(|(_, code)| code).context("no code")?;
    let code = code.split(['&', ' ']).next().unwrap_or_default();
    let form = format!(
        "grant_type=authorization_code&client_id={CLIENT_ID}&code={code}\
         &redirect_uri={redirect}&code_verifier={VERIFIER}"
    );
    token(provider, &form)?.with_context(|| format!("no token for {line}"))
}

/// The answer of the token endpoint; `None` for a refusal.
fn token(provider: &OidcProvider, form: &str) -> Result<Option<Value>> {
    let reply = provider.curl().post_form(&format!("{}/token", provider.issuer()), form)?;
    Ok(if reply.status == 200 { Some(reply.json()?) } else { None })
}

fn text<'a>(answer: &'a Value, name: &str) -> Result<&'a str> {
    answer[name].as_str().with_context(|| format!("no {name} in {answer}"))
}

fn reuse(parts: &Parts) -> Result<()> {
    let provider = OidcProvider::start(&parts.components, &Manners::default())?;
    let first = sign_in(parts, &provider)?;
    let refresh = |answer: &Value| -> Result<Option<Value>> {
        let secret = text(answer, "refresh_token")?;
        let form = "grant_type=refresh_token&client_id=kubectl-login&refresh_token=".to_owned();
        token(&provider, &(form + secret))
    };
    let second = refresh(&first)?.context("the first renewal was refused")?;
    let third = refresh(&second)?.context("the second renewal was refused")?;
    ensure!(provider.ended_sessions()? == 0);
    ensure!(refresh(&first)?.is_none(), "a rotated refresh token was taken again");
    ensure!(provider.ended_sessions()? == 1);
    ensure!(refresh(&third)?.is_none(), "the session went on after the reuse");
    Ok(())
}

fn exchange(parts: &Parts) -> Result<()> {
    let home = OidcProvider::start(&parts.components, &Manners::default())?;
    let trusted = vec![home.as_trusted(CLIENT_ID)?];
    let provider =
        OidcProvider::start(&parts.components, &Manners { trusted, ..Manners::default() })?;
    let signed_in = sign_in(parts, &home)?;
    let subject = text(&signed_in, "id_token")?;
    let exchanged = |subject: &str| {
        let form = format!(
            "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&client_id={EXCHANGER_ID}\
             &subject_token={subject}&subject_token_type=urn:ietf:params:oauth:token-type:id_token"
        );
        token(&provider, &form)
    };
    let granted = |assertion: &str| {
        let form = format!(
            "grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&client_id={EXCHANGER_ID}\
             &assertion={assertion}"
        );
        token(&provider, &form)
    };
    let answer = exchanged(subject)?.context("a good token was refused")?;
    ensure!(text(&answer, "access_token")?.split('.').count() == 3, "{answer}");
    ensure!(text(&answer, "issued_token_type")?.ends_with(":access_token"), "{answer}");
    let answer = granted(subject)?.context("a good assertion was refused")?;
    ensure!(text(&answer, "access_token")?.split('.').count() == 3, "{answer}");

    let (signed, signature) = subject.rsplit_once('.').context("not a JWT")?;
    let tampered = format!("{signed}.{}", signature.chars().rev().collect::<String>());
    for bad in [tampered.as_str(), text(&answer, "access_token")?, "x"] {
        ensure!(exchanged(bad)?.is_none() && granted(bad)?.is_none(), "{bad} was taken");
    }
    Ok(())
}

fn dex(parts: &Parts) -> Result<()> {
    let upstream = OidcProvider::start(&parts.components, &Manners::default())?;
    let dex = Dex::start(&parts.components, "10m", Some(&upstream))?;
    let token = |form: &str| -> Result<Value> {
        let reply = dex.curl().post_form(&format!("{}/token", dex.issuer()), form)?;
        ensure!(reply.status == 200, "{reply:?}");
        reply.json()
    };
    let first = token(&format!(
        "grant_type=password&client_id={CLIENT_ID}&username={ALICE}&password={PASSWORD}\
         &scope=openid%20offline_access"
    ))?;
    ensure!(text(&first, "id_token")?.split('.').count() == 3, "{first}");
    let second = token(&format!(
        "grant_type=refresh_token&client_id={CLIENT_ID}&refresh_token={}",
        text(&first, "refresh_token")?
    ))?;
    ensure!(text(&second, "refresh_token")? != text(&first, "refresh_token")?, "not rotated");

    let subject = sign_in(parts, &upstream)?;
    let exchanged = token(&format!(
        "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&client_id={CLIENT_ID}\
         &connector_id={UPSTREAM}&scope=openid&subject_token={}\
         &subject_token_type=urn:ietf:params:oauth:token-type:id_token\
         &requested_token_type=urn:ietf:params:oauth:token-type:id_token",
        text(&subject, "id_token")?
    ))?;
    ensure!(text(&exchanged, "access_token")?.split('.').count() == 3, "{exchanged}");
    Ok(())
}
