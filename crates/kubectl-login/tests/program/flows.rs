//! Tests each flow, as a user or a client sees it, against a small issuer.
//! Never uses the network beyond loopback, or files outside a scratch folder.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
    os::unix::fs::PermissionsExt as _,
};

use serde_json::json;
use url::Url;

use crate::stage::{Stage, failed, get, page_of, parameter, stderr, stdout, text_of, token, visit};

const BROWSER: &str = "get-token --flow browser --skip-open-browser";

/// Posts a form, as issuers make browsers do; returns the status.
fn post(url: &Url, media_type: &str, form: &str) -> u16 {
    let host = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
    let mut stream = TcpStream::connect(&host).unwrap();
    let (path, length) = (url.path(), form.len());
    let _ = write!(
        stream,
        "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: {media_type}\r\n\
         content-length: {length}\r\nconnection: close\r\n\r\n{form}"
    );
    let mut text = String::new();
    // Refusing a body without reading it may break the connection after the response.
    let _ = stream.read_to_string(&mut text);
    text.split(' ').nth(1).map_or(0, |status| status.parse().unwrap())
}

/// A small program for `BROWSER` that records which URLs it is asked to open.
fn notebook(stage: &Stage) -> (String, std::path::PathBuf) {
    let (program, notes) = (stage.home.path().join("browser"), stage.home.path().join("notes"));
    let text =
        format!("#!/bin/sh\necho noise; echo \"$1\" > {0}.new; mv {0}.new {0}\n", notes.display());
    fs::write(&program, text).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    (program.to_str().unwrap().to_owned(), notes)
}

#[test]
fn the_browser_may_come_back_with_a_form() {
    let stage = Stage::new();
    stage.issuer.script().announced = json!({ "response_modes_supported": ["query", "form_post"] });
    let mut child = stage.command(BROWSER).spawn().unwrap();
    let page = page_of(&mut child);
    assert_eq!(parameter(&page, "response_mode").as_deref(), Some("form_post"));
    let back = get(&page).1.unwrap();
    let form = "application/x-www-form-urlencoded";
    assert_eq!(post(&back, form, "code=x&state=wrong"), 400);
    assert_eq!(post(&back, "text/plain", back.query().unwrap()), 415);
    assert_eq!(post(&back, form, &"x".repeat(17 * 1024)), 413);
    assert_eq!(post(&back, &format!("{form}; charset=utf-8"), back.query().unwrap()), 200);
    token(&child.wait_with_output().unwrap());
}

#[test]
fn an_option_can_ask_for_the_query_in_spite_of_what_the_issuer_lists() {
    let stage = Stage::new();
    stage.issuer.script().announced = json!({ "response_modes_supported": ["query", "form_post"] });
    let line = format!("{BROWSER} --authorization-parameter response_mode=query");
    let mut child = stage.command(&line).spawn().unwrap();
    let page = page_of(&mut child);
    let modes = page.query_pairs().filter(|(name, _)| name == "response_mode");
    assert_eq!(modes.map(|(_, mode)| mode.into_owned()).collect::<Vec<_>>(), ["query"]);
    assert_eq!(visit(&page).0, 200);
    token(&child.wait_with_output().unwrap());
    let line = format!("{BROWSER} --authorization-parameter response_mode=fragment");
    failed(&stage.run(&line), 2, "the value of `--authorization-parameter` cannot be used");
}

#[test]
fn an_issuer_that_lists_no_form_is_not_asked_for_one() {
    let stage = Stage::new();
    let mut child = stage.command(BROWSER).spawn().unwrap();
    let page = page_of(&mut child);
    assert_eq!(parameter(&page, "response_mode"), None);
    assert_eq!(visit(&page).0, 200);
    token(&child.wait_with_output().unwrap());
}

