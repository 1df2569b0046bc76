//! `login SERVER-URL`: takes all settings but the address from what the server publishes.
//! Never trusts a server that TLS does not authenticate; never accepts a secret from one.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use clap::ArgMatches;
use login_common::{
    client_configuration::{self, ClientConfiguration, ClientConfigurationError},
    exec_entry::ExecEntry,
    lists,
    names::{IssuerUrl, NameError},
    pem,
};
use thiserror::Error;
use url::Url;

use super::{
    login,
    user_entry::{self, NewEntry, Plan},
};
use crate::{
    flows::{FlowError, LocalError, local},
    options::{
        arguments,
        configuration::Configuration,
        fault::OptionError,
        layers::{Layers, Settings},
        origin::Origin,
        table::{Applies, Name, row_of},
        target::{CertificateAuthority, Target},
        typed::Typed,
    },
    report::{Failure, Fault, Reported},
    system::{
        System, configuration,
        http::{self, HttpClient, HttpError},
        kubeconfig_file,
    },
    user_entries::entry,
};

/// Longest base64 of authorities that goes into an entry, and so into a program's arguments, which
/// Windows limits to 32,767 characters.
const MAX_EMBEDDED: usize = 16 * 1024;

/// Why the server's address was not sufficient.
#[derive(Debug, Error)]
pub enum ServerError {
    /// The address cannot be used.
    #[error("`{address}` is not the address of a server")]
    Address {
        /// As typed.
        address: String,
        /// Why.
        #[source]
        source: NameError,
    },
    /// The server did not answer.
    #[error("could not reach the server `{server}`")]
    Unreachable {
        /// Its URL.
        server: IssuerUrl,
        /// Why.
        #[source]
        source: HttpError,
    },
    /// The server has an outage.
    #[error("the server `{server}` is out of order: it answered with status {status}")]
    OutOfOrder {
        /// Its URL.
        server: IssuerUrl,
        /// HTTP status.
        status: u16,
    },
    /// The server publishes no client configuration.
    #[error("`{server}` does not say how to sign in: it answered with status {status}")]
    Silent {
        /// Its URL.
        server: IssuerUrl,
        /// HTTP status.
        status: u16,
    },
    /// The answer is not a client configuration.
    #[error("`{server}` does not say how to sign in")]
    Foreign {
        /// Its URL.
        server: IssuerUrl,
        /// What is wrong with it.
        #[source]
        source: ClientConfigurationError,
    },
}

