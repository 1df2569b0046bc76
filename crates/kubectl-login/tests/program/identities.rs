//! Tests the program in CI jobs: every source of an identity, every use of one.
//! Never uses the network beyond loopback, or files outside a scratch folder.

mod ci_system;
mod readme;

use std::{
    ffi::OsStr,
    fs,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use ci_system::{AZURE, AZURE_AUDIENCE, CiSystem, GITHUB, jwt};

use crate::{
    issuer::Issuer,
    stage::{stderr, token},
};

/// A job: a CI system, an issuer, and a home directory.
struct Job {
    system: CiSystem,
    issuer: Issuer,
    home: tempfile::TempDir,
}

type Variables<'a> = &'a [(&'static str, String)];

impl Job {
    fn new() -> Self {
        Self {
            system: CiSystem::start(),
            issuer: Issuer::start(),
            home: tempfile::tempdir().unwrap(),
        }
    }

    /// Runs `get-token` for `issuer` in a job with `variables`.
    fn run(&self, issuer: &str, options: &str, variables: Variables<'_>) -> Output {
        self.command(issuer, options, variables).output().unwrap()
    }

    fn command(&self, issuer: &str, options: &str, variables: Variables<'_>) -> Command {
        let mut command = self.bare_command(variables);
        command.args(["get-token", "-v", "--issuer-url", issuer]).args(options.split_whitespace());
        command
    }

    /// The program in this job, without arguments.
    fn bare_command<N: AsRef<OsStr>>(&self, variables: &[(N, String)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-login"));
        command
            .env_clear()
            .env("HOME", self.home.path())
            .env("PATH", "/usr/bin:/bin")
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    /// The same for the small issuer.
    fn at_issuer(&self, options: &str, variables: Variables<'_>) -> Output {
        self.run(&self.issuer.url, &format!("--client-id kubectl-login {options}"), variables)
    }

    fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.home.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }
}

/// Asserts a failure: the exit code, an empty stdout, and texts in stderr.
#[track_caller]
fn failed(output: &Output, code: i32, said: &[&str]) {
    let err = stderr(output);
    assert_eq!(output.status.code(), Some(code), "{err}");
    assert!(output.stdout.is_empty());
    for text in said {
        assert!(err.contains(text), "no `{text}` in {err}");
    }
}

fn variable(name: &'static str, value: &str) -> [(&'static str, String); 1] {
    [(name, value.to_owned())]
}

const AS_IT_IS: &str = "--client-id k8s --flow identity";

#[test]
fn a_job_of_github_actions_asks_its_token_service_once() {
    let job = Job::new();
    let variables = job.system.github_job("job-1");
    let options = format!("{AS_IT_IS} --identity github-actions");
    let first = job.run(GITHUB, &options, &variables);
    assert_eq!(token(&first).split('.').count(), 3);
    assert_eq!(job.system.requests(), ["GET /github?api-version=2.0&audience=k8s"]);
    // The cached token is used until it expires.
    assert_eq!(job.run(GITHUB, &options, &variables).stdout, first.stdout);
    assert_eq!(job.system.requests().len(), 1);
    // Another job on a persistent runner is another client.
    let other = job.run(GITHUB, &options, &job.system.github_job("job-2"));
    assert_ne!(token(&other), token(&first));
    assert_eq!(job.system.requests().len(), 2);
    let foreign = job.run(GITHUB, &format!("{options} --identity-audience x"), &variables);
    failed(&foreign, 2, &["is for `x`; wanted is client `k8s`", "leave `--identity-audience` out"]);
}

#[test]
fn a_job_of_azure_pipelines_posts_and_may_name_a_service_connection() {
    let job = Job::new();
    let mut variables = job.system.azure_job("job-1");
    let options = format!("--client-id {AZURE_AUDIENCE} --identity azure-pipelines");
    let pipeline = job.run(AZURE, &options, &variables);
    assert!(stderr(&pipeline).contains("about `p://o/p/pipeline`"), "{}", stderr(&pipeline));
    variables.push(("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID", "c1".to_owned()));
    let connection = job.run(AZURE, &format!("{options} --force-refresh"), &variables);
    assert!(stderr(&connection).contains("about `sc://o/p/c1`"));
    assert_ne!(token(&pipeline), token(&connection));
    assert_eq!(
        job.system.requests(),
        [
            "POST /azure/oidctoken?api-version=7.1 {}",
            "POST /azure/oidctoken?api-version=7.1&serviceConnectionId=c1 {}"
        ]
    );
}

#[test]
fn every_source_without_a_service_hands_out_what_it_holds() {
    let job = Job::new();
    let issuer = "https://id.example";
    let held = jwt(issuer, "k8s", "spiffe://example.org/ci", 600);
    let file = job.file("token", &format!("{held}\n"));
    let file = file.display();
    for (options, variables) in [
        ("--identity gitlab".to_owned(), variable("KUBECTL_LOGIN_ID_TOKEN", &held)),
        (
            "--identity gitlab --identity-variable MY_TOKEN".to_owned(),
            variable("MY_TOKEN", &format!(" {held}\n")),
        ),
        ("--identity-variable MY_TOKEN".to_owned(), variable("MY_TOKEN", &held)),
        ("--identity auto".to_owned(), variable("KUBECTL_LOGIN_ID_TOKEN", &held)),
        (format!("--identity auto --identity-file {file}"), variable("CI", "true")),
        (format!("--identity kubernetes --identity-file {file}"), variable("CI", "true")),
        (format!("--identity spiffe --identity-file {file}"), variable("CI", "true")),
        (format!("--identity-file {file}"), variable("CI", "true")),
    ] {
        let output = job.run(issuer, &format!("--client-id k8s {options}"), &variables);
        assert_eq!(token(&output), held, "{options}");
        assert!(!stderr(&output).contains(&held), "{options}");
        assert!(stderr(&output).contains("handing it out as it is"), "{options}");
    }
    let mut command = job.command(issuer, "--client-id k8s", &[]);
    let output = command.args(["--identity-command", &format!("cat {file}")]).output().unwrap();
    assert_eq!(token(&output), held);
    assert!(job.system.requests().is_empty());
}

#[test]
fn a_file_is_read_anew_when_the_kept_token_ends() {
    let job = Job::new();
    let issuer = "https://id.example";
    let options = format!("{AS_IT_IS} --identity kubernetes --identity-file ~/token");
    let (first, second) = (jwt(issuer, "k8s", "1", 600), jwt(issuer, "k8s", "1", 601));
    job.file("token", &first);
    assert_eq!(token(&job.run(issuer, &options, &[])), first);
    // The same job with a newer token: the cached one is still valid.
    job.file("token", &second);
    assert_eq!(token(&job.run(issuer, &options, &[])), first);
    assert_eq!(token(&job.run(issuer, &format!("{options} --force-refresh"), &[])), second);
}

#[test]
fn a_job_is_never_given_the_token_of_another() {
    let job = Job::new();
    let issuer = "https://id.example";
    let [one, other] = ["1", "2"].map(|subject| jwt(issuer, "k8s", subject, 600));
    let folders = ["a", "b"].map(|name| {
        let folder = job.home.path().join(name);
        fs::create_dir(&folder).unwrap();
        folder
    });
    for (folder, held) in folders.iter().zip([&one, &other]) {
        fs::write(folder.join("token"), held).unwrap();
    }
    let variables = [("TOKEN", one.clone()), ("PATH", "/usr/bin:/bin".to_owned())];
    let others = [("TOKEN", other.clone()), ("PATH", "/usr/bin:/bin".to_owned())];
    for options in [
        // A relative path in two folders.
        &["--identity-file", "token"][..],
        // A program that depends on its working directory, and one that depends on its variables.
        &["--identity-command", "cat token"],
        &["--identity-command", "printenv TOKEN"],
        &["--identity-variable", "TOKEN"],
    ] {
        for _ in 0..2 {
            for (folder, variables, held) in
                [(&folders[0], &variables, &one), (&folders[1], &others, &other)]
            {
                let mut command = job.command(issuer, AS_IT_IS, variables);
                command.args(options).current_dir(folder);
                assert_eq!(&token(&command.output().unwrap()), held, "{options:?}");
            }
        }
    }
    // A file that was replaced.
    let path = job.file("token", &one).display().to_string();
    let run = || {
        let mut command = job.command(issuer, AS_IT_IS, &[]);
        token(&command.args(["--identity-file", &path]).output().unwrap())
    };
    assert_eq!(run(), one);
    job.file("token", &other);
    assert_eq!(run(), other);
    job.file("token", &one);
    assert_eq!(run(), one);
}

#[test]
fn what_comes_through_pipes_is_read_once() {
    let job = Job::new();
    let held = jwt("https://id.example", "k8s", "1", 600);
    let pipe = |name: &str, content: String| {
        let path = job.home.path().join(name);
        if !path.exists() {
            let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
            rustix::fs::mkfifoat(rustix::fs::CWD, &path, mode).unwrap();
        }
        let end = path.clone();
        // Waits for the reader, like a shell's process substitution.
        std::thread::spawn(move || fs::write(end, content).unwrap());
        path.display().to_string()
    };
    // The second time, a cached token exists.
    for _ in 0..2 {
        let settings = "client-id: k8s\nflow: identity\n".to_owned();
        let variables = [("KUBECTL_LOGIN_CONFIG", pipe("settings", settings))];
        let mut command = job.command("https://id.example", "--identity-file", &variables);
        command.arg(pipe("identity", held.clone()));
        assert_eq!(token(&command.output().unwrap()), held);
    }
}

#[test]
fn a_kubeconfig_runs_no_program_that_was_not_allowed() {
    let job = Job::new();
    let held = jwt("https://id.example", "k8s", "1", 600);
    let file = job.file("token", &held).display().to_string();
    let line = format!("cat {file}");
    let info = r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","spec":{"interactive":false}}"#;
    let by_kubectl = ("KUBERNETES_EXEC_INFO", info.to_owned());
    let run = |variables: Variables<'_>, options: &[&str]| {
        let mut command = job.command("https://id.example", AS_IT_IS, variables);
        command.args(options).output().unwrap()
    };
    let options = ["--identity-command", line.as_str()];
    let refused = run(std::slice::from_ref(&by_kubectl), &options);
    failed(&refused, 2, &["is not one that you have allowed", "`allowed-commands: []`", &file]);
    // Variables belong to the job, and typed options to the user.
    let own = ("KUBECTL_LOGIN_IDENTITY_COMMAND", line.clone());
    assert_eq!(token(&run(&[by_kubectl.clone(), own], &[])), held);
    assert_eq!(token(&run(&[], &options)), held);
    fs::create_dir_all(job.home.path().join(".config/kubectl-login")).unwrap();
    job.file(".config/kubectl-login/config.yaml", &format!("allowed-commands: [\"{line}\"]\n"));
    assert_eq!(token(&run(std::slice::from_ref(&by_kubectl), &options)), held);
    let another = ["--identity-command", "printenv HOME"];
    failed(&run(&[by_kubectl], &another), 2, &["is not one that you have allowed"]);
}

#[test]
fn an_identity_of_another_issuer_is_shown_in_the_way_that_is_asked_for() {
    let job = Job::new();
    let held = jwt("https://ci.example", &job.issuer.url, "1", 600);
    let variables = variable("KUBECTL_LOGIN_ID_TOKEN", &held);
    let shown = |flow: &str| {
        let options = format!("--identity gitlab --flow {flow}");
        token(&job.at_issuer(&options, &variables));
        job.issuer.script().requests.last().unwrap().clone()
    };
    let exchange = shown("token-exchange --scope groups --requested-token-type urn:x");
    assert_eq!(exchange["grant_type"], "urn:ietf:params:oauth:grant-type:token-exchange");
    assert_eq!(exchange["subject_token"], held);
    assert_eq!(exchange["subject_token_type"], "urn:ietf:params:oauth:token-type:jwt");
    assert_eq!((&*exchange["requested_token_type"], &*exchange["scope"]), ("urn:x", "groups"));
    let grant = shown("jwt-bearer");
    assert_eq!(grant["grant_type"], "urn:ietf:params:oauth:grant-type:jwt-bearer");
    assert_eq!((&*grant["assertion"], &*grant["client_id"]), (&*held, "kubectl-login"));
    let client = shown("client-credentials");
    assert_eq!(client["grant_type"], "client_credentials");
    assert_eq!(client["client_assertion"], held);
    assert_eq!(
        client["client_assertion_type"],
        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    );
    // The issuer returned refresh tokens; a job stores none.
    let of_kind = |kind: &str| {
        let kept = fs::read_dir(job.home.path().join(".cache/kubectl-login")).unwrap();
        kept.filter(|entry| entry.as_ref().unwrap().path().extension().unwrap() == kind).count()
    };
    assert_eq!((of_kind("token"), of_kind("refresh")), (3, 0));
}

#[test]
fn auto_chooses_by_who_signed_and_what_the_issuer_offers_and_says_why() {
    let job = Job::new();
    let variables = job.system.github_job("job-1");
    for (grants, grant, reason) in [
        (
            &["urn:ietf:params:oauth:grant-type:token-exchange"][..],
            "urn:ietf:params:oauth:grant-type:token-exchange",
            "exchanging it: another issuer signed it, and `--issuer-url` offers token exchange",
        ),
        (
            &["urn:ietf:params:oauth:grant-type:jwt-bearer"],
            "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "showing it as a grant: another issuer signed it",
        ),
        (&[], "client_credentials", "showing it as the client's assertion: another issuer"),
    ] {
        job.issuer.script().grants = grants;
        let output =
            job.at_issuer("--identity auto --force-refresh --token-cache-storage none", &variables);
        token(&output);
        assert!(stderr(&output).contains(reason), "{}", stderr(&output));
        assert_eq!(job.issuer.script().requests.last().unwrap()["grant_type"], grant);
    }
    // Only the first token had the wrong audience: it was requested for the cluster's client.
    let asked = job.system.requests();
    let address = url::form_urlencoded::byte_serialize(job.issuer.url.as_bytes());
    let for_issuer: String = address.collect();
    assert!(asked[0].ends_with("audience=kubectl-login") && asked[1].ends_with(&for_issuer));
    let output = job.run(GITHUB, "--client-id k8s --identity auto", &variables);
    assert!(stderr(&output).contains("as it is: `--issuer-url` signed it"));
    assert_eq!(job.system.requests().len(), asked.len() + 1);
}

#[test]
fn what_is_missing_or_wrong_is_named_with_what_helps() {
    let job = Job::new();
    let issuer = "https://id.example";
    let other = variable("KUBECTL_LOGIN_ID_TOKEN", &jwt("https://else.example", "k8s", "1", 600));
    let old = variable("KUBECTL_LOGIN_ID_TOKEN", &jwt(issuer, "k8s", "1", -1));
    let foreign = variable("KUBECTL_LOGIN_ID_TOKEN", &jwt(issuer, "x", "1", 600));
    let words = variable("KUBECTL_LOGIN_ID_TOKEN", "hunter2 hunter2");
    let actions = variable("GITHUB_ACTIONS", "true");
    let azure = variable("SYSTEM_OIDCREQUESTURI", "http://127.0.0.1:1/");
    let plain = [
        ("ACTIONS_ID_TOKEN_REQUEST_URL", "http://ci.example/".to_owned()),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "hunter2".to_owned()),
    ];
    let cases: [(&str, Variables<'_>, i32, &[&str]); 13] = [
        (
            "--identity gitlab",
            &[],
            2,
            &["error: the identity `gitlab` is not here: the environment variable \
               `KUBECTL_LOGIN_ID_TOKEN` is not set\nhint: give the job `id_tokens:`"],
        ),
        ("--identity-variable X", &[], 2, &["`X` is not set", "it came from the command line"]),
        ("--identity github-actions", &[], 2, &["`permissions: { id-token: write }`"]),
        ("--identity azure-pipelines", &[], 2, &["this is no job of Azure Pipelines"]),
        ("--identity azure-pipelines", &azure, 2, &["SYSTEM_ACCESSTOKEN: $(System.AccessToken)"]),
        (
            "--identity kubernetes --identity-file /dev/null/token",
            &[],
            2,
            &["could not read `/dev/null/token`", "caused by: ", "`serviceAccountToken`"],
        ),
        ("--identity-command /dev/null/mint", &[], 2, &["`/dev/null/mint` could not be run"]),
        ("--identity auto", &actions, 3, &["offers no identity", "{ id-token: write }"]),
        ("--identity github-actions", &plain, 2, &["which is not `https://`"]),
        ("--identity gitlab", &words, 2, &["characters that a bearer token may not have"]),
        ("--identity gitlab", &old, 1, &["expired at ", "the job has outlived its token"]),
        (
            "--identity gitlab",
            &other,
            2,
            &["is signed by `https://else.example`; wanted is `https://id.example`"],
        ),
        ("--identity gitlab", &foreign, 2, &["is for `x`; wanted is client `k8s`"]),
    ];
    for (options, variables, code, said) in cases {
        let output = job.run(issuer, &format!("{AS_IT_IS} {options}"), variables);
        failed(&output, code, said);
        assert!(!stderr(&output).contains("hunter2"), "{}", stderr(&output));
    }
}

#[test]
fn a_token_service_that_is_down_is_told_from_one_that_refuses() {
    let job = Job::new();
    let options = format!("{AS_IT_IS} --identity github-actions");
    let stranger = job.run(GITHUB, &options, &job.system.github_job("hunter2"));
    failed(&stranger, 1, &["refused a token: it answered 401", "id-token: write"]);
    assert!(!stderr(&stranger).contains("hunter2"));
    let variables = job.system.github_job("job-1");
    for (status, code) in [(503, 4), (429, 4), (403, 1), (302, 1)] {
        job.system.fail(status);
        failed(&job.run(GITHUB, &options, &variables), code, &[&format!("answered {status}")]);
    }
    let mut nowhere = variables.clone();
    nowhere[2].1 = "http://127.0.0.1:1/".to_owned();
    let output = job.run(GITHUB, &options, &nowhere);
    failed(&output, 4, &["could not reach the token service of `github-actions`"]);
}

#[test]
fn an_issuer_that_does_not_trust_the_identity_is_told_from_one_that_is_down() {
    let job = Job::new();
    let held = jwt("https://ci.example", &job.issuer.url, "1", 600);
    let variables = variable("KUBECTL_LOGIN_ID_TOKEN", &held);
    let options = "--identity gitlab --flow token-exchange";
    job.issuer.script().failure = Some((400, "invalid_request"));
    let refused = job.at_issuer(options, &variables);
    failed(
        &refused,
        1,
        &["refused the token exchange", "hint: the issuer has to accept tokens of"],
    );
    job.issuer.script().failure = Some((503, "server_error"));
    failed(&job.at_issuer(options, &variables), 4, &["is out of order"]);
}
