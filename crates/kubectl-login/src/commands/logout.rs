//! `logout`: ends a session at its issuer (RFC 7009) and removes it here.
//! Never keeps a session because its issuer cannot be reached, and never reports that one ended
//! unless the issuer confirmed it.

use std::{path::Path, time::Duration};

use clap::{Arg, ArgAction, ArgMatches, Command};
use login_cache::{
    entry::Entry,
    freshness::Freshness,
    renewal_lock::{self, Taken},
    sessions::{self, Authority, SessionRecord},
    store::Directory,
};
use login_common::{Secret, UnixTime};
use login_protocols::oauth2::{error::presentable, revocation::TokenTypeHint};
use url::Url;

use super::{
    chosen::{self, Chosen},
    session_state::Facts,
};
use crate::{
    flows::{
        FlowError,
        issuer_client::{Age, IssuerClient},
    },
    options::{
        fault::OptionError,
        layers::{Layers, Settings},
        origin::Origin,
        table::Name,
        target::Target,
        typed::Typed,
    },
    report::{Failure, NotWritten, Report},
    system::{
        System,
        environment::NoEnvironment,
        keyring::{self, Prompt},
        runtime,
    },
    user_entries,
};

/// How long to wait for a renewal in progress.
const PATIENCE: Duration = Duration::from_secs(15);

/// Its arguments.
pub fn definition() -> Command {
    chosen::with_choice(Command::new("logout"))
        .about("End the session of the current context, here and at its issuer")
        .arg(
            Arg::new("all")
                .long("all")
                .action(ArgAction::SetTrue)
                .help("End every session on this machine"),
        )
        .after_help(format!(
            "The session is always forgotten here. Exit codes: 0 the issuer ended it or cannot \
             end such sessions, or could not be told, with a warning, as the key that seals the \
             refresh token is gone; 1 the issuer refused to, 4 the issuer could not be reached.\n\n{}",
            chosen::REST_OF_OPTIONS
        ))
}

/// Signs out.
pub fn run(system: &System<'_>, matches: &ArgMatches) -> Result<(), Failure> {
    if matches.get_flag("all") {
        return every(system, matches);
    }
    let chosen = Chosen::of(system, matches)?;
    chosen.within(system, |system| one(system, &chosen.target))
}

fn every(system: &System<'_>, matches: &ArgMatches) -> Result<(), Failure> {
    let chosen = of_contexts(system, matches);
    let mut directories: Vec<_> =
        chosen.iter().filter_map(|chosen| chosen.target.cache_directory.clone()).collect();
    directories.extend(chosen::cache_directory(system, matches)?);
    directories.sort();
    directories.dedup();
    let mut worst = None;
    let mut count = 0;
    for directory in directories {
        for record in sessions::list(&Directory::new(directory.clone())) {
            count += 1;
            // A context has the client's secret, which no record holds.
            let known = chosen.iter().find(|chosen| {
                chosen.target.cache_key == record.key
                    && chosen.target.cache_directory.as_ref() == Some(&directory)
            });
            let outcome = match known {
                Some(chosen) => chosen.within(system, |system| one(system, &chosen.target)),
                None => target_of(&record, &directory)
                    .map_err(Failure::from)
                    .and_then(|target| one(system, &target)),
            };
            if let Err(failure) = outcome
                && let Some(earlier) = worst.replace(failure)
            {
                system.terminal.say(Report::from(&earlier).to_string().trim_end());
            }
        }
    }
    if count == 0 {
        system.terminal.say("No session was kept.");
    }
    worst.map_or(Ok(()), Err)
}

/// The sessions of all contexts of the kubeconfig whose users are ours.
fn of_contexts(system: &System<'_>, matches: &ArgMatches) -> Vec<Chosen> {
    let file = matches.get_one::<String>("kubeconfig").map(String::as_str);
    let Ok(files) = user_entries::read(system.environment, file) else { return Vec::new() };
    files
        .context_names()
        .filter_map(|name| Chosen::of_context(system, matches, Some(name)).ok())
        .collect()
}

