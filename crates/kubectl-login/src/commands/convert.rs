//! `convert`: turns user entries of int128/kubelogin and `auth-provider: oidc` into ours, and takes
//! over their sessions without a new sign-in.
//! Never signs in, never changes an entry that it does not understand.

use std::{ffi::OsString, path::PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Command};
use kubeconfig::{KubeconfigFault, edit::Edit};
use login_cache::{
    refresh_secret::RefreshSecret,
    sessions::{self, SessionRecord},
    store::Directory,
};
use login_protocols::jose::CompactJws;
use serde_json::Value;

use super::{chosen, command_line};
use crate::{
    flows::choose::EnvironmentFacts,
    options::{
        arguments,
        layers::{Layers, Settings},
        origin::Origin,
        program::NotAllowed,
        target::Target,
    },
    renewal::record,
    report::{Failure, Report},
    system::{
        System, configuration,
        environment::{Environment, NoEnvironment, Overlay},
        keyring::{self, Prompt},
        kubelogin_cache::{self, CachedTokens},
        stdout,
    },
    user_entries::{
        self, KubeconfigError,
        change::Change,
        foreign::{self, Converted, Verdict},
    },
};

/// Its arguments.
pub fn definition() -> Command {
    arguments::with_verbosity(chosen::with_kubeconfig(Command::new("convert")))
        .about(
            "Turn kubeconfig users of int128/kubelogin and of `auth-provider: oidc` into users of \
             kubectl-login, and take over their sessions",
        )
        .mut_arg("context", |context| {
            context.help("Only the user of this context [default: every user]")
        })
        .mut_arg("kubeconfig", |file| {
            file.help("The kubeconfig to change [default: $KUBECONFIG or ~/.kube/config]")
        })
        .arg(
            Arg::new("dry-run")
                .long("dry-run")
                .action(ArgAction::SetTrue)
                .help("Only show on stdout what would change"),
        )
}

/// Converts every entry that can be converted.
pub fn run(system: &System<'_>, matches: &ArgMatches) -> Result<(), Failure> {
    let given = |id: &str| matches.get_one::<String>(id).map(String::as_str);
    let files = user_entries::read_to_change(system.environment, given("kubeconfig"))?;
    if let (Some(path), true) = (given("kubeconfig"), files.is_empty()) {
        let source = std::io::ErrorKind::NotFound.into();
        return Err(
            KubeconfigError::from(KubeconfigFault::Read { path: path.into(), source }).into()
        );
    }
    let only = match given("context") {
        None => None,
        Some(name) => {
            let context = files.files.context(name);
            let missing = || KubeconfigError::Missing(format!("a context `{name}`"));
            Some(context.ok_or_else(missing)?.user_name)
        }
    };
    let (mut change, mut found) = (Change::default(), Vec::new());
    for entry in files.users().filter(|entry| only.as_ref().is_none_or(|only| entry.name == only)) {
        let say = |what: &str| system.terminal.say(&format!("User `{}`: {what}.", entry.name));
        match foreign::judge(entry.value) {
            Verdict::Converted(converted) => {
                match usable(system, &converted) {
                    Ok(target) => {
                        let refused = target.refused_commands();
                        let new = refused.iter().filter(|refused| !is_allowed(system, refused));
                        new.for_each(|refused| say(&format!("{refused}; {}", refused.hint())));
                    }
                    Err(failure) => {
                        say(&format!("left as it is: {}", in_one_line(&failure)));
                        continue;
                    }
                }
                for note in &converted.notes {
                    say(note);
                }
                let (before, after) = (entry.value.cloned(), converted.user.clone());
                let name = entry.name.to_owned();
                change.add(entry.file, Edit::User { name, before, after });
                found.push((entry.name, converted));
            }
            Verdict::Left(reason) => say(&format!("left as it is: {reason}")),
            Verdict::Ours => say("runs kubectl-login already"),
            Verdict::Other if only.is_some() => {
                say("left as it is: it does not sign in by OpenID Connect");
            }
            Verdict::Other => {}
        }
    }
    if found.is_empty() {
        system.terminal.say("Nothing to convert.");
        return Ok(());
    }
    if matches.get_flag("dry-run") {
        return Ok(stdout::coloured(&change.preview()?)?);
    }
    // A change that is refused must leave nothing behind.
    change.preview()?;
    for (name, converted) in &found {
        let outcome = take_over(system, converted);
        system.terminal.say(&format!("User `{name}`: {outcome}."));
    }
    change.carry_out(system.terminal)?;
    let names: Vec<String> = found.iter().map(|(name, _)| format!("`{name}`")).collect();
    system.terminal.say(&format!("Converted {}.", names.join(", ")));
    Ok(())
}