impl Reported for ServerError {
    fn fault(&self) -> Fault {
        match self {
            Self::Address { .. }
            | Self::Silent { .. }
            | Self::Foreign { .. }
            | Self::Unreachable {
                source: HttpError::NotConfidential(_) | HttpError::Proxy(_),
                ..
            } => Fault::Usage,
            Self::Unreachable { .. } | Self::OutOfOrder { .. } => Fault::Unreachable,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(self.advice())
    }
}

impl ServerError {
    fn advice(&self) -> String {
        match self {
            Self::Address { .. } => {
                "an address is `https://HOST`, with `:PORT` or a path where the server has one"
                    .to_owned()
            }
            Self::Unreachable { source, .. } if source.is_untrusted() => {
                "if its certificate comes from an authority of your own, name that with \
                 `--certificate-authority`"
                    .to_owned()
            }
            Self::Unreachable { source, .. } if source.hint().is_some() => {
                source.hint().unwrap_or_default()
            }
            Self::Unreachable { .. } | Self::OutOfOrder { .. } => {
                "try again when it answers, or ask who runs it".to_owned()
            }
            Self::Silent { .. } | Self::Foreign { .. } => {
                "if it is an OpenID provider and no login-server, use `kubectl-login setup \
                 --issuer-url … --client-id …`"
                    .to_owned()
            }
        }
    }
}

/// Fetches the configuration of the server at `address`, writes the user entry, signs in.
pub fn run(system: &System<'_>, matches: &ArgMatches, address: &str) -> Result<(), Failure> {
    let server = server_at(address)?;
    let typed = arguments::typed(matches);
    let configuration = configuration::read(system.environment)?;
    let (published, typed) = {
        let mut probe = typed.without(&[Name::IssuerUrl]);
        // The user named that server, but not what the server names.
        probe.push(Name::IssuerUrl, server.as_str().to_owned());
        probe.push(Name::ClientId, "kubectl-login".to_owned());
        let settings = resolved(system, &probe, configuration.as_ref())?;
        let target = Target::check(&settings, system.environment)?;
        (fetch(system, &target)?, embedded(system, typed, &target)?)
    };
    system.terminal.say(&format!(
        "{server} says: sign in at {} as a user of the client `{}`.",
        published.issuer, published.client_id
    ));
    check_issuer(&published, &typed)?;
    let wanted_options = combined(&published, &typed);
    let kept_options = wanted_options.applying(Applies::Always);
    let arguments = entry::arguments(&kept_options, kubeconfig_file::absolute)?;
    let mut settings = resolved(system, &wanted_options, configuration.as_ref())?;
    attribute(&mut settings, &server, &published, &typed);
    let target = Target::check(&settings, system.environment)?;
    let host = user_entry::host_of(server.as_str());
    let wanted = NewEntry::of(matches, &host, ExecEntry::new(arguments).to_value());
    let plan = Plan::of(system, &wanted)?;
    if matches.get_flag("dry-run") {
        return plan.show(system);
    }
    let obstacles = user_entry::obstacles(system, &kept_options, configuration.as_ref())?;
    user_entry::check_issuer(system, &target)?;
    plan.carry_out(system)?;
    login::sign_in(system, &target)?;
    plan.say_next(system, &obstacles);
    Ok(())
}

/// Replaces typed authority files by their content, so that the entry works wherever kubectl does.
fn embedded(system: &System<'_>, typed: Typed, target: &Target) -> Result<Typed, Failure> {
    if !typed.has(Name::CertificateAuthority) {
        return Ok(typed);
    }
    let failed = |source| Failure::from(FlowError::CertificateAuthority(source).with_hint(target));
    let mut certificates = Vec::new();
    for authority in &target.connection.certificate_authorities {
        if let CertificateAuthority::File(path) = authority {
            let text = local::read(path).map_err(failed)?;
            let found = pem::certificates(&text).map_err(|fault| {
                failed(LocalError::Http(HttpError::CertificateAuthorityText(fault)))
            })?;
            certificates.extend(found.into_iter().map(|(_, certificate)| certificate));
        }
    }
    let data = STANDARD.encode(pem::text_of(&certificates));
    if data.len() > MAX_EMBEDDED {
        system
            .terminal
            .say("The authority's file is too long for the entry, which names its place instead.");
        return Ok(typed);
    }
    let mut embedded = typed.without(&[Name::CertificateAuthority]);
    embedded.push(Name::CertificateAuthorityData, data);
    Ok(embedded)
}

/// `--issuer-url` beside an address names the issuer that may receive what options and variables
/// hold.
fn check_issuer(published: &ClientConfiguration, typed: &Typed) -> Result<(), OptionError> {
    match typed.of(Name::IssuerUrl).last() {
        Some(given) if given != published.issuer.as_str() => {
            let problem = format!("the server says `{}`", published.issuer);
            Err(OptionError::new(row_of(Name::IssuerUrl), &Origin::CommandLine, problem))
        }
        _ => Ok(()),
    }
}

/// Marks which values came from the server and not from the user.
fn attribute(
    settings: &mut Settings,
    server: &IssuerUrl,
    published: &ClientConfiguration,
    typed: &Typed,
) {
    let is_issuer = published.issuer == *server;
    let origin = Origin::Server { address: server.to_string(), is_issuer };
    settings.attribute(&said_by(published).beneath(&heard(published, typed)), &origin);
}

/// `https://` may be omitted, and a trailing slash is ignored.
fn server_at(address: &str) -> Result<IssuerUrl, ServerError> {
    let whole =
        if address.contains("://") { address.to_owned() } else { format!("https://{address}") };
    IssuerUrl::parse(whole.trim_end_matches('/'))
        .map_err(|source| ServerError::Address { address: address.to_owned(), source })
}

/// The published configuration as options.
fn said_by(published: &ClientConfiguration) -> Typed {
    let mut said = Typed::default();
    said.push(Name::IssuerUrl, published.issuer.as_str().to_owned());
    said.push(Name::ClientId, published.client_id.as_str().to_owned());
    if !published.scopes.is_empty() {
        said.push(Name::Scope, lists::joined(published.scopes.iter().map(String::as_str)));
    }
    if let Some(data) = &published.certificate_authority_data {
        said.push(Name::CertificateAuthorityData, data.clone());
    }
    said
}

/// The typed options that apply: the authorities that the server publishes for its issuer replace
/// typed ones, which the user gave for the server's address.
fn heard(published: &ClientConfiguration, typed: &Typed) -> Typed {
    match published.certificate_authority_data {
        Some(_) => typed.without(&[Name::CertificateAuthority, Name::CertificateAuthorityData]),
        None => typed.clone(),
    }
}

/// The published configuration, overridden by typed options.
fn combined(published: &ClientConfiguration, typed: &Typed) -> Typed {
    let mut combined = said_by(published);
    combined.replace_by(&heard(published, typed));
    combined.in_table_order()
}

fn resolved(
    system: &System<'_>,
    typed: &Typed,
    configuration: Option<&Configuration>,
) -> Result<Settings, Failure> {
    let settings = Settings::resolve(&Layers {
        typed,
        typed_origin: &Origin::CommandLine,
        environment: system.environment,
        cluster: None,
        configuration,
    })?;
    // Without verification, any host that answers could name an issuer to sign in at.
    if let Some(origin) = settings.origin(Name::InsecureSkipTlsVerify)
        && settings.switch(Name::InsecureSkipTlsVerify)?
    {
        let row = row_of(Name::InsecureSkipTlsVerify);
        let problem = "what a server says about signing in counts only when TLS vouches for it";
        return Err(OptionError::new(row, origin, problem).into());
    }
    Ok(settings)
}

/// Fetches the configuration. `server` is the issuer of the target: it is reached in the same way.
fn fetch(system: &System<'_>, server: &Target) -> Result<ClientConfiguration, Failure> {
    let failed = |error: FlowError| Failure::from(error.with_hint(server));
    let options = local::http_options(&server.connection).map_err(failed)?;
    let http = HttpClient::new(options, http::proxies(system.environment))
        .map_err(|error| failed(FlowError::of_options(error)))?;
    let name = || server.issuer.clone();
    let unreachable = |source| ServerError::Unreachable { server: name(), source };
    let address = format!("{}{}", server.issuer, client_configuration::PATH);
    let url = Url::parse(&address).map_err(|_| ServerError::Address {
        address: address.clone(),
        source: NameError::NotAUrl(address.clone()),
    })?;
    system.terminal.detail(&format!("kubectl-login: reading {url}"));
    let work = async {
        let answer =
            http.fetch(&url, client_configuration::MAX_LENGTH).await.map_err(unreachable)?;
        let (server, status) = (name(), answer.status);
        match status {
            200 => ClientConfiguration::parse(&answer.body)
                .map_err(|source| ServerError::Foreign { server, source }.into()),
            408 | 425 | 429 | 500.. => Err(ServerError::OutOfOrder { server, status }.into()),
            _ => Err(ServerError::Silent { server, status }.into()),
        }
    };
    user_entry::run(work, || failed(FlowError::Cancelled))
}

#[cfg(test)]
mod tests {
    use login_common::names::ClientId;