/// The target that a record alone gives. Variables do not apply: a client's secret in one may be
/// that of another issuer.
fn target_of(record: &SessionRecord, directory: &Path) -> Result<Target, OptionError> {
    let mut typed = Typed::default();
    typed.push(Name::IssuerUrl, record.issuer.to_string());
    typed.push(Name::ClientId, record.client_id.to_string());
    typed.push(Name::TokenCacheDir, directory.display().to_string());
    for authority in &record.certificate_authorities {
        match authority {
            Authority::File(path) => {
                typed.push(Name::CertificateAuthority, path.display().to_string());
            }
            Authority::Data(pem) => {
                typed.push(Name::CertificateAuthorityData, pem.clone());
            }
        }
    }
    for (name, is_on) in [
        (Name::InsecureSkipTlsVerify, record.insecure_skip_tls_verify),
        (Name::UseAccessToken, record.use_access_token),
    ] {
        if is_on {
            typed.push(name, String::new());
        }
    }
    let settings = Settings::resolve(&Layers {
        typed: &typed,
        typed_origin: &Origin::CommandLine,
        environment: &NoEnvironment,
        cluster: None,
        configuration: None,
    })?;
    let target = Target::check(&settings, &NoEnvironment)?;
    // The record holds less than the key was derived from.
    Ok(Target { cache_key: record.key.clone(), ..target })
}

/// The issuer's answer.
enum Ended {
    /// The issuer confirmed; with its page that ends the browser's session, if it has one.
    Confirmed(Option<Url>),
    /// There was no token to revoke.
    Nothing,
    /// The issuer does not offer revocation.
    NotOffered(Option<Url>),
}

/// Ends the session of `target` at its issuer and here.
fn one(system: &System<'_>, target: &Target) -> Result<(), Failure> {
    let Some(directory) = target.cache_directory.clone().map(Directory::new) else {
        system.terminal.say("Nothing is kept: `--token-cache-storage none`.");
        return Ok(());
    };
    let key = &target.cache_key;
    let never = || None::<()>;
    let say = |text: &str| system.terminal.say(&format!("kubectl-login: {text}"));
    // So that a renewal in progress cannot store the session again.
    let lock = match renewal_lock::take(&directory, key.as_str(), PATIENCE, never, say) {
        Ok(Taken::Lock(lock)) => Some(lock),
        Ok(Taken::Adopted(())) | Err(_) => None,
    };
    let now = system.clock.now();
    let record = sessions::load(&directory, key);
    let facts = record.map(|record| Facts::of(&directory, record, now));
    let who = facts.as_ref().map(Facts::name).filter(|name| !name.is_empty());
    let who = who.map(|name| format!(" as `{}`", presentable(name))).unwrap_or_default();

    let secrets = keyring::refresh_secrets(system.environment, &directory, Prompt::Answered);
    let secret = secrets.load(key);
    let access_token = kept_access_token(&directory, target, now);
    let ended = match secret {
        Ok(secret) => {
            let tokens = secret
                .map(|secret| (secret.token, TokenTypeHint::RefreshToken))
                .into_iter()
                .chain(access_token.map(|token| (token, TokenTypeHint::AccessToken)))
                .collect::<Vec<_>>();
            runtime::block_on(end(system, target, &directory, &tokens))
                .map_err(Failure::from)
                .and_then(|ended| ended.map_err(|error| error.with_hint(target).into()))
        }
        Err(sealed) => {
            system.terminal.say(&format!(
                "warning: {sealed}, so it was not revoked at the issuer; the session may live on there"
            ));
            Ok(Ended::Nothing)
        }
    };
    // Removed whatever the issuer answered.
    let forgotten = sessions::forget(&secrets, key);
    if let Some(mut lock) = lock {
        lock.conclude();
    }
    let issuer = &target.issuer;
    let here = "is forgotten on this machine";
    match &ended {
        Ok(Ended::Confirmed(page)) => {
            system.terminal.say(&format!("Signed out of {issuer}{who}: the session has ended."));
            say_page(system, page.as_ref());
        }
        Ok(Ended::Nothing) if facts.is_none() => {
            system.terminal.say(&format!("No session of {issuer} was kept."));
        }
        Ok(Ended::Nothing) => {
            system.terminal.say(&format!("The session of {issuer}{who} {here}."));
        }
        Ok(Ended::NotOffered(page)) => {
            system.terminal.say(&format!(
                "The session of {issuer}{who} {here}. The issuer cannot end it on request (it \
                 names no revocation endpoint, or ends no access tokens), so there it lives until \
                 its end."
            ));
            say_page(system, page.as_ref());
        }
        Err(_) => {
            system.terminal.say(&format!(
                "warning: the session of {issuer}{who} {here}, and may live on at the issuer"
            ));
        }
    }
    if let Some(facts) = facts
        && !target.use_access_token
        && let Some(lifetime) = facts.lifetime
        && lifetime.at(now) != Freshness::Expired
    {
        system.terminal.detail(&format!(
            "kubectl-login: clusters that check tokens by themselves accept the last one until {}",
            lifetime.valid_until
        ));
    }
    forgotten.map_err(|error| NotWritten {
        what: "to the cache".to_owned(),
        source: std::io::Error::other(error.to_string()),
    })?;
    ended.map(drop)
}

