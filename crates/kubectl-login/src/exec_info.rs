//! Reads what kubectl says about the call from `KUBERNETES_EXEC_INFO`.
//! Never guesses: an unreadable value is an error; a missing one means that the program is run by
//! hand.

use login_common::exec_credential::{ExecApiVersion, ExecInfo, ExecInfoError};
use serde_json::Value;
use thiserror::Error;

use crate::{
    options::origin::Origin,
    report::{Fault, Reported},
    system::environment::Environment,
};

/// The variable that client-go sets.
pub const VARIABLE: &str = "KUBERNETES_EXEC_INFO";

/// The variable has a value that no client-go sets.
#[derive(Debug, Error)]
#[error("what the host says about this call cannot be used")]
pub struct UnusableExecInfo(#[from] ExecInfoError);

impl Reported for UnusableExecInfo {
    fn fault(&self) -> Fault {
        Fault::Usage
    }

    fn hint(&self) -> Option<String> {
        Some(format!("the variable `{VARIABLE}` is set by kubectl; unset it to run by hand"))
    }
}

/// Reads the variable; `None` if the program is run by hand.
pub fn from_environment(
    environment: &dyn Environment,
) -> Result<Option<ExecInfo>, UnusableExecInfo> {
    match environment.variable(VARIABLE) {
        Some(text) if !text.is_empty() => Ok(Some(ExecInfo::parse(&text.to_string_lossy())?)),
        _ => Ok(None),
    }
}

/// Where the options of a call come from: a kubeconfig, or a command line (typed or in a script).
pub fn typed_origin(info: Option<&ExecInfo>) -> Origin {
    if info.is_some() { Origin::Arguments } else { Origin::CommandLine }
}

/// The version of the response that kubectl asks for.
pub fn api_version(info: Option<&ExecInfo>) -> ExecApiVersion {
    info.map_or(ExecApiVersion::V1, |info| info.api_version)
}

/// The cluster's settings, if kubectl passed any.
pub fn cluster_settings(info: Option<&ExecInfo>) -> Option<&Value> {
    info?.cluster.as_ref()?.config.as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::environment::{NoEnvironment, Overlay};

    fn read(value: &str) -> Result<Option<ExecInfo>, UnusableExecInfo> {
        let variables = [(VARIABLE.to_owned(), value.to_owned())];
        from_environment(&Overlay { variables: &variables, below: &NoEnvironment })
    }

    #[test]
    fn unset_or_empty_means_run_by_hand_and_v1() {
        for info in [from_environment(&NoEnvironment).unwrap(), read("").unwrap()] {
            assert!(info.is_none());
            assert_eq!(typed_origin(info.as_ref()), Origin::CommandLine);
            assert_eq!(api_version(info.as_ref()), ExecApiVersion::V1);
            assert!(cluster_settings(info.as_ref()).is_none());
        }
    }

    #[test]
    fn the_hosts_version_counts_and_nonsense_is_an_error() {
        let v1beta1 = r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1","spec":{"interactive":false}}"#;
        let info = read(&format!("{v1beta1}\n")).unwrap();
        assert_eq!(typed_origin(info.as_ref()), Origin::Arguments);
        assert_eq!(api_version(info.as_ref()), ExecApiVersion::V1Beta1);
        assert!(read("{").is_err());
        assert!(read(&v1beta1.replace("v1beta1", "v1alpha1")).is_err());
    }
}
