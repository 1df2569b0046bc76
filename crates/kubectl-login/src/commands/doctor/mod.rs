//! `doctor`: checks the whole chain from kubectl to the cluster and reports what is wrong with it.
//! Never signs in, never renews, never changes anything; only stores a word in the keyring and
//! reads it back.
//!
//! `wiring`, `host`, `issuer` and `token` judge facts, which this file, `session` and
//! `certificate` gather; `finding` holds the results.

mod certificate;
mod finding;
mod host;
mod issuer;
mod session;
mod token;
mod wiring;

use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint};
use kubeconfig::context::Context;
use login_common::proxy::Proxies;
use login_protocols::oidc::metadata_url;

use super::{
    chosen::{self, Chosen},
    cluster::Cluster,
    failure::CommandError,
};
use crate::{
    flows::{FlowError, issuer_client::IssuerClient},
    options::target::{Flow, Target},
    output::{self, Format, Items},
    report::{Failure, Fault},
    system::{
        System, file,
        http::{self, HttpError},
        inspection, keyring, runtime, shown_certificate,
    },
    user_entries::{self, KubeconfigError},
};
use certificate::Certificate;
use finding::{Finding, Outcome};
use session::{CachedSession, examine_token};
use wiring::CommandPath;

/// Longest configuration that is read.
const MAX_LENGTH: u64 = 1024 * 1024;

/// The variables that name proxies; of two spellings the first applies.
const PROXIES: [&str; 6] =
    ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy"];

/// Its arguments.
pub fn definition() -> Command {
    chosen::with_choice(Command::new("doctor"))
        .about("Examine the chain from kubectl to the cluster and say how to mend it")
        .arg(output::argument())
        .arg(
            Arg::new("offline")
                .long("offline")
                .action(ArgAction::SetTrue)
                .help("Ask neither the issuer nor the cluster"),
        )
        .arg(
            Arg::new("authentication-config")
                .long("authentication-config")
                .value_name("FILE")
                .value_hint(ValueHint::FilePath)
                .help(
                    "kube-apiserver's AuthenticationConfiguration, or login-server's: compare \
                     the kept token with it",
                ),
        )
        .after_help(format!(
            "Exit codes: 0 no problem (warnings are none), else that of the first problem: \
             1 refused, 2 configuration, 3 a sign-in is needed, 4 unreachable.\n\n{}",
            chosen::REST_OF_OPTIONS
        ))
}

/// Examines and prints.
pub fn run(system: &System<'_>, matches: &ArgMatches) -> Result<(), Failure> {
    let mut findings = Vec::new();
    examine(system, matches, &mut findings)?;
    output::print(
        Format::of(matches),
        "DoctorReport",
        &Items { items: &findings },
        |_, colours| finding::text(&findings, colours),
    )?;
    let problems: Vec<Fault> = findings.iter().filter_map(|finding| finding.fault).collect();
    match problems.first() {
        None => Ok(()),
        Some(&fault) => Err(CommandError::Problems { count: problems.len(), fault }.into()),
    }
}

fn examine(
    system: &System<'_>,
    matches: &ArgMatches,
    findings: &mut Vec<Finding>,
) -> Result<(), Failure> {
    let context = if chosen::is_by_options(system, matches) {
        findings.push(Finding::skipped("kubeconfig", "the options name an issuer themselves"));
        // `whoami` calls the cluster of the current context all the same, as in a CI job.
        chosen::context(system, matches).ok()
    } else {
        examine_wiring(system, matches, findings)
    };
    let chosen = match Chosen::of(system, matches) {
        Ok(chosen) => chosen,
        // The wiring has a problem already; only the plugin's arguments were not checked there.
        Err(failure)
            if failure
                .of_kind::<KubeconfigError>()
                .is_some_and(|error| !matches!(error, KubeconfigError::Arguments { .. }))
                && findings.iter().any(|finding| finding.outcome == Outcome::Problem) =>
        {
            findings.push(Finding::skipped("options", "there is no entry to read them from"));
            return Ok(());
        }
        Err(failure) => {
            findings.push(Finding::failure("options", &failure));
            return Ok(());
        }
    };
    findings.push(options(&chosen.target));
    for refusal in chosen.target.refused_commands() {
        let (message, hint) = (refusal.to_string(), refusal.hint());
        findings.push(Finding::problem("commands", Fault::Usage, message, hint));
    }
    // kubectl's own variables: those of an entry are set only for the plugin.
    let proxies = http::proxies(system.environment);
    chosen.within(system, |system| {
        examine_machine(system, &chosen.target, findings);
        let kept = CachedSession::of(system, &chosen.target);
        findings.push(kept.finding(&chosen.target, system.clock.now()));
        let named = matches.get_one::<String>("authentication-config").map(String::as_str);
        examine_token(&chosen.target, &kept, named, system.clock.now(), findings);
        if matches.get_flag("offline") {
            for check in ["issuer", "whoami"] {
                findings.push(Finding::skipped(check, "`--offline`"));
            }
            return Ok(());
        }
        runtime::block_on(async {
            examine_issuer(system, &chosen.target, findings).await;
            findings.push(whoami(context.as_ref(), &proxies, &chosen.target, &kept).await);
        })
        .map_err(Failure::from)
    })
}

