//! login-server: wrong configuration files and command lines.
//! Never accepts a report that stops at the first fault.

use anyhow::{Result, ensure};
use login_tests::login_server::operate;
use login_tests::scratch::Scratch;

use crate::{Case, World, told_well};

pub(crate) const CASES: &[Case] = &[
    ("every_fault_of_a_configuration_is_told_with_file_line_and_key", every_fault),
    ("a_server_with_a_faulty_configuration_does_not_start", does_not_start),
    ("a_right_configuration_passes_the_check", right),
    ("a_file_that_is_not_there_is_named", no_file),
    ("an_unknown_option_of_the_server_is_a_usage_error", unknown_option),
    ("an_expression_that_does_not_compile_is_named_with_its_place", expression),
];

const OWN: &str = "\
apiVersion: kubectl-login/v1
kind: LoginServerConfiguration
alowedSystemNames: {}
resultCache: { ttl: soon }
issuer:
  url: http://login.example.test
";

const AUTHENTICATION: &str = "\
apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
jwt:
- issuer:
    url: https://id.example.test
    audiences: []
  claimMappings:
    username: { claim: sub }
";

fn every_fault(world: &World) -> Result<()> {
    let scratch = Scratch::new()?;
    let own = scratch.file("own.yaml", OWN)?.display().to_string();
    let authentication = scratch.file("jwt.yaml", AUTHENTICATION)?.display().to_string();
    let finished = operate(
        &world.components,
        &["check-config", "--config", &own, "--authentication-config", &authentication],
    )?;
    let finished = told_well(finished, 2)?;
    for fault in [
        format!("{own}:3: alowedSystemNames: "),
        format!("{own}:4: resultCache.ttl: "),
        format!("{own}:6: issuer.url: "),
        format!("{authentication}:6: jwt[0].issuer.audiences: "),
        format!("{authentication}:8: jwt[0].claimMappings.username.prefix: "),
    ] {
        ensure!(finished.stderr.contains(&fault), "expected `{fault}`: {finished}");
    }
    Ok(())
}

fn does_not_start(world: &World) -> Result<()> {
    let scratch = Scratch::new()?;
    let own = scratch.file("own.yaml", OWN)?.display().to_string();
    let finished = operate(
        &world.components,
        &["serve", "--config", &own, "--listen", "127.0.0.1:0", "--insecure-http"],
    )?;
    told_well(finished, 2)?.saying("resultCache.ttl")?;
    Ok(())
}

fn right(world: &World) -> Result<()> {
    let scratch = Scratch::new()?;
    let text = OWN
        .replace("alowedSystemNames", "allowedSystemNames")
        .replace("soon", "60s")
        .replace("http:", "https:");
    let own = scratch.file("own.yaml", text)?.display().to_string();
    operate(&world.components, &["check-config", "--config", &own])?.success()?;
    Ok(())
}

fn no_file(world: &World) -> Result<()> {
    let finished = operate(&world.components, &["check-config", "--config", "/dev/null/own.yaml"])?;
    told_well(finished, 2)?.saying("/dev/null/own.yaml")?;
    Ok(())
}

fn unknown_option(world: &World) -> Result<()> {
    let finished = operate(&world.components, &["serve", "--no-such-option"])?;
    ensure!(finished.stdout.is_empty(), "{finished}");
    finished.with_code(2)?.saying("--no-such-option")?;
    Ok(())
}

fn expression(world: &World) -> Result<()> {
    let scratch = Scratch::new()?;
    let text = AUTHENTICATION
        .replace("audiences: []", "audiences: [kubectl-login]")
        .replace("claim: sub", "expression: claims.sub + nothing");
    let file = scratch.file("jwt.yaml", text)?.display().to_string();
    let finished = operate(&world.components, &["check-config", "--authentication-config", &file])?;
    told_well(finished, 2)?
        .saying("jwt[0].claimMappings.username.expression")?
        .saying("line 1, column 14 of the expression: undeclared reference to 'nothing'")?;
    Ok(())
}
