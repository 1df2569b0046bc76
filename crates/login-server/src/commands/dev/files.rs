//! Writes the files that clients need to use the server, and announces where they are.
//! Never holds a secret itself, only the names of the files that do.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use login_issuer::PUBLIC_CLIENT_ID;
use serde_json::{Value, json};

use super::{
    super::print::{AuthenticationConfig, ExecApi, ExecEntry, WebhookKubeconfig},
    people,
};
use crate::{
    report::Failure,
    system::files::{self, Readers},
};

/// Every address and file.
pub(super) struct Announcement {
    url: String,
    health_url: String,
    folder: PathBuf,
    authority_file: PathBuf,
    webhook_kubeconfig: PathBuf,
    exec_entry: PathBuf,
    authentication_config: PathBuf,
    pub(super) password_file: PathBuf,
    pub(super) secret_file: PathBuf,
}

impl Announcement {
    pub(super) fn new(folder: &Path, url: &str, health_url: &str) -> Self {
        let place = |name: &str| folder.join(name);
        Self {
            url: url.to_owned(),
            health_url: health_url.to_owned(),
            folder: folder.to_owned(),
            authority_file: place("ca.crt"),
            webhook_kubeconfig: place("webhook.kubeconfig"),
            exec_entry: place("exec-entry.yaml"),
            authentication_config: place("authentication-config.yaml"),
            password_file: place("alice.password"),
            secret_file: place("ci.secret"),
        }
    }

    fn webhook_url(&self) -> String {
        format!("{}/authenticate", self.url)
    }

    /// Writes the same files that `print` prints.
    pub(super) fn write_files(&self) -> Result<(), Failure> {
        let webhook = WebhookKubeconfig {
            server: self.webhook_url(),
            certificate_authority: Some(self.authority_file.clone()),
            client_certificate: None,
            client_key: None,
        };
        let exec_entry = ExecEntry {
            issuer_url: self.url.clone(),
            client_id: PUBLIC_CLIENT_ID.to_owned(),
            certificate_authority: Some(self.authority_file.clone()),
            api_version: ExecApi::default(),
            user: PUBLIC_CLIENT_ID.to_owned(),
            flow: None,
            arguments: Vec::new(),
        };
        for (file, content) in [
            (&self.webhook_kubeconfig, webhook.render()?),
            (&self.exec_entry, exec_entry.render()?),
            (&self.authentication_config, AuthenticationConfig::default().render()?),
        ] {
            files::write(file, content.as_bytes(), Readers::Everyone)
                .map_err(|fault| Failure::runtime("could not write a file").because(&fault))?;
        }
        Ok(())
    }

    /// One JSON object, for programs.
    pub(super) fn as_json(&self) -> Value {
        json!({
            "issuerUrl": self.url,
            "clientId": PUBLIC_CLIENT_ID,
            "webhookUrl": self.webhook_url(),
            "healthUrl": self.health_url,
            "certificateAuthorityFile": self.authority_file,
            "stateDir": self.folder,
            "webhookKubeconfig": self.webhook_kubeconfig,
            "execEntry": self.exec_entry,
            "authenticationConfig": self.authentication_config,
            "user": {
                "name": people::USER,
                "passwordFile": self.password_file,
                "groups": [people::USER_GROUP],
            },
            "client": {
                "id": people::CLIENT,
                "secretFile": self.secret_file,
                "groups": [people::CLIENT_GROUP],
            },
        })
    }

    /// The same as text, with the next command to type.
    pub(super) fn for_people(&self) -> String {
        let mut text = String::new();
        let authority = self.authority_file.display();
        for (name, value) in [
            ("issuer", self.url.clone()),
            ("webhook", self.webhook_url()),
            ("health", self.health_url.clone()),
            ("files", self.folder.display().to_string()),
            (
                "user",
                format!(
                    "{} (group {}), password in {}",
                    people::USER,
                    people::USER_GROUP,
                    self.password_file.display()
                ),
            ),
            (
                "machine",
                format!(
                    "{} (group {}), secret in {}",
                    people::CLIENT,
                    people::CLIENT_GROUP,
                    self.secret_file.display()
                ),
            ),
        ] {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{name:>8}  {value}");
        }
        let _ = writeln!(
            text,
            "\nSign in with\n  kubectl-login get-token --issuer-url={} --client-id={PUBLIC_CLIENT_ID} \
             --certificate-authority={authority}\nStop with Ctrl-C.",
            self.url
        );
        text
    }
}
