//! The exec credential plugin protocol: what client-go passes in `KUBERNETES_EXEC_INFO`, and the
//! one object it expects on stdout (`client.authentication.k8s.io`, v1 and v1beta1).
//! Never answers in another version than the requested one.

use std::fmt::Write as _;

use serde::Deserialize;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::{secret::Secret, time::UnixTime};

/// A version of `client.authentication.k8s.io`. The shapes are the same; the names are not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExecApiVersion {
    /// `client.authentication.k8s.io/v1`
    #[default]
    V1,
    /// `client.authentication.k8s.io/v1beta1`
    V1Beta1,
}

impl ExecApiVersion {
    /// Every version, newest first.
    pub const ALL: [Self; 2] = [Self::V1, Self::V1Beta1];

    /// The text in `apiVersion`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "client.authentication.k8s.io/v1",
            Self::V1Beta1 => "client.authentication.k8s.io/v1beta1",
        }
    }

    /// The version whose `apiVersion` is `text`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.as_str() == text)
    }
}

/// What the host (kubectl) says about the call.
#[derive(Clone, Debug, PartialEq)]
pub struct ExecInfo {
    /// The answer must carry exactly this version.
    pub api_version: ExecApiVersion,
    /// Whether stdin is a terminal that the plugin may read. It forbids no browser.
    pub interactive: bool,
    /// Present when the kubeconfig says `provideClusterInfo: true`.
    pub cluster: Option<ClusterInfo>,
}

/// The cluster that the credential is for (client-go `ConfigToExecCluster`).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClusterInfo {
    /// The URL of the API server.
    pub server: String,
    /// Overrides the host name in certificate checks.
    pub tls_server_name: Option<String>,
    /// About the API server only; never a reason to trust an issuer less carefully.
    pub insecure_skip_tls_verify: bool,
    /// PEM text, decoded from base64.
    pub certificate_authority_data: Option<Vec<u8>>,
    /// The proxy between client and API server.
    pub proxy_url: Option<String>,
    /// The cluster's `client.authentication.k8s.io/exec` extension, of any JSON type.
    pub config: Option<serde_json::Value>,
}

/// Why `KUBERNETES_EXEC_INFO` cannot be used.
#[derive(Debug, Error)]
pub enum ExecInfoError {
    /// Not JSON, or not of this shape.
    #[error("KUBERNETES_EXEC_INFO is not the JSON of an ExecCredential: {0}")]
    Malformed(#[source] serde_json::Error),
    /// Another kind than ExecCredential.
    #[error("KUBERNETES_EXEC_INFO is of kind `{0}`, not `ExecCredential`")]
    WrongKind(String),
    /// A protocol version that this program does not support.
    #[error(
        "KUBERNETES_EXEC_INFO has apiVersion `{0}`; known are \
         `client.authentication.k8s.io/v1` and `client.authentication.k8s.io/v1beta1`"
    )]
    UnknownVersion(String),
    /// `certificate-authority-data` is not base64.
    #[error("KUBERNETES_EXEC_INFO: spec.cluster.certificate-authority-data is not base64")]
    CertificateAuthority,
}

/// client-go's JSON. Unknown fields are ignored, as a newer client-go may add some.
#[derive(Deserialize)]
struct WireInfo {
    #[serde(default)]
    kind: String,
    #[serde(rename = "apiVersion", default)]
    api_version: String,
    #[serde(default)]
    spec: Option<WireSpec>,
}

#[derive(Default, Deserialize)]
struct WireSpec {
    #[serde(default)]
    interactive: bool,
    #[serde(default)]
    cluster: Option<WireCluster>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct WireCluster {
    #[serde(default)]
    server: String,
    #[serde(default)]
    tls_server_name: Option<String>,
    #[serde(default)]
    insecure_skip_tls_verify: bool,
    #[serde(default)]
    certificate_authority_data: Option<String>,
    #[serde(default)]
    proxy_url: Option<String>,
    #[serde(default)]
    config: Option<serde_json::Value>,
}

impl ExecInfo {
    /// Reads the value of `KUBERNETES_EXEC_INFO`.
    pub fn parse(text: &str) -> Result<Self, ExecInfoError> {
        let wire: WireInfo = serde_json::from_str(text).map_err(ExecInfoError::Malformed)?;
        if wire.kind != "ExecCredential" {
            return Err(ExecInfoError::WrongKind(bounded(&wire.kind)));
        }
        let api_version = ExecApiVersion::parse(&wire.api_version)
            .ok_or_else(|| ExecInfoError::UnknownVersion(bounded(&wire.api_version)))?;
        let spec = wire.spec.unwrap_or_default();
        let cluster = spec.cluster.map(ClusterInfo::from_wire).transpose()?;
        Ok(Self { api_version, interactive: spec.interactive, cluster })
    }
}

impl ClusterInfo {
    fn from_wire(wire: WireCluster) -> Result<Self, ExecInfoError> {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        let certificate_authority_data = wire
            .certificate_authority_data
            .map(|text| STANDARD.decode(text).map_err(|_| ExecInfoError::CertificateAuthority))
            .transpose()?;
        Ok(Self {
            server: wire.server,
            tls_server_name: wire.tls_server_name,
            insecure_skip_tls_verify: wire.insecure_skip_tls_verify,
            certificate_authority_data,
            proxy_url: wire.proxy_url,
            config: wire.config,
        })
    }
}

fn bounded(text: &str) -> String {
    text.chars().take(100).collect()
}

/// The answer: a bearer token and the time from which it must not be used.
#[derive(Clone, Debug)]
pub struct ExecCredential {
    /// Sent as `Authorization: Bearer`.
    pub token: Secret,
    /// client-go calls the plugin again after this time and allows no skew; `None` means never.
    pub expires_at: Option<UnixTime>,
}

impl ExecCredential {
    /// Renders the one line for stdout, newline included.
    pub fn render(&self, version: ExecApiVersion) -> Zeroizing<String> {
        // Allocated once: growing would leave copies of the token in memory.
        let mut line = Zeroizing::new(String::with_capacity(self.token.expose().len() * 2 + 256));
        line.push_str("{\"kind\":\"ExecCredential\",\"apiVersion\":\"");
        line.push_str(version.as_str());
        line.push_str("\",\"spec\":{\"interactive\":false},\"status\":{");
        if let Some(moment) = self.expires_at {
            // Writing to a String cannot fail.
            let _ = write!(line, "\"expirationTimestamp\":\"{moment}\",");
        }
        line.push_str("\"token\":");
        push_json_string(&mut line, self.token.expose());
        line.push_str("}}\n");
        line
    }
}

fn push_json_string(line: &mut String, text: &str) {
    line.push('"');
    for character in text.chars() {
        match character {
            '"' => line.push_str("\\\""),
            '\\' => line.push_str("\\\\"),
            character if u32::from(character) < 0x20 => {
                let _ = write!(line, "\\u{:04x}", u32::from(character));
            }
            character => line.push(character),
        }
    }
    line.push('"');
}

#[cfg(test)]
mod tests;
