//! One file of configurations, read by a real kube-apiserver and by login-server.
//! Never a second copy of the file: both get the same text.

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
use crate::user::{OUTAGE, User, seen_by_kube_apiserver, seen_by_login_server};

/// A case of this suite.
pub(crate) type Rule = (&'static str, fn(&World) -> Result<()>);

/// kube-apiserver retries a key set that it could not fetch after ten seconds.
const PATIENCE: Duration = Duration::from_secs(40);

pub(crate) struct World {
    pub(crate) judge: Judge,
    issuers: Issuers,
    keys: Keys,
    cluster: Cluster,
    main: Site,
    key_sets: Site,
}

/// Two programs with one file.
struct Site {
    api_server: ApiServer,
    login_server: LoginServer,
}

impl World {
    pub(crate) fn start(components: &Arc<Components>) -> Result<Self> {
        let issuers = Issuers::start()?;
        let keys = Keys::new()?;
        for case in crate::all_cases().chain(crate::key_sets::CASES) {
            let published = case.keys.iter().map(|name| keys.named(name));
            issuers.publish(case.name, &published.collect::<Result<Vec<_>>>()?)?;
            if !case.key_set.is_empty() {
                let path = format!("{}/keys", case.name);
                issuers.document(&path, &keys.filled(case.key_set).context(case.name)?);
            }
        }
        crate::distributed::publish(&issuers, &keys, now()?)?;
        crate::tokens::publish(&issuers);
        let cluster = Cluster::start(components)?;
        let site = |name: &str, text: String| -> Result<Site> {
            let file = issuers.scratch().file(&format!("{name}.yaml"), &text)?;
            let authentication =
                Authentication { configuration: Some(file), ..Authentication::default() };
            let service =
                Service { configuration: None, authentication: Some(text), ..Service::default() };
            Ok(Site {
                api_server: cluster.api_server(name, &authentication)?,
                login_server: LoginServer::serve(components, &service)?,
            })
        };
        let (base, authority) = (issuers.base(), issuers.authority_pem());
        let main = site("kube-apiserver", configuration(crate::all_cases(), base, authority)?)?;
        let text = configuration(crate::key_sets::CASES, base, authority)?;
        let key_sets = site("kube-apiserver-of-key-sets", text)?;
        Ok(Self { judge: Judge::new(components)?, issuers, keys, cluster, main, key_sets })
    }

    /// Sends every token of the cases to both programs; fails with all unexpected answers.
    pub(crate) fn compare(&self, cases: &[Case]) -> Result<()> {
        self.compare_at(&self.main, cases)
    }

    /// The same for the cases that have a separate file.
    pub(crate) fn compare_key_sets(&self, cases: &[Case]) -> Result<()> {
        self.compare_at(&self.key_sets, cases)
    }

    fn compare_at(&self, site: &Site, cases: &[Case]) -> Result<()> {
        let mut faults = String::new();
        for case in cases {
            ensure!(
                case.tokens.iter().any(|token| token.theirs().is_some()),
                "{}: kube-apiserver should accept one of the tokens, to show that it can",
                case.name
            );
            for token in case.tokens {
                let outcome = self.compare_one(site, case, token);
                if let Err(fault) = outcome.with_context(|| token.described()) {
                    writeln!(faults, "{}: {fault:#}", case.name)?;
                }
            }
        }
        ensure!(faults.is_empty(), "{faults}");
        Ok(())
    }

    fn compare_one(&self, site: &Site, case: &Case, token: &Token) -> Result<()> {
        let base = self.issuers.base();
        let issuer = format!("{base}/{}", case.name);
        let fill = |user: &str| user.replace("@BASE", base).replace("@ISSUER", &issuer);
        let expected = (token.theirs().map(fill), token.ours().map(fill));
        let text = token.write(&self.keys, base, &issuer, now()?)?;

        let mut theirs = self.theirs(site, &text)?;
        if theirs.is_none() && expected.0.is_some() {
            // It fetches key sets in the background; until then it refuses every token.
            theirs = wait::until("kube-apiserver to accept the token", PATIENCE, || {
                Ok(self.theirs(site, &text)?.map(Some))
            })?;
        }
        let review = || {
            let reply = site.login_server.review("v1", &text)?;
            seen_by_login_server(&reply, &issuer, case.maps_uid)
        };
        let is_told =
            |user: &Option<User>| user.as_ref().is_none_or(|user| user.as_str() != OUTAGE);
        let mut ours = review()?;
        if !is_told(&ours) && expected.1.is_none() {
            // The issuer has to confirm an unknown key, and is asked once in ten seconds.
            ours = wait::until("login-server to ask the issuer again", PATIENCE, || {
                Ok(Some(review()?).filter(is_told))
            })?;
        }
        let line = |user: Option<User>| user.map(|user| user.as_str().to_owned());
        let seen = (line(theirs), line(ours));
        ensure!(
            seen == expected,
            "expected (kube-apiserver, login-server) {expected:?}, got {seen:?}"
        );
        Ok(())
    }

    fn theirs(&self, site: &Site, token: &str) -> Result<Option<User>> {
        let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
        let review = json!({
            "apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview",
        });
        // Over HTTP/2 kube-apiserver resets a refused POST before it has read the body, and curl
        // takes that for a failure.
        let curl = self.cluster.curl()?.with_option("--http1.1").with_bearer(token);
        let reply = curl.post_json(&format!("{}{path}", site.api_server.url()), &review)?;
        seen_by_kube_apiserver(&reply)
    }
}

fn now() -> Result<i64> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    Ok(i64::try_from(now.as_secs())?)
}
