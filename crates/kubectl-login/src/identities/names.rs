//! What CI systems and clusters call the variables and files that hold an identity.

/// The variable when `--identity-variable` names no other.
pub(super) const GITLAB_VARIABLE: &str = "KUBECTL_LOGIN_ID_TOKEN";

/// Where to ask; set for jobs with `permissions: id-token: write`.
pub(super) const GITHUB_ACTIONS_URL: &str = "ACTIONS_ID_TOKEN_REQUEST_URL";

/// The right to ask; another one in each job.
pub(super) const GITHUB_ACTIONS_TOKEN: &str = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";

/// Where to ask; set in every job.
pub(super) const AZURE_PIPELINES_URL: &str = "SYSTEM_OIDCREQUESTURI";

/// The right to ask; a step has it only where the pipeline maps it.
pub(super) const AZURE_PIPELINES_TOKEN: &str = "SYSTEM_ACCESSTOKEN";

/// Which service connection the token shall be about; set by tasks that use one. Without it the
/// token is about the pipeline.
pub(super) const AZURE_PIPELINES_CONNECTION: &str = "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID";

/// Where it is when `--identity-file` names no other place: a projected volume as Kubernetes'
/// documentation mounts it, else the one that every pod has, which is for the cluster's own API
/// server.
pub(super) const KUBERNETES_FILES: [&str; 2] = [
    "/var/run/secrets/tokens/kubectl-login",
    "/var/run/secrets/kubernetes.io/serviceaccount/token",
];
