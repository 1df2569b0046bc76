//! Tests the program itself, in several processes, against a small issuer.
//! Never uses the network beyond loopback, or files outside a scratch folder.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    net::TcpStream,
    os::unix::fs::PermissionsExt as _,
    process::{Child, Command, Output},
    time::Duration,
};

use url::Url;

use crate::stage::{Stage, failed, get, page_of, stderr, stdout, token, visit};

const BROWSER: &str = "get-token --flow browser --skip-open-browser";
const CLIENT: &str = "get-token --flow client-credentials --client-secret s";

#[test]
fn a_client_signs_in_once_and_is_answered_from_the_cache_after_that() {
    let stage = Stage::new();
    let first = stage.run(CLIENT);
    assert_eq!((token(&first).as_str(), stderr(&first).as_str()), ("machine", ""));
    assert_eq!(stdout(&stage.run(CLIENT)), stdout(&first));
    assert_eq!(stage.issuer.count("client_credentials"), 1);
    let v1beta1 = r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1","spec":{"interactive":false}}"#;
    let other = stage.command(CLIENT).env("KUBERNETES_EXEC_INFO", v1beta1).output().unwrap();
    assert_eq!(stdout(&other), stdout(&first).replace("k8s.io/v1\"", "k8s.io/v1beta1\""));
    let entry = &stage.files(".token")[0];
    assert_eq!(fs::metadata(entry).unwrap().permissions().mode() & 0o777, 0o600);
    let directory = entry.parent().unwrap();
    assert_eq!(fs::metadata(directory).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_person_signs_in_by_browser_and_is_renewed_without_one() {
    let stage = Stage::new();
    let mut child = stage.command(BROWSER).spawn().unwrap();
    let page = page_of(&mut child);
    let (status, body) = visit(&page);
    assert_eq!(status, 200);
    assert!(body.contains("cache-control: no-store") && body.contains("<b>alice</b>"), "{body}");
    let first = token(&child.wait_with_output().unwrap());
    assert_eq!(token(&stage.run(BROWSER)), first);
    stage.lose_token();
    let renewed = stage.run(BROWSER);
    assert_ne!(token(&renewed), first);
    assert_eq!(stderr(&renewed), "");
    assert_eq!(stage.issuer.count("refresh_token"), 1);
    // A forced renewal is one request: the discovery document is cached.
    let discoveries = stage.issuer.script().discoveries;
    assert_ne!(token(&stage.run(&format!("{BROWSER} --force-refresh"))), token(&renewed));
    assert_eq!(stage.issuer.script().discoveries, discoveries);
    assert!(!stage.issuer.script().reused);
}

#[test]
fn a_renewal_whose_token_is_useless_keeps_the_new_refresh_token() {
    let stage = Stage::new();
    assert!(stage.sign_in(BROWSER).status.success());
    stage.lose_token();
    stage.issuer.script().life = 0;
    failed(&stage.run(BROWSER), 1, "the token of issuer");
    stage.issuer.script().life = 600;
    let renewed = stage.run(BROWSER);
    assert!(!token(&renewed).is_empty());
    assert!(!stage.issuer.script().reused, "the replaced refresh token was shown again");
}

#[test]
fn a_sign_in_that_cannot_keep_its_refresh_token_leaves_no_earlier_one() {
    let stage = Stage::new();
    let plain = format!("{BROWSER} --token-cache-storage file");
    assert!(stage.sign_in(&plain).status.success());
    let kept = stage.files(".refresh").pop().unwrap();
    // A file in the place of the key's folder: no key can be created.
    let keys = stage.home.path().join(".local/share/kubectl-login");
    fs::create_dir_all(keys.parent().unwrap()).unwrap();
    fs::write(&keys, "").unwrap();
    stage.lose_token();
    fs::remove_file(&kept).unwrap();
    fs::write(&kept, "kubectl-login/1\nsomebody-elses\nbob\n").unwrap();
    fs::set_permissions(&kept, fs::Permissions::from_mode(0o600)).unwrap();
    let login = "login --flow browser --skip-open-browser --token-cache-storage encrypted-file";
    let output = stage.sign_in(login);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(!kept.exists(), "the session of somebody else stays in force");
}

#[test]
fn requests_that_anybody_could_send_do_not_end_a_sign_in() {
    let stage = Stage::new();
    let mut child = stage.command(BROWSER).spawn().unwrap();
    let page = page_of(&mut child);
    let redirect = page.query_pairs().find(|(name, _)| name == "redirect_uri").unwrap().1;
    let redirect = Url::parse(&redirect).unwrap();
    for (change, status) in
        [("", 400), ("?code=x&state=wrong", 400), ("?error=access_denied", 400), ("/other", 404)]
    {
        assert_eq!(get(&Url::parse(&format!("{redirect}{change}")).unwrap()).0, status, "{change}");
    }
    assert_eq!(visit(&page).0, 200);
    token(&child.wait_with_output().unwrap());
}

#[test]
fn a_device_is_polled_until_the_person_has_answered() {
    let stage = Stage::new();
    stage.issuer.script().pending = 1;
    let output = stage.run("get-token --flow device");
    token(&output);
    let expected = format!(
        "To sign in to {0}, open\n  {0}/device\nand enter the code\n  BCDF-GHJK\n\
         or open {0}/device?user_code=BCDF-GHJK\n",
        stage.issuer.url
    );
    assert_eq!(stderr(&output), expected);
    assert_eq!(stage.issuer.script().requests.len(), 2);
}

#[test]
fn of_fifty_processes_one_renews_and_all_are_answered() {
    let stage = Stage::new();
    token(&stage.sign_in(BROWSER));
    stage.lose_token();
    let children: Vec<Child> = (0..50).map(|_| stage.command(BROWSER).spawn().unwrap()).collect();
    let outputs: Vec<Output> =
        children.into_iter().map(|child| child.wait_with_output().unwrap()).collect();
    let first = token(&outputs[0]);
    assert!(outputs.iter().all(|output| token(output) == first));
    assert_eq!(stage.issuer.count("refresh_token"), 1);
}

#[test]
fn an_issuer_that_is_down_never_opens_a_browser_and_costs_no_session() {
    let stage = Stage::new();
    token(&stage.sign_in(BROWSER));
    stage.lose_token();
    for failure in
        [(500, "server_error"), (503, ""), (429, "slow_down"), (400, "temporarily_unavailable")]
    {
        stage.issuer.script().failure = Some(failure);
        let output = stage.run(BROWSER);
        failed(&output, 4, &format!("issuer `{}` is out of order", stage.issuer.url));
        assert!(!stderr(&output).contains("Open this page"));
    }
    stage.issuer.script().failure = None;
    token(&stage.run(BROWSER));
    assert_eq!(stage.issuer.count("authorization_code"), 1);
}

#[test]
fn a_token_that_is_still_valid_is_served_while_the_issuer_is_down() {
    let stage = Stage::new();
    let first = token(&stage.run(CLIENT));
    stage.issuer.script().failure = Some((500, "server_error"));
    assert_eq!(token(&stage.run(&format!("{CLIENT} --force-refresh"))), first);
    stage.issuer.script().failure = Some((401, "invalid_client"));
    let output = stage.run(&format!("{CLIENT} --force-refresh"));
    failed(&output, 1, &format!("issuer `{}` refused the client's own sign-in", stage.issuer.url));
    assert!(stderr(&output).contains(
        "\nhint: check `--client-id` and the client secret; it came from the environment variable"
    ));
}

#[test]
fn a_refused_grant_leads_to_a_sign_in() {
    let stage = Stage::new();
    token(&stage.sign_in(BROWSER));
    stage.lose_token();
    // Revoked at the issuer.
    for path in stage.files(".refresh") {
        fs::write(path, "kubectl-login/1\nrevoked\n1\n").unwrap();
    }
    token(&stage.sign_in(BROWSER));
    assert_eq!(stage.issuer.count("authorization_code"), 2);
}

#[test]
fn the_oauth_error_says_that_a_grant_is_gone_whatever_the_status() {
    // Dex, Dex again, Hydra; and an unregistered error code.
    for failure in [
        (400, "invalid_request"),
        (500, "invalid_request"),
        (401, "token_inactive"),
        (400, "session_not_active"),
    ] {
        let stage = Stage::new();
        token(&stage.sign_in(BROWSER));
        stage.lose_token();
        stage.issuer.script().refresh_failure = Some(failure);
        // Without a user: an error with a hint.
        let output = stage.run(&format!("{BROWSER} --interactive never"));
        failed(&output, 3, "a sign-in to ");
        token(&stage.sign_in(BROWSER));
        assert_eq!(stage.issuer.count("authorization_code"), 2, "{failure:?}");
    }
}

#[test]
fn a_client_that_is_refused_keeps_its_session() {
    let stage = Stage::new();
    token(&stage.sign_in(BROWSER));
    stage.lose_token();
    for code in ["invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_scope"]
    {
        stage.issuer.script().refresh_failure = Some((400, code));
        let output = stage.run(BROWSER);
        failed(&output, 1, &format!("issuer `{}` refused the renewal", stage.issuer.url));
        assert!(stderr(&output).contains("\nhint: "), "{code}: {}", stderr(&output));
    }
    stage.issuer.script().refresh_failure = None;
    token(&stage.run(BROWSER));
    assert_eq!(stage.issuer.count("authorization_code"), 1);
}

#[test]
fn a_failed_sign_in_is_not_repeated_until_its_window_ends_or_login_is_run() {
    let stage = Stage::new();
    stage.issuer.script().denial = Some("access_denied");
    let first = stage.sign_in(BROWSER);
    assert_eq!(first.status.code(), Some(1));
    let next = stage.run(BROWSER);
    failed(&next, 1, &format!("sign-in to `{}` failed", stage.issuer.url));
    assert!(stderr(&next).contains("caused by: the issuer answered `access_denied`"));
    assert!(!stderr(&next).contains("Open this page"), "{}", stderr(&next));
    stage.issuer.script().denial = None;
    let login = stage.sign_in("login --flow browser --skip-open-browser");
    assert!(login.status.success() && login.stdout.is_empty());
    token(&stage.run(BROWSER));
}

/// Starts a call and reads its stderr until it reports that it waits for another one.
fn waiting(stage: &Stage) -> Child {
    let mut child = stage.command(BROWSER).spawn().unwrap();
    let mut reader = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    assert!(reader.read_line(&mut line).unwrap() > 0, "nothing was said");
    assert!(line.starts_with("kubectl-login: waiting for process "), "{line}");
    assert!(line.contains("which has been signing in since"), "{line}");
    std::thread::spawn(move || {
        let mut rest = String::new();
        let _ = reader.read_to_string(&mut rest);
    });
    child
}

#[test]
fn those_who_waited_for_a_killed_sign_in_do_not_begin_the_next_one() {
    let stage = Stage::new();
    let mut holder = stage.command(BROWSER).spawn().unwrap();
    page_of(&mut holder);
    let waiting: Vec<Child> = (0..3).map(|_| waiting(&stage)).collect();
    holder.kill().unwrap();
    holder.wait().unwrap();
    for child in waiting {
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    }
    let error = format!("the sign-in that process {} had begun was given up", holder.id());
    failed(&stage.run(BROWSER), 1, &error);
    assert!(stage.sign_in("login --flow browser --skip-open-browser").status.success());
    token(&stage.run(BROWSER));
    assert_eq!(stage.issuer.count("authorization_code"), 1);
}

#[test]
fn a_killed_holder_leaves_the_way_free() {
    let stage = Stage::new();
    let mut holder = stage.command(BROWSER).spawn().unwrap();
    page_of(&mut holder);
    holder.kill().unwrap();
    holder.wait().unwrap();
    token(&stage.sign_in(BROWSER));
}

#[test]
fn a_cancelled_sign_in_ends_at_once_and_leaves_nothing() {
    let stage = Stage::new();
    let mut child = stage.command(BROWSER).spawn().unwrap();
    let page = page_of(&mut child);
    let killed = Command::new("kill").arg(child.id().to_string()).status().unwrap();
    assert!(killed.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    assert!(stage.files(".token").is_empty() && stage.files(".failed").is_empty());
    let redirect = page.query_pairs().find(|(name, _)| name == "redirect_uri").unwrap().1;
    let port = Url::parse(&redirect).unwrap().port().unwrap();
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err(), "the listener is closed");
    token(&stage.sign_in(BROWSER));
}

#[test]
fn where_nobody_can_answer_it_fails_at_once() {
    let stage = Stage::new();
    let error = format!("a sign-in to `{}` is needed, and no user can be asked", stage.issuer.url);
    failed(&stage.run("get-token"), 3, &error);
    failed(&stage.command("get-token").env("CI", "true").output().unwrap(), 3, &error);
    failed(&stage.run("get-token --flow device --interactive never"), 3, &error);
    assert_eq!(stage.issuer.script().discoveries, 0);
}

#[test]
fn a_machine_without_authorities_is_said_to_have_none() {
    let stage = Stage::new();
    let mut command = stage.command(CLIENT);
    let missing = stage.home.path().join("missing");
    command.env("SSL_CERT_FILE", &missing).env("SSL_CERT_DIR", &missing);
    let output = command.env("KUBECTL_LOGIN_ISSUER_URL", "https://127.0.0.1:1").output().unwrap();
    failed(&output, 2, "no connection can be made from here");
    let text = stderr(&output);
    assert!(text.contains("this machine has no certificate authorities"), "{text}");
    assert!(text.contains("`ca-certificates`") && !text.contains("check `--cert"), "{text}");
}

#[test]
fn a_sign_in_that_nobody_finishes_ends_by_itself() {
    let stage = Stage::new();
    let output = stage.run(&format!("{BROWSER} --authentication-timeout-sec 1"));
    let error = format!("the sign-in to `{}` was not finished within 1 seconds", stage.issuer.url);
    failed(&output, 1, &error);
}

#[test]
fn a_cache_that_cannot_be_written_costs_a_warning_only() {
    let stage = Stage::new();
    fs::write(stage.home.path().join("file"), "").unwrap();
    let line = format!("{CLIENT} --token-cache-dir {}/file", stage.home.path().display());
    let output = stage.run(&line);
    assert_eq!(token(&output), "machine");
    assert_eq!(stderr(&output).matches("warning: ").count(), 1, "{}", stderr(&output));
    let silent = stage.run(&format!("{CLIENT} --token-cache-storage none"));
    assert_eq!((token(&silent).as_str(), stderr(&silent).as_str()), ("machine", ""));
}

#[test]
fn wrong_input_is_named_with_its_origin() {
    let stage = Stage::new();
    failed(&stage.run("get-token --nonsense"), 2, "unexpected argument '--nonsense' found");
    let info = stage.command(CLIENT).env("KUBERNETES_EXEC_INFO", "{").output().unwrap();
    failed(&info, 2, "what the host says about this call cannot be used");
    let flow = stage.command("get-token").env("KUBECTL_LOGIN_FLOW", "magic").output().unwrap();
    failed(&flow, 2, "the value of `--flow` cannot be used");
    assert!(
        stderr(&flow).contains("hint: it came from the environment variable `KUBECTL_LOGIN_FLOW`")
    );
    let missing =
        stage.run("get-token --flow client-credentials --client-secret-file /dev/null/secret");
    failed(&missing, 2, "could not get the client secret");
    let authority = stage.run(&format!("{CLIENT} --certificate-authority /dev/null/ca.pem"));
    failed(&authority, 2, "could not use the certificate authority");
    let closed =
        stage.command(CLIENT).env("KUBECTL_LOGIN_ISSUER_URL", "http://127.0.0.1:1").output();
    failed(&closed.unwrap(), 4, "could not reach issuer `http://127.0.0.1:1`");
    let path = format!("{}/nowhere", stage.issuer.url);
    let nowhere = stage.command(CLIENT).env("KUBECTL_LOGIN_ISSUER_URL", &path).output().unwrap();
    failed(&nowhere, 2, &format!("`{path}` does not answer as an OpenID Connect issuer"));
}

#[test]
fn a_secret_may_come_from_a_command_and_is_never_shown() {
    let stage = Stage::new();
    let line = "get-token --flow client-credentials -v --client-secret-command";
    let mut command = stage.command(line);
    let output = command.arg("echo hunter2").env("PATH", "/usr/bin:/bin").output().unwrap();
    assert_eq!(token(&output), "machine");
    assert!(stderr(&output).contains("asking ") && !stderr(&output).contains("hunter2"));
}

#[test]
fn those_who_waited_share_a_failure_and_do_not_repeat_it() {
    let stage = Stage::new();
    token(&stage.sign_in(BROWSER));
    stage.lose_token();
    stage.issuer.script().failure = Some((500, "server_error"));
    stage.issuer.script().delay = Duration::from_secs(2);
    let children: Vec<Child> = (0..10).map(|_| stage.command(BROWSER).spawn().unwrap()).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        failed(&output, 4, &format!("issuer `{}` is out of order", stage.issuer.url));
    }
    assert_eq!(stage.issuer.count("refresh_token"), 1);
}

#[test]
fn an_endpoint_that_has_moved_is_found_again() {
    let stage = Stage::new();
    token(&stage.run(CLIENT));
    stage.issuer.script().token_path = "/moved";
    assert_eq!(token(&stage.run(&format!("{CLIENT} --force-refresh"))), "machine");
    assert_eq!(stage.issuer.script().discoveries, 2);
}

#[test]
fn a_refresh_token_is_shown_again_only_where_it_has_not_counted() {
    let stage = Stage::new();
    token(&stage.sign_in(BROWSER));
    let renew = || {
        stage.lose_token();
        stage.run(&format!("{BROWSER} --interactive never"))
    };
    // The discovery document is fetched again, but after an outage a changed document is no reason
    // to present the token again.
    stage.issuer.script().announced = serde_json::json!({ "response_modes_supported": ["query"] });
    stage.issuer.script().outages = 1;
    failed(&renew(), 4, &format!("issuer `{}` is out of order", stage.issuer.url));
    assert_eq!((stage.issuer.count("refresh_token"), stage.issuer.script().discoveries), (1, 2));
    token(&renew());
    assert_eq!((stage.issuer.count("refresh_token"), stage.issuer.script().discoveries), (2, 2));
    // The old address is no token endpoint any more: the token is presented again at the new one.
    stage.issuer.script().token_path = "/moved";
    token(&renew());
    assert_eq!((stage.issuer.count("refresh_token"), stage.issuer.script().discoveries), (3, 3));
    assert!(!stage.issuer.script().reused);
}

#[test]
fn login_without_options_signs_in_for_the_current_context() {
    let stage = Stage::new();
    let arguments = format!(
        "[get-token, --issuer-url={}, --client-id=kubectl-login, --flow=browser, --skip-open-browser]",
        stage.issuer.url
    );
    let path = stage.home.path().join("config");
    let kubeconfig = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: dev\n\
         contexts: [{{name: dev, context: {{cluster: c, user: me}}}}]\n\
         users: [{{name: me, user: {{exec: {{command: kubectl-login, args: {arguments}}}}}}}]\n"
    );
    fs::write(&path, kubeconfig).unwrap();
    let mut login = stage.command("login");
    login.env_remove("KUBECTL_LOGIN_ISSUER_URL").env_remove("KUBECTL_LOGIN_CLIENT_ID");
    let mut child = login.env("KUBECONFIG", &path).spawn().unwrap();
    visit(&page_of(&mut child));
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stdout.is_empty());
    token(&stage.run(BROWSER));
    assert_eq!(stage.issuer.script().requests.len(), 1);
}

#[test]
fn a_listen_address_has_kubelogins_redirect_uri() {
    let stage = Stage::new();
    let mut child =
        stage.command(&format!("{BROWSER} --listen-address 127.0.0.1:0")).spawn().unwrap();
    let page = page_of(&mut child);
    let redirect = page.query_pairs().find(|(name, _)| name == "redirect_uri").unwrap().1;
    let port = redirect.strip_prefix("http://localhost:").unwrap();
    assert!(port.parse::<u16>().is_ok(), "{redirect}");
    let (_, back, _) = get(&page);
    let mut back = back.unwrap();
    back.set_host(Some("127.0.0.1")).unwrap();
    assert_eq!(get(&back).0, 200);
    token(&child.wait_with_output().unwrap());
}
