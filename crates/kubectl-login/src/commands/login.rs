//! `login`: signs in now, for the given options or for the current context's user.
//! Never prints a token; says on stderr who signed in and until when.

use login_protocols::oauth2::error::presentable;

use crate::{
    kubeconfig,
    options::{
        layers::{Origin, Settings},
        table::Name,
        target::Target,
        typed::Typed,
    },
    renewal::Renewal,
    report::Failure,
    system::{
        System,
        environment::{Environment, Overlay},
    },
};

/// Signs in.
pub fn run(
    system: &System<'_>,
    typed: &Typed,
    context: Option<&str>,
    kubeconfig: Option<&str>,
) -> Result<(), Failure> {
    let names_target =
        typed.has(Name::IssuerUrl) || system.environment.has("KUBECTL_LOGIN_ISSUER_URL");
    if names_target && context.is_none() && kubeconfig.is_none() {
        let settings = Settings::resolve(typed, &Origin::CommandLine, system.environment, None)?;
        return sign_in(system, &Target::check(&settings, system.environment)?);
    }
    let user = kubeconfig::current_user(system.environment, context, kubeconfig)?;
    let environment = Overlay { variables: &user.environment, below: system.environment };
    let origin = Origin::Kubeconfig { user: user.name.clone(), file: user.file.clone() };
    // What is typed here comes on top: another browser for this one time, for example.
    let mut combined = user.typed.clone();
    combined.replace_by(typed);
    let settings =
        Settings::resolve(&combined, &origin, &environment, user.cluster_config.as_ref())?;
    let target = Target::check(&settings, &environment as &dyn Environment)?;
    let system =
        System { clock: system.clock, environment: &environment, terminal: system.terminal };
    sign_in(&system, &target)
}

fn sign_in(system: &System<'_>, target: &Target) -> Result<(), Failure> {
    let issued = Renewal::new(system, target, false).sign_in()?;
    let who = issued.name.map(|name| format!(" as `{}`", presentable(&name))).unwrap_or_default();
    let lasting =
        if issued.refresh_token.is_some() { ", renewed by itself after that" } else { "" };
    system.terminal.say(&format!(
        "Signed in to {}{who} until {}{lasting}.",
        target.issuer, issued.lifetime.valid_until
    ));
    Ok(())
}
