//! One file of configurations, read by a real kube-apiserver and by login-server.
//! Never a second copy of the file: both are given the same text.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use login_tests::api_server::{ApiServer, Authentication, Cluster};
use login_tests::components::Components;
use login_tests::issuers::Issuers;
use login_tests::login_server::{LoginServer, Service};
use login_tests::wait;
use serde_json::json;

use crate::load::Judge;
use crate::table::{Case, Keys, Token, configuration};
use crate::user::{User, seen_by_kube_apiserver, seen_by_login_server};

/// A case of this suite.
pub(crate) type Rule = (&'static str, fn(&World) -> Result<()>);

/// kube-apiserver tries a key set that it could not get again after ten seconds.
const PATIENCE: Duration = Duration::from_secs(40);

pub(crate) struct World {
    pub(crate) judge: Judge,
    issuers: Issuers,
    keys: Keys,
    cluster: Cluster,
    api_server: ApiServer,
    login_server: LoginServer,
}

impl World {
    pub(crate) fn start(components: &Arc<Components>) -> Result<Self> {
        let issuers = Issuers::start()?;
        let keys = Keys::new()?;
        for case in crate::all_cases() {
            let published = case.keys.iter().map(|name| keys.named(name));
            issuers.publish(case.name, &published.collect::<Result<Vec<_>>>()?)?;
        }
        crate::distributed::publish(&issuers, &keys, now()?)?;
        crate::tokens::publish(&issuers);
        let text = configuration(crate::all_cases(), issuers.base(), issuers.authority_pem())?;
        let cluster = Cluster::start(components)?;
        let authentication = Authentication {
            configuration: Some(issuers.scratch().file("authentication.yaml", &text)?),
            ..Authentication::default()
        };
        let api_server = cluster.api_server("kube-apiserver", &authentication)?;
        let service =
            Service { configuration: None, authentication: Some(text), ..Service::default() };
        let login_server = LoginServer::serve(components, &service)?;
        Ok(Self {
            judge: Judge::new(components)?,
            issuers,
            keys,
            cluster,
            api_server,
            login_server,
        })
    }

    /// Shows every token of the cases to both programs; fails with all that is not as expected.
    pub(crate) fn compare(&self, cases: &[Case]) -> Result<()> {
        let mut faults = String::new();
        for case in cases {
            ensure!(
                case.tokens.iter().any(|token| token.theirs().is_some()),
                "{}: kube-apiserver should accept one of the tokens, to show that it can",
                case.name
            );
            for token in case.tokens {
                let outcome = self.compare_one(case, token);
                if let Err(fault) = outcome.with_context(|| token.described()) {
                    writeln!(faults, "{}: {fault:#}", case.name)?;
                }
            }
        }
        ensure!(faults.is_empty(), "{faults}");
        Ok(())
    }

    fn compare_one(&self, case: &Case, token: &Token) -> Result<()> {
        let base = self.issuers.base();
        let issuer = format!("{base}/{}", case.name);
        let fill = |user: &str| user.replace("@BASE", base).replace("@ISSUER", &issuer);
        let expected = (token.theirs().map(fill), token.ours().map(fill));
        let text = token.write(&self.keys, base, &issuer, now()?)?;

        let mut theirs = self.theirs(&text)?;
        if theirs.is_none() && expected.0.is_some() {
            // Its key sets come in the background; until then every token is refused.
            theirs = wait::until("kube-apiserver to accept the token", PATIENCE, || {
                Ok(self.theirs(&text)?.map(Some))
            })?;
        }
        let ours =
            seen_by_login_server(&self.login_server.review("v1", &text)?, &issuer, case.maps_uid)?;
        let line = |user: Option<User>| user.map(|user| user.as_str().to_owned());
        let seen = (line(theirs), line(ours));
        ensure!(
            seen == expected,
            "expected (kube-apiserver, login-server) {expected:?}, got {seen:?}"
        );
        Ok(())
    }

    fn theirs(&self, token: &str) -> Result<Option<User>> {
        let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
        let review = json!({
            "apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview",
        });
        // Over HTTP/2 a refused POST is reset before its body has come, which curl takes for a failure.
        let curl = self.cluster.curl()?.with_option("--http1.1").with_bearer(token);
        let reply = curl.post_json(&format!("{}{path}", self.api_server.url()), &review)?;
        seen_by_kube_apiserver(&reply)
    }
}

fn now() -> Result<i64> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    Ok(i64::try_from(now.as_secs())?)
}