/// Stores the other program's refresh token as ours; returns what happened.
fn take_over(system: &System<'_>, converted: &Converted) -> String {
    let environment = Overlay { variables: &converted.environment, below: system.environment };
    let target = match target(&environment, converted) {
        Ok(target) => target,
        Err(failure) => return format!("its session was not taken over: {failure}"),
    };
    let Some(directory) = target.cache_directory.clone().map(Directory::new) else {
        return "nothing is kept for it, so there is no session to take over".to_owned();
    };
    let secret = if let Some(token) = &converted.refresh_token {
        Some(RefreshSecret { token: token.clone(), subject: None })
    } else {
        let kept = token_directory(&environment, converted)
            .map(|directory| kubelogin_cache::read(&directory))
            .unwrap_or_default();
        match session_of(&target, &kept.sessions) {
            Ok(None) if kept.is_shared => {
                return "its session was not taken over, as others may write where it is kept; the \
                        next kubectl asks to sign in"
                    .to_owned();
            }
            Ok(secret) => secret,
            Err(reason) => return reason.to_owned(),
        }
    };
    let Some(secret) = secret else {
        return "there is no session to take over; the next kubectl asks to sign in".to_owned();
    };
    let system = &System { environment: &environment, ..*system };
    let secrets = keyring::refresh_secrets(&environment, &directory, Prompt::Answered);
    if !matches!(secrets.load(&target.cache_key), Ok(None)) {
        return "kubectl-login has a session of its own, which stays".to_owned();
    }
    let storage = EnvironmentFacts::of(system).storage(target.storage);
    match secrets.save(&target.cache_key, &secret, None, storage) {
        Ok(saved) => {
            // The first renewal's token supplies the rest.
            let record = SessionRecord {
                subject: secret.subject,
                protection: Some(saved.protection),
                ..record::of_target(&target, system.clock.now())
            };
            // Without a record the session continues, too; it is only not listed.
            let _ = sessions::save(&directory, &record);
            "its session goes on without a new sign-in; do not use the other program with \
                  it any more, as issuers allow a refresh token to one"
                .to_owned()
        }
        Err(trouble) => format!("its session was not taken over: {trouble}"),
    }
}

/// Whether kubectl-login could work with the entry to be written, read as kubectl will pass it.
fn usable(system: &System<'_>, converted: &Converted) -> Result<Target, Failure> {
    let words = converted.user.pointer("/exec/args").and_then(Value::as_array);
    let words: Vec<OsString> =
        words.into_iter().flatten().filter_map(Value::as_str).map(Into::into).collect();
    let typed = arguments::of_get_token(&words).map_err(|error| command_line::failure(&error))?;
    // Only the home directory is taken from the host: the entry itself must be sufficient.
    let home = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
    let mut variables: Vec<(String, String)> = system
        .environment
        .home()
        .map(|path| (home.to_owned(), path.display().to_string()))
        .into_iter()
        .collect();
    variables.extend(converted.environment.iter().cloned());
    let environment = Overlay { variables: &variables, below: &NoEnvironment };
    let settings = Settings::resolve(&Layers {
        typed: &typed,
        typed_origin: &Origin::Arguments,
        environment: &environment,
        cluster: None,
        configuration: None,
    })?;
    Ok(Target::check(&settings, &environment)?)
}

