//! The cluster of a context: how it is reached, and which user it takes a token for.
//! Never uses a cluster's settings for anything but that cluster.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use kubeconfig::context::Context;
use login_common::{Secret, names::IssuerUrl, proxy::Proxies};
use serde::{Deserialize, Serialize};
use url::Url;

use super::failure::CommandError;
use crate::system::{
    cluster_http::{ClusterClient, ClusterConnection},
    file,
    http::HttpError,
};

/// Longest certificate authority and longest answer.
const MAX_LENGTH: usize = 1024 * 1024;

/// Newest first; kubectl tries them in this order, too (`kubectl auth whoami`).
const VERSIONS: [&str; 3] = ["v1", "v1beta1", "v1alpha1"];

/// The user as the cluster sees it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UserInfo {
    /// Never empty.
    pub username: String,
    /// Empty if the authenticator gives none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub uid: String,
    /// As the cluster lists them.
    pub groups: Vec<String>,
    /// By key.
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub extra: std::collections::BTreeMap<String, Vec<String>>,
}

/// A cluster that can be called.
pub struct Cluster {
    server: String,
    client: ClusterClient,
}

impl Cluster {
    /// The cluster of `context`.
    pub fn of(context: &Context, proxies: &Proxies) -> Result<Self, CommandError> {
        let name = &context.cluster_name;
        let wrong = |problem: String| CommandError::Cluster { cluster: name.clone(), problem };
        let entry = context.cluster.as_ref().ok_or_else(|| {
            CommandError::NoCluster(format!(
                "context `{}` names the cluster `{name}`, which no kubeconfig has",
                context.name
            ))
        })?;
        let server = Url::parse(&entry.server)
            .ok()
            .filter(Url::has_host)
            .ok_or_else(|| wrong(format!("`server` is `{}`, which is no URL", entry.server)))?;
        let connection = ClusterConnection {
            authorities: authorities(context).map_err(wrong)?,
            insecure: entry.insecure_skip_tls_verify,
            server_name: entry.tls_server_name.clone().filter(|name| !name.is_empty()),
            proxy: entry.proxy_url.clone().filter(|url| !url.is_empty()),
        };
        if connection.server_name.is_some() && connection.proxy.is_some() {
            return Err(wrong(
                "`tls-server-name` together with `proxy-url` is more than this command can do; \
                 `kubectl auth whoami` can"
                    .to_owned(),
            ));
        }
        let client = ClusterClient::new(&server, &connection, proxies)
            .map_err(|error| wrong(error.to_string()))?;
        Ok(Self { server: entry.server.clone(), client })
    }

    /// Asks the cluster which user it takes `token` for.
    pub async fn review(
        &self,
        token: &Secret,
        issuer: &IssuerUrl,
    ) -> Result<UserInfo, CommandError> {
        let server = || self.server.clone();
        for version in VERSIONS {
            let path = format!("/apis/authentication.k8s.io/{version}/selfsubjectreviews");
            let body = format!(
                r#"{{"apiVersion":"authentication.k8s.io/{version}","kind":"SelfSubjectReview"}}"#
            );
            let answer = self.client.post_json(&path, token, &body, MAX_LENGTH).await.map_err(
                |source: HttpError| CommandError::ClusterUnreachable { server: server(), source },
            )?;
            match answer.status {
                404 => {}
                200 | 201 => return self.user_of(&answer.body),
                401 => {
                    let issuer = issuer.clone();
                    return Err(CommandError::TokenNotAccepted { server: server(), issuer });
                }
                403 => return Err(CommandError::ReviewForbidden(server())),
                status => {
                    return Err(CommandError::ClusterAnswer {
                        server: server(),
                        answer: format!("status {status}"),
                        is_outage: status == 429 || status >= 500,
                    });
                }
            }
        }
        Err(CommandError::NoReview(server()))
    }

    fn user_of(&self, body: &[u8]) -> Result<UserInfo, CommandError> {
        let review = serde_json::from_slice::<Review>(body).ok();
        review.map(|review| review.status.user_info).ok_or_else(|| CommandError::ClusterAnswer {
            server: self.server.clone(),
            answer: "it is no SelfSubjectReview".to_owned(),
            is_outage: false,
        })
    }
}

#[derive(Deserialize)]
struct Review {
    status: ReviewStatus,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReviewStatus {
    user_info: UserInfo,
}

/// client-go's `dataFromSliceOrFile`: data wins over a file.
fn authorities(context: &Context) -> Result<Option<Vec<u8>>, String> {
    let Some(entry) = &context.cluster else { return Ok(None) };
    if let Some(data) = entry.certificate_authority_data.as_ref().filter(|data| !data.is_empty()) {
        return STANDARD
            .decode(data.trim())
            .map(Some)
            .map_err(|_| "`certificate-authority-data` is not base64".to_owned());
    }
    let Some(path) = &entry.certificate_authority else { return Ok(None) };
    file::read(path, MAX_LENGTH as u64)
        .map(|pem| Some(pem.to_vec()))
        .map_err(|error| format!("`certificate-authority` `{}`: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Reported as _;
    use kubeconfig::context::ClusterEntry;

    fn context(cluster: Option<ClusterEntry>) -> Context {
        Context {
            file: "config".into(),
            name: "dev".to_owned(),
            user_name: "u".to_owned(),
            cluster_name: "c".to_owned(),
            cluster,
            user: None,
        }
    }

    #[test]
    fn a_wrong_entry_is_named() {
        let entry = |server: &str| ClusterEntry { server: server.to_owned(), ..Default::default() };
        let https = entry("https://127.0.0.1:1");
        for (cluster, expected) in [
            (None, "names the cluster `c`, which no kubeconfig has"),
            (Some(entry("nonsense")), "which is no URL"),
            (
                Some(ClusterEntry {
                    certificate_authority_data: Some("***".to_owned()),
                    ..https.clone()
                }),
                "is not base64",
            ),
            (
                Some(ClusterEntry {
                    certificate_authority: Some("/dev/null/ca.pem".into()),
                    ..https.clone()
                }),
                "`/dev/null/ca.pem`",
            ),
            (
                Some(ClusterEntry {
                    proxy_url: Some("http://p".to_owned()),
                    tls_server_name: Some("n".to_owned()),
                    ..https
                }),
                "more than this command can do",
            ),
        ] {
            let error = Cluster::of(&context(cluster), &Proxies::default()).err().unwrap();
            assert!(error.to_string().contains(expected), "{error}");
            assert_eq!(error.fault().exit_code(), 2);
        }
    }

    #[test]
    fn the_user_is_read_as_the_cluster_writes_it() {
        let body = br#"{"kind":"SelfSubjectReview","status":{"userInfo":{"username":"alice",
            "groups":["a","b"],"extra":{"k":["v"]},"future":1}}}"#;
        let review: Review = serde_json::from_slice(body).unwrap();
        let user = review.status.user_info;
        assert_eq!((user.username.as_str(), user.groups.len()), ("alice", 2));
        assert_eq!(user.extra["k"], ["v"]);
    }
}
