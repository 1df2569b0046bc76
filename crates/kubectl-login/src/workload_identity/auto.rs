//! `--identity auto`: the first source that the environment offers.
//! Never calls a source: checks only whether a variable is set or a file exists.

use std::path::Path;

use super::{IdentityError, names};
use crate::{
    options::target::{IdentityOptions, SourceKind},
    system::{environment::Environment, file},
};

/// The order: the source that an option names; the variable that a job sets for this program; the
/// services of GitHub Actions and Azure Pipelines, where the job may call them; last the service
/// account, since nearly every pod has one and a job with another identity rarely wants it.
pub(super) fn find(
    options: &IdentityOptions,
    environment: &dyn Environment,
) -> Result<SourceKind, IdentityError> {
    choose(options, environment, file::exists).ok_or_else(|| IdentityError::nowhere(environment))
}

fn choose(
    options: &IdentityOptions,
    environment: &dyn Environment,
    exists: impl Fn(&Path) -> bool,
) -> Option<SourceKind> {
    if options.file.is_some() {
        Some(SourceKind::File)
    } else if options.variable.is_some() {
        Some(SourceKind::Variable)
    } else if options.command.is_some() {
        Some(SourceKind::Command)
    } else {
        let is_mounted = || names::KUBERNETES_FILES.map(Path::new).into_iter().any(exists);
        by_variables(environment, Offer::Whole)
            .or_else(|| is_mounted().then_some(SourceKind::Kubernetes))
            // The error then names what is missing, and how to get it.
            .or_else(|| by_variables(environment, Offer::Half))
    }
}

/// How much of a source is available.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Offer {
    /// Everything that it needs.
    Whole,
    /// The variable that identifies the CI system; the request token may be missing.
    Half,
}

fn by_variables(environment: &dyn Environment, offer: Offer) -> Option<SourceKind> {
    [
        (names::GITLAB_VARIABLE, names::GITLAB_VARIABLE, SourceKind::Gitlab),
        (names::GITHUB_ACTIONS_URL, names::GITHUB_ACTIONS_TOKEN, SourceKind::GithubActions),
        (names::AZURE_PIPELINES_URL, names::AZURE_PIPELINES_TOKEN, SourceKind::AzurePipelines),
    ]
    .into_iter()
    .find_map(|(mark, right, kind)| {
        let is_offered = environment.has(mark) && (offer == Offer::Half || environment.has(right));
        is_offered.then_some(kind)
    })
}

/// The source that `--identity` could name here, for hints. Checks variables only.
pub fn offered_here(environment: &dyn Environment) -> Option<SourceKind> {
    by_variables(environment, Offer::Half).or_else(|| {
        // kubelet sets it in every pod.
        environment.has("KUBERNETES_SERVICE_HOST").then_some(SourceKind::Kubernetes)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        options::program::ProgramLine,
        system::environment::{NoEnvironment, Overlay},
    };

    fn chosen(variables: &[&str], files: &[&str], options: &IdentityOptions) -> Option<SourceKind> {
        let variables: Vec<(String, String)> =
            variables.iter().map(|name| ((*name).to_owned(), "x".to_owned())).collect();
        let environment = Overlay { variables: &variables, below: &NoEnvironment };
        choose(options, &environment, |path| files.contains(&path.to_str().unwrap()))
    }

    #[test]
    fn the_first_source_that_is_here_is_taken_in_the_documented_order() {
        let all = [
            names::GITLAB_VARIABLE,
            names::GITHUB_ACTIONS_URL,
            names::GITHUB_ACTIONS_TOKEN,
            names::AZURE_PIPELINES_URL,
            names::AZURE_PIPELINES_TOKEN,
        ];
        let token = ["/var/run/secrets/kubernetes.io/serviceaccount/token"];
        let plain = IdentityOptions::of(SourceKind::Auto);
        for (variables, files, expected) in [
            (&all[..], &token[..], Some(SourceKind::Gitlab)),
            (&all[1..], &token, Some(SourceKind::GithubActions)),
            (&all[3..], &token, Some(SourceKind::AzurePipelines)),
            // Without the request token, the next source; with no other source, a hint how to get
            // it.
            (&all[1..2], &token, Some(SourceKind::Kubernetes)),
            (&[names::GITHUB_ACTIONS_URL, all[3], all[4]], &[], Some(SourceKind::AzurePipelines)),
            (&all[3..4], &[], Some(SourceKind::AzurePipelines)),
            (&[], &token, Some(SourceKind::Kubernetes)),
            (&[], &["/var/run/secrets/tokens/kubectl-login"], Some(SourceKind::Kubernetes)),
            (&[], &[], None),
        ] {
            assert_eq!(chosen(variables, files, &plain), expected);
        }
        let file = IdentityOptions { file: Some("f".into()), ..plain.clone() };
        assert_eq!(chosen(&all, &token, &file), Some(SourceKind::File));
        let variable = IdentityOptions { variable: Some("V".into()), ..plain.clone() };
        assert_eq!(chosen(&all, &token, &variable), Some(SourceKind::Variable));
        let command = IdentityOptions { command: Some(ProgramLine::of("c")), ..plain };
        assert_eq!(chosen(&all, &token, &command), Some(SourceKind::Command));
    }

    #[test]
    fn a_hint_names_what_the_variables_show() {
        let offered = |name: &str| {
            let variables = [(name.to_owned(), "x".to_owned())];
            offered_here(&Overlay { variables: &variables, below: &NoEnvironment })
        };
        assert_eq!(offered("ACTIONS_ID_TOKEN_REQUEST_URL"), Some(SourceKind::GithubActions));
        assert_eq!(offered("SYSTEM_OIDCREQUESTURI"), Some(SourceKind::AzurePipelines));
        assert_eq!(offered("KUBECTL_LOGIN_ID_TOKEN"), Some(SourceKind::Gitlab));
        assert_eq!(offered("KUBERNETES_SERVICE_HOST"), Some(SourceKind::Kubernetes));
        assert_eq!(offered("PATH"), None);
    }
}