fn is_allowed(system: &System<'_>, refused: &NotAllowed) -> bool {
    let own = configuration::read(system.environment).ok().flatten();
    own.is_some_and(|own| own.allowed_commands().iter().any(|line| line == refused.line()))
}

fn in_one_line(failure: &Failure) -> String {
    let report = Report::from(failure);
    let mut text = report.error;
    for cause in report.causes {
        text.extend([": ", &cause]);
    }
    text
}

fn target(environment: &dyn Environment, converted: &Converted) -> Result<Target, Failure> {
    let configuration = configuration::read(environment)?;
    let settings = Settings::resolve(&Layers {
        typed: &converted.typed,
        typed_origin: &Origin::CommandLine,
        environment,
        cluster: None,
        configuration: configuration.as_ref(),
    })?;
    Ok(Target::check(&settings, environment)?)
}

/// Where kubelogin stores its tokens.
fn token_directory(environment: &dyn Environment, converted: &Converted) -> Option<PathBuf> {
    if let Some(path) = &converted.token_directory {
        return match path.strip_prefix("~/") {
            Some(rest) => Some(environment.home()?.join(rest)),
            None => Some(PathBuf::from(path)),
        };
    }
    let cache = environment.variable("KUBECACHEDIR").filter(|path| !path.is_empty());
    let base = match cache {
        Some(cache) => PathBuf::from(cache),
        None => environment.home()?.join(".kube").join("cache"),
    };
    Some(base.join("oidc-login"))
}