#[test]
fn a_redirect_url_is_named_as_it_is_written_and_answered_at_its_path() {
    let stage = Stage::new();
    // Nothing else on this host listens there.
    let [.., upper, lower] = std::process::id().to_be_bytes();
    let address = Ipv4Addr::new(127, 91, upper, lower);
    let line =
        format!("{BROWSER} --listen-address {address}:0 --redirect-url https://jump.example/b/c");
    let mut child = stage.command(&line).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let page = page_of(&mut child);
    assert_eq!(parameter(&page, "redirect_uri").as_deref(), Some("https://jump.example/b/c"));
    let back = get(&page).1.unwrap();
    // Acts as a reverse proxy, which knows the port; here the kernel tells it.
    let port = listening_port(address);
    let mut stream = TcpStream::connect((address, port)).unwrap();
    let target = &back[url::Position::BeforePath..];
    write!(stream, "GET {target} HTTP/1.1\r\nhost: jump.example\r\nconnection: close\r\n\r\n")
        .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 200 "), "{text}");
    token(&child.wait_with_output().unwrap());
}

/// The port of the listener at `address` (proc(5), `/proc/net/tcp`). Only root can see which
/// process owns a socket: the program keeps its memory private.
fn listening_port(address: Ipv4Addr) -> u16 {
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    let local = format!("{:08X}:", u32::from_ne_bytes(address.octets()));
    let mut ports = table.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let port = words.nth(1)?.strip_prefix(&local)?;
        (words.nth(1)? == "0A").then(|| u16::from_str_radix(port, 16).unwrap())
    });
    ports.next().unwrap()
}

#[test]
fn the_listener_may_speak_tls_and_the_browser_may_go_on_to_another_page() {
    let stage = Stage::new();
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["localhost".to_owned()])
        .unwrap()
        .self_signed(&key)
        .unwrap();
    let (cert_file, key_file) = (stage.home.path().join("c.pem"), stage.home.path().join("k.pem"));
    fs::write(&cert_file, certificate.pem()).unwrap();
    fs::write(&key_file, key.serialize_pem()).unwrap();
    let line = format!(
        "{BROWSER} --listen-address 127.0.0.1:0 --local-server-cert {} --local-server-key {} \
         --open-url-after-authentication https://done.example/x",
        cert_file.display(),
        key_file.display()
    );
    let mut child = stage.command(&line).spawn().unwrap();
    let page = page_of(&mut child);
    let redirect = parameter(&page, "redirect_uri").unwrap();
    assert!(redirect.starts_with("https://localhost:") && !redirect.ends_with('/'), "{redirect}");
    let back = get(&page).1.unwrap();
    let client = reqwest::Client::builder()
        .tls_certs_only([reqwest::Certificate::from_pem(certificate.pem().as_bytes()).unwrap()])
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let answer = runtime.block_on(client.get(back).send()).unwrap();
    assert_eq!(answer.status(), 303);
    assert_eq!(answer.headers()["location"], "https://done.example/x");
    token(&child.wait_with_output().unwrap());
    fs::write(&key_file, "no key").unwrap();
    failed(
        &stage.run(&format!("{line} --force-refresh --token-cache-storage none")),
        2,
        "could not use the certificate",
    );
}

#[test]
fn parameters_of_options_are_sent_and_a_proof_key_may_be_left_out() {
    let stage = Stage::new();
    let line = format!(
        "{BROWSER} --oidc-auth-request-extra-params acr_values=mfa,login_hint=bob --account alice \
         --oidc-pkce-method no --token-cache-storage none"
    );
    let mut child = stage.command(&line).spawn().unwrap();
    let page = page_of(&mut child);
    assert_eq!(parameter(&page, "acr_values").as_deref(), Some("mfa"));
    let hints = page.query_pairs().filter(|(name, _)| name == "login_hint");
    assert_eq!(hints.map(|(_, value)| value.into_owned()).collect::<Vec<_>>(), ["bob"]);
    assert_eq!(parameter(&page, "code_challenge"), None);
    assert_eq!(visit(&page).0, 200);
    token(&child.wait_with_output().unwrap());
}

