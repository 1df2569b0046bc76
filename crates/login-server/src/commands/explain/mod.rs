//! `explain`: shows how the server would judge a token, check by check, and why.
//! Never prints or logs the token or its signature, and never sends a request without `--online`.
//!
//! `bench` builds what a review needs, `examine` judges by its rules; `stage` holds the order of
//! the checks, `details` and `advice` the texts for each, `tell` prints.

mod advice;
mod bench;
mod details;
mod examine;
#[cfg(test)]
mod reference;
mod stage;
mod tell;

use std::{
    io::{IsTerminal as _, Read as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use login_common::Secret;
use login_review::Verdict;
use zeroize::Zeroizing;

use self::advice::Network;
pub use self::examine::{Examination, examine, question};
use self::{bench::Bench, details::Context};
use super::{ConfigurationFiles, Output, runtime};
use crate::{
    report::{Failure, print, print_coloured},
    system::{clock::Clock, files},
};

/// Longer than any token, and than what may be pasted by mistake.
const MAX_TOKEN_FILE: u64 = 1024 * 1024;

#[derive(Args, Debug)]
pub(super) struct Explain {
    #[command(flatten)]
    files: ConfigurationFiles,
    /// The state folder of `serve`: key sets, and the embedded issuer's database
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// Read the token from this file instead of stdin
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Ask issuers, as `serve` would; else only what is stored is known
    #[arg(long)]
    online: bool,
    /// An audience that kube-apiserver asks about; may be repeated
    #[arg(long = "audience", value_name = "AUDIENCE")]
    audiences: Vec<String>,
    /// kube-apiserver's own `--api-audiences`, as `serve` is given them
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    api_audiences: Vec<String>,
    /// Show the claims, which are personal data
    #[arg(long)]
    show_claims: bool,
    /// How to print it
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

impl Explain {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        self.explain().map_err(Failure::without_verdict)
    }

    fn explain(self) -> Result<ExitCode, Failure> {
        let loaded = self.files.load()?;
        let token = token(self.token_file.as_deref())?;
        let api_audiences = (!self.api_audiences.is_empty()).then(|| self.api_audiences.clone());
        let network = if self.online { Network::Online } else { Network::Offline };
        let bench = Bench::new(loaded, self.state_dir.as_deref(), api_audiences, network)?;
        let (length, now) = (token.expose().len(), Clock::HOST.now());
        let question = question(token, self.audiences);
        let examined = runtime()?.block_on(examine(&bench.judge, &bench.in_force, &question, now));
        let report = examined.issuer.and_then(|issuer| bench.in_force.keys.report_of(issuer));
        let context = Context {
            token_length: length,
            max_token_length: bench.in_force.policy.max_token_length(),
            issuer: examined.issuer.and_then(|issuer| bench.in_force.policy.issuer(issuer)),
            now,
            network,
            keys: report.as_ref(),
        };
        let claims = examined.jws.as_ref().filter(|_| self.show_claims);
        let claims = claims.map(|jws| jws.unverified_claims().as_map());
        match self.output {
            Output::Text => print_coloured(&tell::text(&examined, context, claims))?,
            Output::Json => print(&format!("{}\n", tell::json(&examined, context, claims)))?,
        }
        Ok(match examined.verdict {
            Verdict::Accepted { .. } => ExitCode::SUCCESS,
            Verdict::Refused(_) => ExitCode::from(1),
            Verdict::CannotTell(_) => ExitCode::from(4),
        })
    }
}

fn token(file: Option<&Path>) -> Result<Secret, Failure> {
    let stdin = std::io::stdin();
    let text = if let Some(path) = file {
        let text = files::read_text(path, MAX_TOKEN_FILE)
            .map_err(|fault| Failure::configuration("could not read the token").because(&fault))?;
        Zeroizing::new(text)
    } else if stdin.is_terminal() {
        let text = rpassword::prompt_password("Token: ")
            .map_err(|fault| Failure::runtime("could not read the token").because(&fault))?;
        Zeroizing::new(text)
    } else {
        let mut text = Zeroizing::new(String::new());
        stdin.lock().take(MAX_TOKEN_FILE).read_to_string(&mut text).map_err(|fault| {
            Failure::configuration("could not read the token from stdin").because(&fault)
        })?;
        text
    };
    // The newline that `echo` and editors add is not part of the token.
    let line = text.strip_suffix('\n').unwrap_or(&text);
    Ok(Secret::new(line.strip_suffix('\r').unwrap_or(line)))
}