/// The newest session of the target's issuer and client, if all of them have one subject.
fn session_of(
    target: &Target,
    kept: &[CachedTokens],
) -> Result<Option<RefreshSecret>, &'static str> {
    let mut newest = None;
    for tokens in kept {
        // Only this user can write there, and the claims only decide which token is sent back.
        let Ok(id_token) = CompactJws::parse(tokens.id_token.expose()) else { continue };
        let claims = id_token.unverified_claims();
        let is_for_target = claims.issuer() == Some(target.issuer.as_str())
            && claims.audiences().contains(&target.client_id.as_str());
        if !is_for_target {
            continue;
        }
        let (subject, at) = (claims.subject().map(ToOwned::to_owned), claims.moment("iat"));
        match &newest {
            Some((_, known, _)) if *known != subject => {
                return Err(
                    "sessions of several people are there; the next kubectl asks to sign in",
                );
            }
            Some((known, _, _)) if *known >= at => {}
            _ => newest = Some((at, subject, tokens.refresh_token.clone())),
        }
    }
    Ok(newest.map(|(_, subject, token)| RefreshSecret { token, subject }))
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use login_cache::refresh_secret::Protection;
    use login_common::Secret;
    use serde_json::json;

    use super::*;
    use crate::options::{table::Name, typed::Typed};

    fn kept(issuer: &str, subject: &str, at: i64) -> CachedTokens {
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header = part(json!({ "alg": "RS256", "kid": "k" }));
        let claims = part(json!({ "iss": issuer, "aud": "k", "sub": subject, "iat": at }));
        CachedTokens {
            id_token: Secret::new(format!("{header}.{claims}.c2ln")),
            refresh_token: Secret::new(format!("refresh-{at}")),
        }
    }

    fn found(kept: &[CachedTokens]) -> Result<Option<String>, &'static str> {
        let mut typed = Typed::default();
        typed.push(Name::IssuerUrl, "https://id.example".to_owned());
        typed.push(Name::ClientId, "k".to_owned());
        let settings = Settings::resolve(&Layers {
            typed: &typed,
            typed_origin: &Origin::CommandLine,
            environment: &NoEnvironment,
            cluster: None,
            configuration: None,
        })
        .unwrap();
        let target = Target::check(&settings, &NoEnvironment).unwrap();
        session_of(&target, kept).map(|secret| Some(secret?.token.expose().to_owned()))
    }

    fn machine() -> System<'static> {
        System {
            clock: &crate::system::clock::HostClock,
            environment: &NoEnvironment,
            terminal: &crate::system::terminal::Stderr { verbose: false },
        }
    }

    #[test]
    fn a_session_that_was_taken_over_is_on_record() {
        let scratch = tempfile::tempdir().unwrap();
        let mut typed = Typed::default();
        typed.push(Name::IssuerUrl, "https://id.example".to_owned());
        typed.push(Name::ClientId, "k".to_owned());
        typed.push(Name::TokenCacheStorage, "file".to_owned());
        typed.push(Name::TokenCacheDir, scratch.path().display().to_string());
        let converted = Converted {
            user: json!({}),
            typed,
            environment: Vec::new(),
            notes: Vec::new(),
            refresh_token: Some(Secret::new("r")),
            token_directory: None,
        };
        let outcome = take_over(&machine(), &converted);
        assert!(outcome.starts_with("its session goes on"), "{outcome}");
        let records = sessions::list(&Directory::new(scratch.path().to_owned()));
        assert_eq!(records.len(), 1);
        assert_eq!(records[0].protection, Some(Protection::Plain));
        assert_eq!(records[0].key, target(&NoEnvironment, &converted).unwrap().cache_key);
        assert!(take_over(&machine(), &converted).contains("a session of its own"));
    }

    #[test]
    fn what_would_be_written_is_read_first() {
        let outcome = |words: &[&str]| {
            let args: Vec<&str> =
                ["get-token", "--oidc-issuer-url=https://id.example", "--oidc-client-id=k"]
                    .iter()
                    .chain(words)
                    .copied()
                    .collect();
            let user = json!({ "exec": { "command": "kubelogin", "args": args } });
            let Verdict::Converted(converted) = foreign::judge(Some(&user)) else {
                panic!("not converted")
            };
            usable(&machine(), &converted).map(drop).map_err(|failure| in_one_line(&failure))
        };
        for words in [
            &["--oidc-extra-scope=\"email groups\""][..],
            &["--oidc-extra-scope", "email, groups", "-v", "1", "--log_file", "/x"],
            &["--oidc-client-secret=a", "--oidc-client-secret=b"],
            &["--oidc-request-header=\"Authorization=Basic dTpw,x\",B=2"],
            &["--browser-command=/mnt/c/Program Files/b.exe"],
            &["--oidc-auth-request-extra-params=acr_values=a b"],
        ] {
            assert_eq!(outcome(words), Ok(()), "{words:?}");
        }
        for (words, option) in [
            (&["--oidc-extra-scope=\"a"][..], "`--scope`"),
            (&["--listen-address=example.com:1"], "`--listen-address`"),
            (&["--grant-type=magic"], "`--flow`"),
            (&["--oidc-request-header=x"], "`--request-header`"),
        ] {
            let reason = outcome(words).unwrap_err();
            assert!(reason.contains(option), "{words:?}: {reason}");
        }
    }

    #[test]
    fn a_kubeconfig_that_was_named_must_be_there() {
        use crate::{commands::command_line, report::Fault};
        let words = ["convert", "--kubeconfig", "/dev/null/config"].map(Into::into);
        let (entry, matches) =
            command_line::parse(command_line::Invocation::Program, &words).unwrap();
        let failure = (entry.run)(&machine(), &matches).unwrap_err();
        assert_eq!(failure.fault(), Fault::Usage, "{failure}");
        assert!(failure.to_string().contains("/dev/null/config"), "{failure}");
    }

    #[test]
    fn the_newest_session_of_the_same_issuer_is_taken_unless_people_differ() {
        let (issuer, other) = ("https://id.example", "https://other.example");
        assert_eq!(found(&[]), Ok(None));
        assert_eq!(found(&[kept(other, "a", 1)]), Ok(None));
        let several = [kept(issuer, "a", 1), kept(issuer, "a", 3), kept(issuer, "a", 2)];
        assert_eq!(found(&several), Ok(Some("refresh-3".to_owned())));
        assert!(found(&[kept(issuer, "a", 1), kept(issuer, "b", 2)]).is_err());
    }
}