#[test]
fn quiet_still_shows_the_page_that_nothing_opened() {
    let stage = Stage::new();
    let mut child = stage.command(&format!("{BROWSER} --quiet")).spawn().unwrap();
    assert_eq!(visit(&page_of(&mut child)).0, 200);
    token(&child.wait_with_output().unwrap());
    let (browser, notes) = notebook(&stage);
    let child = stage
        .command("get-token --flow browser --quiet --force-refresh --token-cache-storage none")
        .env("DISPLAY", ":9")
        .env("BROWSER", format!("/dev/null/browser %s:{browser}"))
        .spawn()
        .unwrap();
    let page = Url::parse(text_of(&notes).trim()).unwrap();
    // Other users of this host can read the URL in the process list: it must be of no use to them.
    assert!(page.query().is_none() && !page.as_str().contains(&stage.issuer.url), "{page}");
    let (status, authorize, _) = get(&page);
    assert_eq!(status, 303);
    assert_eq!(visit(&authorize.unwrap()).0, 200);
    let output = child.wait_with_output().unwrap();
    token(&output);
    assert_eq!(stderr(&output), "");
}

#[test]
fn a_listener_for_other_machines_and_unchecked_tls_are_warned_about_once() {
    let stage = Stage::new();
    let line = format!(
        "{BROWSER} --listen-address 0.0.0.0:0 --insecure-skip-tls-verify --authentication-timeout-sec 1"
    );
    let output = stage.run(&line);
    assert_eq!(output.status.code(), Some(1));
    let shown = stderr(&output);
    assert_eq!(shown.matches("warning: ").count(), 2, "{shown}");
    assert!(shown.contains("warning: other machines can reach `0.0.0.0`"), "{shown}");
    assert!(shown.contains("warning: `--insecure-skip-tls-verify` is on"), "{shown}");
}

#[test]
fn a_device_page_is_opened_where_there_is_a_desktop() {
    let stage = Stage::new();
    let (browser, notes) = notebook(&stage);
    for words in ["--skip-open-browser", ""] {
        assert!(!notes.exists());
        let line = format!("get-token --flow device --token-cache-storage none {words}");
        let output = stage
            .command(&line)
            .env("DISPLAY", ":9")
            .env("BROWSER", &browser)
            // The tests themselves may run in a container.
            .env("TOOLBOX_PATH", "/")
            .output()
            .unwrap();
        token(&output);
    }
    // The code is not in any argument of a program: the browser gets it from this host's listener.
    let page = text_of(&notes);
    assert!(page.starts_with("http://127.0.0.1:") && !page.contains("BCDF-GHJK"), "{page}");
}

#[test]
fn the_reason_for_a_flow_is_said_to_those_who_want_to_know() {
    let stage = Stage::new();
    let ssh = stage
        .command("get-token -v --interactive always")
        .env("SSH_CONNECTION", "192.0.2.1 1 192.0.2.2 22")
        .output()
        .unwrap();
    token(&ssh);
    let expected = "chose device: the issuer offers it and this is an SSH session\n";
    assert!(stderr(&ssh).contains(expected), "{}", stderr(&ssh));
}

#[test]
fn a_job_that_could_prove_itself_is_told_how() {
    let stage = Stage::new();
    let output = stage
        .command("get-token")
        .env("CI", "true")
        .env("ACTIONS_ID_TOKEN_REQUEST_URL", "https://actions.example")
        .output()
        .unwrap();
    failed(&output, 3, "a sign-in to");
    assert!(stderr(&output).contains("caused by: this is a CI job"), "{}", stderr(&output));
    assert!(stderr(&output).contains("use `--identity github-actions`"), "{}", stderr(&output));
    assert_eq!(stage.issuer.script().discoveries, 0);
}

