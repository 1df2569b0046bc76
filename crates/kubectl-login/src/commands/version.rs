//! `version`: what this program is.
//! Never asks anybody.

/// One line of text, or one of JSON.
pub fn text(json: bool) -> String {
    let version = env!("CARGO_PKG_VERSION");
    if json {
        let facts = serde_json::json!({
            "version": version,
            "os": std::env::consts::OS,
            "architecture": std::env::consts::ARCH,
            "execApiVersions": login_common::exec_credential::ExecApiVersion::ALL
                .map(login_common::exec_credential::ExecApiVersion::as_str),
        });
        format!("{facts}\n")
    } else {
        format!("kubectl-login {version}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_name_the_version() {
        assert_eq!(text(false), format!("kubectl-login {}\n", env!("CARGO_PKG_VERSION")));
        let json: serde_json::Value = serde_json::from_str(&text(true)).unwrap();
        assert_eq!(json["version"], env!("CARGO_PKG_VERSION"));
        assert_eq!(json["execApiVersions"][0], "client.authentication.k8s.io/v1");
    }
}
