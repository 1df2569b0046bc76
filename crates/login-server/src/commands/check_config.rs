//! `check-config`: reads the configuration like `serve`, and does nothing else.
//! Never opens a socket or a database.

use std::{fmt::Write as _, net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::Args;
use login_common::causes;
use login_review::config::Problem;
use serde_json::{Value, json};

use super::{ConfigurationFiles, Output, print_document};
use crate::{
    callers::Tokens,
    config::{
        document::IssuerSection,
        exposure,
        load::{Loaded, load},
    },
    report::{Failure, print, remark},
    system::{clock::Clock, tracked_files::TrackedFiles},
    tls::{self, ClientCertificate, TlsFiles},
};

#[derive(Args, Debug)]
pub(super) struct CheckConfig {
    #[command(flatten)]
    files: ConfigurationFiles,
    /// The certificate chain, as `serve` takes it
    #[arg(long, value_name = "FILE", requires = "tls_private_key_file")]
    tls_cert_file: Option<PathBuf>,
    /// The private key of the certificate
    #[arg(long, value_name = "FILE", requires = "tls_cert_file")]
    tls_private_key_file: Option<PathBuf>,
    /// The authority of client certificates
    #[arg(long, value_name = "FILE", requires = "tls_cert_file")]
    client_ca_file: Option<PathBuf>,
    /// The tokens by which callers are known
    #[arg(long, value_name = "FILE")]
    caller_token_file: Option<PathBuf>,
    /// Where `serve` is to listen: who may ask there is looked at, too
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8443")]
    listen: SocketAddr,
    /// Let warnings fail, too
    #[arg(long)]
    strict: bool,
    /// How to print it
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

impl CheckConfig {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let has_files = self.files.config.is_some() || self.files.authentication_config.is_some();
        if !has_files && self.tls_cert_file.is_none() && self.caller_token_file.is_none() {
            return Err(Failure::configuration("there is no file to check")
                .hint("give `--config`, `--authentication-config`, or both"));
        }
        let files = TrackedFiles::default();
        let (own, kubernetes) =
            (self.files.config.as_deref(), self.files.authentication_config.as_deref());
        let (loaded, mut faults) = match load(&files, own, kubernetes) {
            Ok(loaded) => (Some(loaded), Vec::new()),
            Err(faults) => (None, faults),
        };
        let mut warnings =
            loaded.as_ref().map(|loaded| loaded.warnings.clone()).unwrap_or_default();
        let issuer = loaded.as_ref().and_then(|loaded| loaded.issuer.as_ref());
        self.check_tls(issuer, &files, &mut faults, &mut warnings);
        self.check_callers(&files, &mut faults, &mut warnings);
        let files: Vec<String> =
            files.into_seen().into_keys().map(|path| path.display().to_string()).collect();
        let is_good = faults.is_empty() && (warnings.is_empty() || !self.strict);
        match (self.output, loaded) {
            (Output::Json, loaded) => {
                let told = summary(loaded.as_ref(), &files, is_good, &warnings, &faults);
                print_document("ConfigurationCheck", told)?;
            }
            (Output::Text, Some(loaded)) if faults.is_empty() => {
                for warning in &warnings {
                    remark(&format!("warning: {warning}"));
                }
                if !is_good {
                    let message = "there are warnings, and `--strict` was given";
                    return Err(Failure::configuration(message));
                }
                print(&text(&loaded, &files))?;
            }
            (Output::Text, _) => {
                return Err(Failure::problems(&faults).hint("mend what is listed, then look again"));
            }
        }
        Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::from(2) })
    }

    fn check_callers(
        &self,
        files: &TrackedFiles,
        faults: &mut Vec<Problem>,
        warnings: &mut Vec<Problem>,
    ) {
        let option = "--caller-token-file";
        match self.caller_token_file.as_ref().map(|path| Tokens::read(path, files)) {
            Some(Err(fault)) => faults.push(problem(option, causes::one_line(&fault))),
            Some(Ok(tokens)) if tokens.is_empty() => {
                let message = "has no token: no caller is known by one, and `serve` does not start";
                warnings.push(problem(option, message.to_owned()));
            }
            Some(Ok(_)) | None => {}
        }
        let is_guarded = self.client_ca_file.is_some() || self.caller_token_file.is_some();
        if let Some(message) = exposure::open_to_everybody(self.listen, is_guarded) {
            warnings.push(problem("--listen", message));
        }
    }

    fn check_tls(
        &self,
        issuer: Option<&IssuerSection>,
        files: &TrackedFiles,
        faults: &mut Vec<Problem>,
        warnings: &mut Vec<Problem>,
    ) {
        let (Some(certificate), Some(key)) = (&self.tls_cert_file, &self.tls_private_key_file)
        else {
            return;
        };
        let place = TlsFiles {
            certificate: certificate.clone(),
            key: key.clone(),
            client_authority: self
                .client_ca_file
                .clone()
                .map(|path| (path, ClientCertificate::Required)),
        };
        match tls::prepare(&place, files) {
            Err(fault) => faults.push(problem("--tls-cert-file", causes::one_line(&fault))),
            Ok(prepared) => {
                if !prepared.is_usable(Clock::HOST.now()) {
                    let message = "a certificate has expired, or does not count yet";
                    warnings.push(problem("--tls-cert-file", message.to_owned()));
                }
                if let (Some(section), Some(shown)) = (issuer, &prepared.shown)
                    && let Some(message) = exposure::not_covered(&section.settings.issuer, shown)
                {
                    warnings.push(problem("--tls-cert-file", message));
                }
            }
        }
    }
}