#[test]
fn a_client_with_a_key_signs_for_the_issuer_and_else_for_its_token_endpoint() {
    let stage = Stage::new();
    let key = stage.home.path().join("key.pem");
    fs::write(&key, rcgen::KeyPair::generate().unwrap().serialize_pem()).unwrap();
    let line = format!(
        "get-token --flow client-credentials --client-assertion-key {} \
         --client-assertion-key-id k1 --token-cache-storage none",
        key.display()
    );
    let token_endpoint = format!("{}/token", stage.issuer.url);
    for (audience, requests) in [(stage.issuer.url.clone(), 1), (token_endpoint, 2)] {
        stage.issuer.script().assertion_audience = Some(audience);
        stage.issuer.script().requests.clear();
        assert_eq!(token(&stage.run(&line)), "machine");
        let asked = &stage.issuer.script().requests;
        assert_eq!(asked.len(), requests);
        assert!(
            !asked[0].contains_key("client_secret") && asked[0]["client_id"] == "kubectl-login"
        );
    }
    stage.issuer.script().assertion_audience = Some("nobody".to_owned());
    failed(&stage.run(&line), 1, "issuer");
    fs::write(&key, "-----BEGIN ENCRYPTED PRIVATE KEY-----\n").unwrap();
    let output = stage.run(&line);
    failed(&output, 2, "could not sign in the client's name");
    assert!(stderr(&output).contains("caused by: the key is encrypted"), "{}", stderr(&output));
}

#[test]
fn an_assertion_is_dated_by_the_issuers_clock_and_the_device_request_is_tried_again_too() {
    let stage = Stage::new();
    let key = stage.home.path().join("key.pem");
    fs::write(&key, rcgen::KeyPair::generate().unwrap().serialize_pem()).unwrap();
    let line = |flow: &str| {
        format!(
            "get-token --flow {flow} --force-refresh --client-assertion-key {} \
             --authorization-parameter prompt=login,audience=other --audience one",
            key.display()
        )
    };
    {
        let mut script = stage.issuer.script();
        script.date = Some(("Tue, 01 Jan 2030 00:00:00 GMT", 1_893_456_000));
        script.assertion_audience = Some(stage.issuer.url.clone());
    }
    // At first the clock difference comes from the discovery document's response; once that is
    // cached, from the refusal.
    for requests in [1, 2] {
        stage.issuer.script().requests.clear();
        assert_eq!(token(&stage.run(&line("client-credentials"))), "machine");
        assert_eq!(stage.issuer.script().requests.len(), requests);
        assert_eq!(stage.issuer.script().requests[0]["audience"], "other");
    }
    stage.issuer.script().date = None;
    stage.issuer.script().assertion_audience = Some(format!("{}/token", stage.issuer.url));
    token(&stage.run(&line("device")));
    let asked = &stage.issuer.script().device_requests;
    assert_eq!(asked.len(), 2);
    for form in asked {
        assert_eq!((form["prompt"].as_str(), form["audience"].as_str()), ("login", "other"));
    }
}

#[test]
fn a_password_may_be_given_where_nobody_is() {
    let stage = Stage::new();
    let mut command = stage.command("get-token --username alice");
    let output = command.env("KUBECTL_LOGIN_PASSWORD", "hunter2").output().unwrap();
    token(&output);
    assert_eq!(stderr(&output), "");
    let form = stage.issuer.script().requests[0].clone();
    assert_eq!((form["grant_type"].as_str(), form["username"].as_str()), ("password", "alice"));
    let mut command = stage.command("get-token --username bob");
    let output = command.env("KUBECTL_LOGIN_PASSWORD", "wrong").output().unwrap();
    failed(&output, 1, &format!("issuer `{}` refused the password", stage.issuer.url));
    assert!(!stderr(&output).contains("wrong"));
}

#[test]
fn without_a_terminal_nothing_can_be_typed() {
    let stage = Stage::new();
    for line in ["get-token --flow paste", "get-token --username alice"] {
        // A new session has no controlling terminal.
        let program = stage.command(line);
        let mut command = std::process::Command::new("/usr/bin/setsid");
        command.arg("--wait").arg(program.get_program()).args(program.get_args()).env_clear();
        for (name, value) in program.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        let output = command.stdin(std::process::Stdio::null()).output().unwrap();
        failed(&output, 3, "a sign-in to");
        assert!(stderr(&output).contains("caused by: there is no terminal"), "{}", stderr(&output));
    }
    assert_eq!(stage.issuer.script().discoveries, 0);
}

