//! What CI systems and clusters call the variables and files that hold an identity.

/// The variable if `--identity-variable` names no other.
pub(super) const GITLAB_VARIABLE: &str = "KUBECTL_LOGIN_ID_TOKEN";

/// The service's address; set for jobs with `permissions: id-token: write`.
pub(super) const GITHUB_ACTIONS_URL: &str = "ACTIONS_ID_TOKEN_REQUEST_URL";

/// The request token; different in each job.
pub(super) const GITHUB_ACTIONS_TOKEN: &str = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";

/// The service's address; set in every job.
pub(super) const AZURE_PIPELINES_URL: &str = "SYSTEM_OIDCREQUESTURI";

/// The request token; a step has it only where the pipeline maps it.
pub(super) const AZURE_PIPELINES_TOKEN: &str = "SYSTEM_ACCESSTOKEN";

/// The service connection that the token is about; set by tasks that use one. Without it the
/// token is about the pipeline.
pub(super) const AZURE_PIPELINES_CONNECTION: &str = "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID";

/// Where the token is if `--identity-file` names no other place: a projected volume as mounted in
/// Kubernetes' documentation, else the token that every pod has, which is for the cluster's own
/// API server.
pub(super) const KUBERNETES_FILES: [&str; 2] = [
    "/var/run/secrets/tokens/kubectl-login",
    "/var/run/secrets/kubernetes.io/serviceaccount/token",
];