fn examine_wiring(
    system: &System<'_>,
    matches: &ArgMatches,
    findings: &mut Vec<Finding>,
) -> Option<Context> {
    let named = |id: &str| matches.get_one::<String>(id).map(String::as_str);
    let files = match user_entries::read(system.environment, named("kubeconfig")) {
        Ok(files) => files,
        Err(error) => {
            findings.push(Finding::failure("kubeconfig", &error.into()));
            return None;
        }
    };
    let paths: Vec<PathBuf> = files.paths().map(Path::to_path_buf).collect();
    findings.push(wiring::files(&paths));
    if paths.is_empty() {
        return None;
    }
    let name = named("context").or_else(|| files.current_context());
    let context = name.and_then(|name| files.context(name));
    findings.push(wiring::context(name, context.as_ref()));
    let context = context?;
    if let Some(entry) = &context.cluster {
        findings.push(wiring::cluster(entry));
    }
    let Some(user) = &context.user else { return Some(context) };
    findings.push(wiring::user(&context.user_name, user));
    if let Some(entry) = &user.exec {
        let path = system.environment.variable("PATH");
        let found = inspection::program(&entry.command, user.file.parent(), path.as_deref())
            .map_or(CommandPath::Nowhere, CommandPath::At);
        findings.push(wiring::exec(entry, &found, system.environment.home().as_deref()));
        findings.push(policy(system, &entry.command, &found));
    }
    Some(context)
}

/// kubectl's `pkg/kuberc`: `KUBERC` names another file, or turns it off.
fn policy(system: &System<'_>, command: &str, found: &CommandPath) -> Finding {
    let named = system.environment.variable("KUBERC").filter(|name| !name.is_empty());
    if named.as_ref().is_some_and(|name| name == "off") {
        return Finding::ok("kuberc", "turned off by `KUBERC=off`");
    }
    let standard = || Some(system.environment.home()?.join(".kube").join("kuberc"));
    let Some(place) = named.map(PathBuf::from).or_else(standard) else {
        return Finding::skipped("kuberc", "there is no home directory");
    };
    let text = file::read(&place, MAX_LENGTH).ok();
    let text = text.map(|text| String::from_utf8_lossy(&text).into_owned());
    wiring::policy(&place, text.as_deref(), command, found)
}

fn options(target: &Target) -> Finding {
    let account = target.account.as_ref().map(|name| format!(", account `{name}`"));
    Finding::ok(
        "options",
        format!(
            "issuer {}, client `{}`, flow `{}`{}",
            target.issuer,
            target.client_id,
            target.flow.as_str(),
            account.unwrap_or_default()
        ),
    )
}

fn examine_machine(system: &System<'_>, target: &Target, findings: &mut Vec<Finding>) {
    let set: Vec<(&'static str, String)> = PROXIES
        .into_iter()
        .filter_map(|name| Some((name, system.environment.variable(name)?)))
        .map(|(name, value)| (name, value.to_string_lossy().into_owned()))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    findings.push(host::proxies(&set));
    let directory = target.cache_directory.as_deref();
    let facts = directory.map(|path| (path, inspection::directory(path)));
    findings.push(host::cache(facts.as_ref().map(|(path, facts)| (*path, facts))));
    let trouble = keyring::check(system.environment).err();
    let trouble = trouble.map(|trouble| trouble.to_string());
    let built_in = cfg!(feature = "keyring");
    findings.push(host::keyring(target.storage, built_in, trouble.as_deref()));
    let by_browser = matches!(target.flow, Flow::Auto | Flow::Browser);
    if by_browser && !target.is_for_job() {
        let addresses = &target.callback.listen_addresses;
        findings.push(host::loopback(addresses, &inspection::port(addresses)));
    }
}

async fn examine_issuer(system: &System<'_>, target: &Target, findings: &mut Vec<Finding>) {
    const CHECK: &str = "issuer";
    let asked = match IssuerClient::prepare(system, target, None).await {
        Ok(session) => session.probe().await,
        Err(error) => Err(error),
    };
    match asked {
        Ok((metadata, date)) => {
            let message = format!("{} answers, and says that it is that issuer", target.issuer);
            findings.push(Finding::ok(CHECK, message));
            findings.push(issuer::clock(system.clock.now(), date));
            findings.push(issuer::endpoints(&metadata, target));
            findings.push(issuer::revocation(&metadata));
        }
        Err(error) => {
            let is_about_certificate = matches!(
                &error,
                FlowError::Unreachable { source: HttpError::Certificate { .. }, .. }
            );
            let mut finding = Finding::failure(CHECK, &error.with_hint(target).into());
            if is_about_certificate && let Some(shown) = shown_by(system, target).await {
                finding.message = format!("{}; {shown}", finding.message);
            }
            findings.push(finding);
        }
    }
}

/// Describes the certificate that was not accepted.
async fn shown_by(system: &System<'_>, target: &Target) -> Option<String> {
    let proxies = http::proxies(system.environment);
    let der = shown_certificate::of(&metadata_url(&target.issuer), &proxies).await?;
    Some(Certificate::parse(&der)?.describe(system.clock.now()))
}

/// Asks the cluster, with the cached token.
async fn whoami(
    context: Option<&Context>,
    proxies: &Proxies,
    target: &Target,
    kept: &CachedSession,
) -> Finding {
    const CHECK: &str = "whoami";
    let Some(context) = context.filter(|context| context.cluster.is_some()) else {
        return Finding::skipped(CHECK, "there is no cluster to ask");
    };
    let Some(token) = &kept.token else {
        return Finding::skipped(CHECK, "no token is kept; sign in first");
    };
    let cluster = match Cluster::of(context, proxies) {
        Ok(cluster) => cluster,
        Err(error) => return Finding::failure(CHECK, &error.into()),
    };
    match cluster.review(token, &target.issuer).await {
        Ok(user) => Finding::ok(
            CHECK,
            format!(
                "the cluster takes the token for `{}`, groups [{}]",
                user.username,
                user.groups.join(" ")
            ),
        ),
        Err(CommandError::TokenNotAccepted { server, .. }) => {
            token::refused_by_cluster(&server, token)
        }
        Err(error) => Finding::failure(CHECK, &error.into()),
    }
}