#[test]
fn a_browser_has_neither_our_output_nor_our_secrets() {
    let stage = Stage::new();
    let (browser, seen) = (stage.home.path().join("browser"), stage.home.path().join("seen"));
    let text = format!("#!/bin/sh\necho noise; env > {0}.new; mv {0}.new {0}\n", seen.display());
    fs::write(&browser, text).unwrap();
    fs::set_permissions(&browser, fs::Permissions::from_mode(0o755)).unwrap();
    let output = stage
        .command("get-token --flow device --token-cache-storage none")
        .env("DISPLAY", ":9")
        .env("BROWSER", &browser)
        .env("KUBECTL_LOGIN_CLIENT_SECRET", "hunter2")
        .env("GH_TOKEN", "hunter3")
        .output()
        .unwrap();
    token(&output);
    let seen = text_of(&seen);
    assert!(seen.contains("DISPLAY=:9") && !seen.contains("hunter"), "{seen}");
}

#[test]
fn where_the_client_may_not_use_the_device_flow_the_next_one_is_taken_and_remembered() {
    let stage = Stage::new();
    stage.issuer.script().device_refusal = Some((401, "unauthorized_client"));
    let sign_in = || {
        let mut child = stage.command("get-token --interactive always -v").spawn().unwrap();
        let mut shown = String::new();
        let mut reader = BufReader::new(child.stderr.take().unwrap());
        let page = loop {
            let mut line = String::new();
            assert!(reader.read_line(&mut line).unwrap() > 0, "no page was named: {shown}");
            shown.push_str(&line);
            if let Some(page) = line.strip_prefix("  ") {
                break Url::parse(page.trim()).unwrap();
            }
        };
        let drain = std::thread::spawn(move || {
            let mut rest = String::new();
            let _ = reader.read_to_string(&mut rest);
        });
        assert_eq!(visit(&page).0, 200);
        token(&child.wait_with_output().unwrap());
        drain.join().unwrap();
        shown
    };
    let first = sign_in();
    assert!(first.contains("`unauthorized_client`; going on with `browser`"), "{first}");
    assert_eq!(stage.issuer.script().device_requests.len(), 1);
    stage.lose_token();
    stage.issuer.script().refresh_failure = Some((400, "invalid_grant"));
    let second = sign_in();
    assert!(!second.contains("unauthorized_client"), "{second}");
    assert_eq!(stage.issuer.script().device_requests.len(), 1);
    // An explicit flow is not replaced.
    let output = stage.run("get-token --flow device --token-cache-storage none");
    failed(&output, 1, &format!("issuer `{}` refused the device flow", stage.issuer.url));
    assert!(
        stderr(&output).contains("hint: the issuer does not let this client use the device flow")
    );
}

#[test]
fn a_job_asks_again_where_the_issuer_is_down_for_a_moment_and_a_person_does_not_wait() {
    let stage = Stage::new();
    stage.issuer.script().outages = 2;
    let output = stage
        .command("get-token --flow client-credentials")
        .env("KUBECTL_LOGIN_CLIENT_SECRET", "s")
        .output()
        .unwrap();
    assert_eq!(token(&output), "machine");
    assert_eq!(stage.issuer.count("client_credentials"), 3);
}

#[test]
fn another_account_than_the_wanted_one_is_said() {
    for (account, is_warned) in [("alice", false), ("bob", true)] {
        let stage = Stage::new();
        let line = format!("get-token --flow device --account {account}");
        let output = stage.run(&line);
        token(&output);
        let warning = "warning: `--account bob` was given, and `alice` signed in";
        assert_eq!(stderr(&output).contains(warning), is_warned, "{}", stderr(&output));
    }
}

#[test]
fn status_says_why_a_session_cannot_be_renewed() {
    let stage = Stage::new();
    stage.issuer.script().without_refresh_token = true;
    token(&stage.run("get-token --flow device"));
    let output = stage.run("status -o json");
    let shown = stdout(&output);
    assert!(shown.contains("\"notRenewableBecause\""), "{shown}");
    assert!(shown.contains("the issuer gave no refresh token"), "{shown}");
    stage.issuer.script().without_refresh_token = false;
    stage.lose_token();
    token(&stage.run("get-token --flow device"));
    let shown = stdout(&stage.run("status -o json"));
    assert!(!shown.contains("notRenewableBecause"), "{shown}");
}
