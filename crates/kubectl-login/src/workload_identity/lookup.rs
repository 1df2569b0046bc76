//! Asks a source for the job's identity, before the cache is searched.
//! Never waits for a service: the request token identifies the job well enough.

use super::{IdentityError, auto, command, source::Read, taken::Taken};
use crate::{options::target::IdentityOptions, system::environment::Environment};

/// What the source yields without waiting; `None` where a program has to be run.
pub fn at_once(
    environment: &dyn Environment,
    options: &IdentityOptions,
) -> Result<Option<Taken>, IdentityError> {
    let source = auto::source(options, environment)?;
    match &source.read {
        Read::Token { take, .. } => take(environment, options),
        Read::Service { right, .. } => Ok(Some(Taken::right(source.kind, right, environment))),
    }
}

/// What the source yields. A program is run each time, as its output depends on all that it sees.
pub async fn find(
    environment: &dyn Environment,
    options: &IdentityOptions,
) -> Result<Taken, IdentityError> {
    match at_once(environment, options)? {
        Some(taken) => Ok(taken),
        None => command::take(options).await,
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

    use super::*;
    use crate::{
        options::target::SourceKind,
        system::environment::{NoEnvironment, Overlay},
    };

    fn jwt(claims: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    }

    fn says(options: &IdentityOptions, variables: &[(&str, &str)]) -> String {
        let variables: Vec<(String, String)> = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let environment = Overlay { variables: &variables, below: &NoEnvironment };
        let taken = at_once(&environment, options).unwrap().unwrap();
        assert!(!format!("{taken:?}").contains("hunter"));
        taken.says().to_owned()
    }

    #[test]
    fn a_job_is_told_from_the_next_on_the_same_machine_by_what_it_may_ask_for() {
        let url = ("SYSTEM_OIDCREQUESTURI", "https://a");
        let right = ("SYSTEM_ACCESSTOKEN", "hunter1");
        let azure = IdentityOptions::of(SourceKind::AzurePipelines);
        let auto = IdentityOptions::of(SourceKind::Auto);
        let mut seen = std::collections::HashSet::new();
        for variables in [
            &[url, right][..],
            &[url, ("SYSTEM_ACCESSTOKEN", "hunter2")],
            &[("SYSTEM_OIDCREQUESTURI", "https://b"), right],
            &[url, right, ("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID", "one")],
            &[url, right, ("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID", "two")],
        ] {
            assert!(seen.insert(says(&azure, variables)), "{variables:?}");
            assert_eq!(says(&azure, variables), says(&auto, variables));
        }
        let github = IdentityOptions::of(SourceKind::GithubActions);
        for right in ["hunter1", "hunter2"] {
            let variables = [("ACTIONS_ID_TOKEN_REQUEST_TOKEN", right)];
            assert!(seen.insert(says(&github, &variables)));
        }
    }

    #[test]
    fn a_token_is_known_by_what_it_says_and_not_by_its_moment() {
        let gitlab = IdentityOptions::of(SourceKind::Gitlab);
        let of = |text: &str| says(&gitlab, &[("KUBECTL_LOGIN_ID_TOKEN", text)]);
        let first = of(&jwt(r#"{"iss":"i","sub":"a","aud":"k","iat":1,"exp":2,"jti":"x"}"#));
        let later = of(&jwt(r#"{"iss":"i","sub":"a","aud":"k","iat":3,"exp":4,"jti":"y"}"#));
        assert_eq!(first, later);
        let mut seen = std::collections::HashSet::from([first]);
        for claims in [
            r#"{"iss":"j","sub":"a","aud":"k"}"#,
            r#"{"iss":"i","sub":"b","aud":"k"}"#,
            r#"{"iss":"i","sub":"a","aud":"l"}"#,
            r#"{"iss":"i","sub":"a","aud":"k","ref_protected":"true"}"#,
            r#"{"iss":"i","sub":"a","aud":"k","kubernetes.io":{"pod":{"uid":"1"},"warnafter":1}}"#,
            r#"{"iss":"i","sub":"a","aud":"k","kubernetes.io":{"pod":{"uid":"2"},"warnafter":1}}"#,
            // Without a subject only the whole token identifies the job.
            r#"{"iss":"i","iat":1}"#,
            r#"{"iss":"i","iat":2}"#,
        ] {
            assert!(seen.insert(of(&jwt(claims))), "{claims}");
        }
        for opaque in ["hunter1", "hunter2", "a.b.c", "a.b.c.d.e"] {
            assert!(seen.insert(of(opaque)), "{opaque}");
        }
        assert_eq!(of("hunter1"), of(" hunter1\n"));
    }

    #[test]
    fn a_file_is_known_by_its_content_wherever_it_is() {
        let scratch = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = scratch.path().join(name);
            crate::system::kubeconfig_file::replace(&path, text).unwrap();
            IdentityOptions { file: Some(path), ..IdentityOptions::of(SourceKind::File) }
        };
        let one = says(&file("a", &jwt(r#"{"sub":"one"}"#)), &[]);
        assert_eq!(says(&file("b", &jwt(r#"{"sub":"one"}"#)), &[]), one);
        // The same path, but another job.
        assert_ne!(says(&file("a", &jwt(r#"{"sub":"two"}"#)), &[]), one);
    }

    #[test]
    fn a_program_is_asked() {
        let command = Some(crate::options::program::ProgramLine::of("mint"));
        let options = IdentityOptions { command, ..IdentityOptions::of(SourceKind::Command) };
        assert_eq!(at_once(&NoEnvironment, &options).unwrap(), None);
    }
}