    use super::*;

    #[test]
    fn an_address_may_lack_its_scheme_and_must_be_confidential() {
        for (address, expected) in [
            ("https://login.example.com", "https://login.example.com"),
            ("login.example.com:8443/", "https://login.example.com:8443"),
            ("https://example.com/login//", "https://example.com/login"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ] {
            assert_eq!(server_at(address).unwrap().as_str(), expected);
        }
        for address in ["http://login.example.com", "https://a?b", "", "a b", "ftp://x"] {
            assert_eq!(server_at(address).unwrap_err().fault(), Fault::Usage, "{address}");
        }
    }

    #[test]
    fn no_secret_goes_to_an_issuer_that_only_a_server_names() {
        use std::error::Error as _;

        use crate::system::environment::{NoEnvironment, Overlay};
        let server = IssuerUrl::parse("https://s.example").unwrap();
        let outcome = |issuer: &str, typed: &[(Name, &str)], variables: &[(&str, &str)]| {
            let published = ClientConfiguration {
                issuer: IssuerUrl::parse(issuer).unwrap(),
                client_id: ClientId::parse("k").unwrap(),
                scopes: vec!["a".to_owned()],
                certificate_authority_data: None,
            };
            let mut words = Typed::default();
            for (name, value) in typed {
                words.push(*name, (*value).to_owned());
            }
            let variables: Vec<(String, String)> = variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect();
            let environment = Overlay { variables: &variables, below: &NoEnvironment };
            let system = System {
                clock: &crate::system::clock::HostClock,
                environment: &environment,
                terminal: &crate::system::terminal::Stderr { verbose: false },
            };
            check_issuer(&published, &words).map_err(|error| error.to_string())?;
            let mut settings = resolved(&system, &combined(&published, &words), None).unwrap();
            attribute(&mut settings, &server, &published, &words);
            match Target::check(&settings, &environment) {
                Ok(target) => Ok(target.client_secret.is_some()),
                Err(error) => Err(format!("{error}: {}", error.source().unwrap())),
            }
        };
        let (own, other) = ("https://s.example", "https://id.example");
        let secret = ("KUBECTL_LOGIN_CLIENT_SECRET", "s");
        for issuer in [own, other] {
            for variables in [
                secret,
                ("KUBECTL_LOGIN_REQUEST_HEADER", "A=b"),
                ("KUBECTL_LOGIN_PASSWORD", "p"),
                ("KUBECTL_LOGIN_IDENTITY", "github-actions"),
                ("KUBECTL_LOGIN_CLIENT_CERTIFICATE", "/c"),
            ] {
                let refused = outcome(issuer, &[], &[variables]).unwrap_err();
                assert!(
                    refused.contains("is named by the server `https://s.example`"),
                    "{refused}"
                );
            }
            assert_eq!(outcome(issuer, &[], &[]), Ok(false));
            assert_eq!(outcome(issuer, &[(Name::IssuerUrl, issuer)], &[secret]), Ok(true));
            let variable = ("KUBECTL_LOGIN_ISSUER_URL", issuer);
            assert_eq!(outcome(issuer, &[], &[secret, variable]), Ok(true));
        }
        let typed = [(Name::ClientSecretFile, "/s")];
        assert_eq!(outcome(own, &typed, &[]), Ok(true));
        assert!(outcome(other, &typed, &[]).is_err());
        let authority = [(Name::CertificateAuthority, "/ca")];
        assert_eq!(outcome(own, &authority, &[]), Ok(false));
        let said = outcome(own, &[(Name::IssuerUrl, other)], &[]).unwrap_err();
        assert!(said.contains("`--issuer-url`"), "{said}");
    }

    #[test]
    fn a_server_that_tls_does_not_vouch_for_is_not_asked() {
        use crate::{
            commands::command_line,
            system::environment::{NoEnvironment, Overlay},
        };
        let variable = [("KUBECTL_LOGIN_INSECURE_SKIP_TLS_VERIFY".to_owned(), "true".to_owned())];
        for (line, variables) in [
            ("login https://a.invalid --insecure-skip-tls-verify", &[][..]),
            ("login https://a.invalid", &variable[..]),
        ] {
            let words: Vec<std::ffi::OsString> = line.split(' ').map(Into::into).collect();
            let (entry, matches) =
                command_line::parse(command_line::Invocation::Program, &words).unwrap();
            let system = System {
                clock: &crate::system::clock::HostClock,
                environment: &Overlay { variables, below: &NoEnvironment },
                terminal: &crate::system::terminal::Stderr { verbose: false },
            };
            let failure = (entry.run)(&system, &matches).unwrap_err();
            assert_eq!(failure.fault(), Fault::Usage, "{line}");
            assert!(failure.to_string().contains("insecure-skip-tls-verify"), "{failure}");
        }
    }

    #[test]
    fn an_authority_that_cannot_be_used_is_no_fault_of_the_server() {
        use crate::{commands::command_line, report::Report, system::environment::NoEnvironment};
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("ca.crt");
        for (text, reason) in [
            ("no certificate\n", "no PEM text with certificates"),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n", "line 1: begins what does not end"),
        ] {
            kubeconfig_file::replace(&path, text).unwrap();
            let line =
                format!("login https://a.invalid --certificate-authority={}", path.display());
            let words: Vec<std::ffi::OsString> = line.split(' ').map(Into::into).collect();
            let (entry, matches) =
                command_line::parse(command_line::Invocation::Program, &words).unwrap();
            let system = System {
                clock: &crate::system::clock::HostClock,
                environment: &NoEnvironment,
                terminal: &crate::system::terminal::Stderr { verbose: false },
            };
            let failure = (entry.run)(&system, &matches).unwrap_err();
            assert_eq!(failure.fault(), Fault::Usage, "{failure}");
            let report = Report::from(&failure).to_string();
            assert!(report.contains(reason), "{report}");
            assert!(report.contains("check `--certificate-authority`"), "{report}");
        }
    }

    #[test]
    fn what_was_typed_comes_on_top_of_what_is_published_but_for_the_authority() {
        let published = ClientConfiguration {
            issuer: IssuerUrl::parse("https://id.example").unwrap(),
            client_id: ClientId::parse("k").unwrap(),
            scopes: vec!["a".to_owned(), "b".to_owned()],
            certificate_authority_data: Some("QUJD".to_owned()),
        };
        let mut typed = Typed::default();
        typed.push(Name::CertificateAuthority, "ca.crt".to_owned());
        typed.push(Name::Flow, "device".to_owned());
        typed.push(Name::BrowserCommand, "firefox".to_owned());
        let written = |published: &ClientConfiguration| {
            let kept = combined(published, &typed).applying(Applies::Always);
            entry::arguments(&kept, ToOwned::to_owned).unwrap().join(" ")
        };
        assert_eq!(
            written(&published),
            "--issuer-url=https://id.example --client-id=k --scope=a,b --flow=device \
             --certificate-authority-data=QUJD"
        );
        let bare = ClientConfiguration {
            scopes: Vec::new(),
            certificate_authority_data: None,
            ..published
        };
        assert_eq!(
            written(&bare),
            "--issuer-url=https://id.example --client-id=k --flow=device \
             --certificate-authority=ca.crt"
        );
    }
}
