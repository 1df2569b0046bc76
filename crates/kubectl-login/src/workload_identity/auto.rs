//! `--identity auto`: the first source that the environment offers.
//! Never calls a source: checks only whether a variable is set or a file exists.

use std::path::Path;

use super::{
    IdentityError,
    source::{Offer, Source, Whole},
    sources::{self, SOURCES},
};
use crate::{
    options::target::{IdentityOptions, SourceKind},
    system::{environment::Environment, file},
};

/// The source that the options name, or else the first that is offered here.
pub(super) fn source(
    options: &IdentityOptions,
    environment: &dyn Environment,
) -> Result<&'static Source, IdentityError> {
    let kind = match options.kind {
        SourceKind::Auto => choose(options, environment, file::exists),
        named => Some(named),
    };
    kind.and_then(sources::of).ok_or_else(|| nowhere(environment))
}

/// The error where nothing is offered; names the CI system if it is known.
pub(super) fn nowhere(environment: &dyn Environment) -> IdentityError {
    let is_job_of = |source: &&&Source| {
        let job = source.offer.as_ref().and_then(|offer| offer.job);
        job.is_some_and(|variable| environment.has(variable))
    };
    IdentityError::Nowhere { job_of: SOURCES.iter().find(is_job_of).map(|source| source.kind) }
}

/// An option that names a place names the source, too.
fn choose(
    options: &IdentityOptions,
    environment: &dyn Environment,
    exists: impl Fn(&Path) -> bool,
) -> Option<SourceKind> {
    if options.file.is_some() {
        return Some(SourceKind::File);
    }
    if options.variable.is_some() {
        return Some(SourceKind::Variable);
    }
    if options.command.is_some() {
        return Some(SourceKind::Command);
    }
    let is_whole = |offer: &Offer| match offer.whole {
        Whole::Variable(right) => environment.has(offer.mark) && environment.has(right),
        Whole::File(files) => files.iter().any(|path| exists(Path::new(path))),
    };
    // The error then names what is missing, and how to get it.
    let is_half = |offer: &Offer| match offer.whole {
        Whole::Variable(_) => environment.has(offer.mark),
        Whole::File(_) => false,
    };
    first(is_whole).or_else(|| first(is_half))
}

fn first(is_offered: impl Fn(&Offer) -> bool) -> Option<SourceKind> {
    let is_here = |source: &&&Source| source.offer.as_ref().is_some_and(&is_offered);
    SOURCES.iter().find(is_here).map(|source| source.kind)
}

/// The source that `--identity` could name here, for hints. Checks variables only.
pub fn offered_here(environment: &dyn Environment) -> Option<SourceKind> {
    first(|offer| environment.has(offer.mark))
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
            "KUBECTL_LOGIN_ID_TOKEN",
            "ACTIONS_ID_TOKEN_REQUEST_URL",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
            "SYSTEM_OIDCREQUESTURI",
            "SYSTEM_ACCESSTOKEN",
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
            (&[all[1], all[3], all[4]], &[], Some(SourceKind::AzurePipelines)),
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

    #[test]
    fn a_job_without_an_identity_is_known_by_its_ci_system() {
        let variables = [("GITHUB_ACTIONS".to_owned(), "true".to_owned())];
        let environment = Overlay { variables: &variables, below: &NoEnvironment };
        let job_of = Some(SourceKind::GithubActions);
        assert!(
            matches!(nowhere(&environment), IdentityError::Nowhere { job_of: j } if j == job_of)
        );
        assert!(matches!(nowhere(&NoEnvironment), IdentityError::Nowhere { job_of: None }));
    }
}