/// A problem without a place in a file.
fn problem(option: &str, message: String) -> Problem {
    Problem { file: "command line".to_owned(), line: None, key: option.to_owned(), message }
}

fn text(loaded: &Loaded, files: &[String]) -> String {
    let mut text = String::from("the configuration is good; ");
    text.push_str(if loaded.accepts_nobody() {
        "no token is accepted\n"
    } else {
        "tokens are accepted from\n"
    });
    for (kind, name) in authenticators(loaded) {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {name} ({kind})");
    }
    text.push_str("it is made of\n");
    for file in files {
        let _ = writeln!(text, "  {file}");
    }
    text
}

/// Each authenticator's kind and name.
fn authenticators(loaded: &Loaded) -> Vec<(&'static str, String)> {
    let embedded = loaded.issuer.as_ref().map(|section| &section.settings.issuer);
    let issuers = loaded.bundle.policy.issuers().iter().map(|policy| {
        let kind = if Some(&policy.issuer) == embedded { "embedded issuer" } else { "issuer" };
        (kind, policy.issuer.as_str().to_owned())
    });
    let parties = loaded.bundle.policy.remotes().iter().zip(&loaded.bundle.remotes);
    let parties =
        parties.map(|(remote, party)| (remote.rules.kind().as_str(), party.url.to_string()));
    let tokens = loaded.bundle.policy.static_tokens().map(|tokens| match tokens.len() {
        1 => ("static tokens", "1 token".to_owned()),
        count => ("static tokens", format!("{count} tokens")),
    });
    issuers.chain(parties).chain(tokens).collect()
}

fn summary(
    loaded: Option<&Loaded>,
    files: &[String],
    is_good: bool,
    warnings: &[Problem],
    faults: &[Problem],
) -> Value {
    let problems = |problems: &[Problem]| {
        let told = problems.iter().map(|problem| {
            json!({"file": problem.file, "line": problem.line, "key": problem.key,
                   "message": problem.message})
        });
        told.collect::<Value>()
    };
    let authenticators: Value = loaded
        .map(authenticators)
        .unwrap_or_default()
        .into_iter()
        .map(|(kind, name)| json!({"kind": kind, "name": name}))
        .collect();
    let revocations = loaded.map(|loaded| loaded.bundle.policy.revocations().len());
    json!({
        "good": is_good,
        "authenticators": authenticators,
        "revocations": revocations,
        "files": files,
        "warnings": problems(warnings),
        "faults": problems(faults),
    })
}