fn say_page(system: &System<'_>, page: Option<&Url>) {
    if let Some(page) = page {
        system.terminal.say(&format!("To end the browser's session there, too, open {page}"));
    }
}

fn kept_access_token(directory: &Directory, target: &Target, now: UnixTime) -> Option<Secret> {
    if !target.use_access_token {
        return None;
    }
    let entry = Entry::load(directory, &target.cache_key)?;
    (entry.lifetime.at(now) != Freshness::Expired).then(|| entry.token())?
}

/// Revokes the tokens at the issuer; the refresh token first, as that ends the session.
async fn end(
    system: &System<'_>,
    target: &Target,
    directory: &Directory,
    tokens: &[(Secret, TokenTypeHint)],
) -> Result<Ended, FlowError> {
    let Some((first, others)) = tokens.split_first() else { return Ok(Ended::Nothing) };
    let session = IssuerClient::prepare(system, target, Some(directory)).await?;
    let (mut metadata, age) = session.metadata().await?;
    if !metadata.revocation_endpoint.is_offered() && age == Age::Kept {
        // The issuer may offer it by now.
        metadata = session.fetch_metadata().await?;
    }
    let page = metadata.end_session_endpoint.offered().cloned();
    if metadata.revocation_endpoint.is_absent() {
        return Ok(Ended::NotOffered(page));
    }
    match session.revoke(&metadata, &first.0, first.1).await {
        Err(error) if is_not_offered(&error, first.1) => return Ok(Ended::NotOffered(page)),
        outcome => outcome?,
    }
    for (token, hint) in others {
        // Many issuers revoke only refresh tokens; the session has ended all the same.
        if let Err(error) = session.revoke(&metadata, token, *hint).await {
            system.terminal.detail(&format!("kubectl-login: {error}"));
        }
    }
    Ok(Ended::Confirmed(page))
}

/// Whether the issuer revokes no access tokens (RFC 7009 §2.2.1). Refresh tokens it must revoke.
fn is_not_offered(error: &FlowError, hint: TokenTypeHint) -> bool {
    let FlowError::Refused { source, .. } = error else { return false };
    hint == TokenTypeHint::AccessToken
        && source.oauth_error().is_some_and(|error| error.code.as_str() == "unsupported_token_type")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::target::CertificateAuthority;
    use login_cache::key::CacheKey;

    #[test]
    fn an_issuer_that_ends_no_access_tokens_did_not_refuse() {
        use login_protocols::oauth2::revocation::parse_revocation_response;
        let answer = |code: &str| {
            let body = format!(r#"{{"error":"{code}"}}"#);
            let error = parse_revocation_response(400, body.as_bytes()).unwrap_err();
            let issuer = login_common::names::IssuerUrl::parse("https://id.example").unwrap();
            FlowError::from_answer(&issuer, "the sign-out", error)
        };
        let unsupported = answer("unsupported_token_type");
        assert!(is_not_offered(&unsupported, TokenTypeHint::AccessToken));
        assert!(!is_not_offered(&unsupported, TokenTypeHint::RefreshToken));
        assert!(!is_not_offered(&answer("invalid_client"), TokenTypeHint::AccessToken));
    }

    #[test]
    fn a_record_is_enough_to_know_whom_to_tell() {
        let issuer = "https://id.example";
        let record = SessionRecord {
            key: CacheKey::parse(&"0".repeat(64)).unwrap(),
            issuer: login_common::names::IssuerUrl::parse(issuer).unwrap(),
            client_id: login_common::names::ClientId::parse("k").unwrap(),
            account: Some("work".to_owned()),
            username: Some("alice".to_owned()),
            scopes: Vec::new(),
            audience: None,
            flow: "token-exchange".to_owned(),
            use_access_token: true,
            subject: None,
            display_name: None,
            signed_in_at: UnixTime::from_seconds(0),
            valid_until: UnixTime::from_seconds(0),
            protection: None,
            unrenewable: None,
            refused_ways: Vec::new(),
            certificate_authorities: vec![
                Authority::File("/etc/ca,1.pem".into()),
                Authority::Data("UEVN".to_owned()),
            ],
            insecure_skip_tls_verify: true,
        };
        let target = target_of(&record, Path::new("/cache")).unwrap();
        assert_eq!(target.cache_key, record.key);
        assert_eq!((target.issuer.as_str(), target.client_id.as_str()), (issuer, "k"));
        assert_eq!(target.cache_directory.as_deref(), Some(Path::new("/cache")));
        assert!(target.use_access_token && target.connection.insecure_skip_tls_verify);
        assert_eq!(
            target.connection.certificate_authorities,
            [
                CertificateAuthority::File("/etc/ca,1.pem".into()),
                CertificateAuthority::Pem(b"PEM".to_vec()),
            ]
        );
    }
}
