//! What kubectl says about the call, from `KUBERNETES_EXEC_INFO`.
//! Never guesses: a value that cannot be read is an error, none at all means run by hand.

use login_common::exec_credential::{ExecApiVersion, ExecInfo, ExecInfoError};

use crate::{options::layers::Origin, system::environment::Environment};

/// The variable that client-go sets.
pub const VARIABLE: &str = "KUBERNETES_EXEC_INFO";

/// Who says the options of this call: a kubeconfig, or somebody at a terminal or in a script.
pub fn typed_origin(environment: &dyn Environment) -> Origin {
    if environment.has(VARIABLE) { Origin::Arguments } else { Origin::CommandLine }
}

/// Reads the variable. Run by hand, the answer is v1 and stdin is the person's own.
pub fn from_environment(environment: &dyn Environment) -> Result<ExecInfo, ExecInfoError> {
    match environment.variable(VARIABLE) {
        Some(text) if !text.is_empty() => ExecInfo::parse(&text.to_string_lossy()),
        _ => Ok(ExecInfo { api_version: ExecApiVersion::V1, interactive: true, cluster: None }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::environment::{NoEnvironment, Overlay};

    fn read(value: &str) -> Result<ExecInfo, ExecInfoError> {
        let variables = [(VARIABLE.to_owned(), value.to_owned())];
        from_environment(&Overlay { variables: &variables, below: &NoEnvironment })
    }

    #[test]
    fn unset_or_empty_means_run_by_hand_and_v1() {
        for info in [from_environment(&NoEnvironment).unwrap(), read("").unwrap()] {
            assert_eq!(info.api_version, ExecApiVersion::V1);
            assert!(info.cluster.is_none());
        }
    }

    #[test]
    fn the_hosts_version_counts_and_nonsense_is_an_error() {
        let v1beta1 = r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1","spec":{"interactive":false}}"#;
        assert_eq!(read(&format!("{v1beta1}\n")).unwrap().api_version, ExecApiVersion::V1Beta1);
        assert!(read("{").is_err());
        assert!(read(&v1beta1.replace("v1beta1", "v1alpha1")).is_err());
    }
}
