//! The table of flows: requested, offered, and who can answer.
//! Never inspects the real host.

use login_common::names::IssuerUrl;

use super::*;
use crate::{
    options::{
        layers::{Layers, Settings},
        origin::Origin,
        typed,
    },
    system::environment::NoEnvironment,
};

const TERMINAL: EnvironmentFacts = EnvironmentFacts {
    continuous_integration: false,
    watched: true,
    interactive: true,
    terminal: true,
    graphical: false,
    remote: false,
    container: false,
    named_browser: false,
    forwarded: false,
    offered_identity: None,
};
const DESKTOP: EnvironmentFacts = EnvironmentFacts { graphical: true, ..TERMINAL };
const SSH: EnvironmentFacts = EnvironmentFacts { graphical: true, remote: true, ..TERMINAL };
const TUI: EnvironmentFacts =
    EnvironmentFacts { watched: false, interactive: false, graphical: true, ..TERMINAL };
const CONTAINER: EnvironmentFacts = EnvironmentFacts { container: true, ..DESKTOP };
const NOBODY: EnvironmentFacts =
    EnvironmentFacts { watched: false, interactive: false, terminal: false, ..TERMINAL };
const ACTIONS: EnvironmentFacts = EnvironmentFacts {
    continuous_integration: true,
    offered_identity: Some("github-actions"),
    ..NOBODY
};
/// A dev container.
const NAMED: EnvironmentFacts =
    EnvironmentFacts { container: true, named_browser: true, ..TERMINAL };
const NAMED_SSH: EnvironmentFacts = EnvironmentFacts { remote: true, ..NAMED };
const EDITOR_SSH: EnvironmentFacts = EnvironmentFacts { forwarded: true, ..NAMED_SSH };
const CI: EnvironmentFacts = EnvironmentFacts { continuous_integration: true, ..DESKTOP };

fn chosen(options: &str, offered: &str, environment_facts: EnvironmentFacts) -> String {
    match choice(options, offered, environment_facts) {
        Ok(choice) => format!("{}: {}", choice.flow, choice.reason),
        Err(reason) => format!("{reason:?}"),
    }
}

fn choice(
    options: &str,
    offered: &str,
    environment_facts: EnvironmentFacts,
) -> Result<Choice, NoFlow> {
    let line = format!("get-token --issuer-url https://id.example --client-id k {options}");
    let words: Vec<std::ffi::OsString> = line.split_whitespace().map(Into::into).collect();
    let typed = typed::strict(&words).expect("plain options");
    let settings = Settings::resolve(&Layers {
        typed: &typed,
        typed_origin: &Origin::CommandLine,
        environment: &NoEnvironment,
        cluster: None,
        configuration: None,
    })
    .unwrap();
    let target = Target::check(&settings, &NoEnvironment).unwrap();
    let issuer = IssuerUrl::parse("https://id.example").unwrap();
    let endpoint = |name: &str, letter: char| {
        if offered.contains(letter) {
            format!(r#","{name}":"https://id.example/{letter}""#)
        } else {
            String::new()
        }
    };
    let json = format!(
        r#"{{"issuer":"https://id.example"{}{}}}"#,
        endpoint("authorization_endpoint", 'b'),
        endpoint("device_authorization_endpoint", 'd')
    );
    let metadata = ProviderMetadata::parse(json.as_bytes(), &issuer).unwrap();
    choose(&target, &metadata, environment_facts)
}

#[test]
fn the_flow_follows_from_what_is_asked_offered_and_there() {
    const NO_WAY_BACK: &str = "no browser comes back from the given `--redirect-url` by itself";
    const ASKED: &str = "it was asked for";
    const NOBODY_THERE: &str = "NeedsPerson(Nobody { offered: None })";
    const JOB: &str = "NeedsPerson(Job { offered: None })";
    const NEVER: &str = "NeedsPerson(Forbidden)";
    const SILENT: &str = "NeedsPerson(NoTerminal)";
    for (options, offered, environment_facts, expected) in [
        ("", "bd", DESKTOP, "browser: there is a desktop here"),
        ("", "bd", TERMINAL, "device: the issuer offers it and there is no desktop here"),
        ("", "bd", SSH, "device: the issuer offers it and this is an SSH session"),
        ("", "bd", CONTAINER, "device: the issuer offers it and this is a container"),
        ("", "b", SSH, "paste: the issuer offers no device flow and this is an SSH session"),
        ("", "b", CONTAINER, "paste: the issuer offers no device flow and this is a container"),
        ("", "d", DESKTOP, "device: the issuer offers no browser flow and there is a desktop here"),
        ("", "bd", TUI, "browser: there is a desktop here"),
        ("", "bd", NAMED, "browser: `BROWSER` names one"),
        ("", "bd", NAMED_SSH, "device: the issuer offers it and this is an SSH session"),
        ("", "bd", EDITOR_SSH, "browser: `BROWSER` names one"),
        ("", "bd", EnvironmentFacts { continuous_integration: true, ..NAMED }, JOB),
        ("", "bd", NOBODY, NOBODY_THERE),
        ("", "bd", CI, JOB),
        ("", "bd", ACTIONS, "NeedsPerson(Job { offered: Some(\"github-actions\") })"),
        ("", "", DESKTOP, "NotOffered(\"a way for people to sign in\")"),
        ("--interactive always", "bd", CI, "browser: there is a desktop here"),
        (
            "--interactive always",
            "bd",
            NOBODY,
            "device: the issuer offers it and there is no desktop here",
        ),
        (
            "--interactive always",
            "b",
            NOBODY,
            "browser: the issuer offers nothing else, and there is no desktop here, \
             nor a terminal to paste into",
        ),
        ("--interactive never", "bd", DESKTOP, NEVER),
        ("--interactive never --flow device", "bd", DESKTOP, NEVER),
        ("--skip-open-browser", "bd", TERMINAL, "browser: the address shall only be printed"),
        ("--browser-command x", "bd", SSH, "browser: a command opens the browser"),
        // Naming how to open the page does not mean that a user is present; naming the flow, too,
        // does.
        ("--browser-command x", "bd", CI, JOB),
        ("--redirect-url urn:x", "bd", DESKTOP, &format!("paste: {NO_WAY_BACK}")),
        ("--redirect-url urn:x", "b", SSH, &format!("paste: {NO_WAY_BACK}")),
        (
            "--redirect-url urn:x --interactive always",
            "bd",
            NOBODY,
            &format!("device: {NO_WAY_BACK}, and there is no terminal"),
        ),
        ("--redirect-url urn:x --interactive always", "b", NOBODY, SILENT),
        ("--redirect-url HTTPS://x.example", "bd", DESKTOP, "browser: there is a desktop here"),
        ("--flow browser --browser-command x", "bd", CI, &format!("browser: {ASKED}")),
        ("--flow browser --skip-open-browser", "bd", NOBODY, &format!("browser: {ASKED}")),
        ("--flow browser", "bd", NOBODY, NOBODY_THERE),
        ("--flow browser", "bd", TERMINAL, &format!("browser: {ASKED}")),
        ("--flow browser", "d", DESKTOP, "NotOffered(\"the browser flow\")"),
        ("--flow device", "bd", CI, &format!("device: {ASKED}")),
        ("--flow device", "bd", DESKTOP, &format!("device: {ASKED}")),
        ("--flow device", "b", DESKTOP, "NotOffered(\"the device flow\")"),
        ("--flow paste", "bd", SSH, &format!("paste: {ASKED}")),
        ("--flow paste", "d", SSH, "NotOffered(\"the browser flow\")"),
        ("--flow paste", "bd", NOBODY, SILENT),
        ("--flow paste --interactive always", "bd", NOBODY, SILENT),
        ("--flow password", "", TERMINAL, &format!("password: {ASKED}")),
        ("--flow password", "", NOBODY, SILENT),
        ("--username u --password p", "", NOBODY, &format!("password: {ASKED}")),
        ("--username u --password p --interactive never", "", CI, &format!("password: {ASKED}")),
        ("--username u --interactive never", "", TERMINAL, NEVER),
    ] {
        assert_eq!(
            chosen(options, offered, environment_facts),
            expected,
            "{options} {offered} {environment_facts:?}"
        );
    }
}

#[test]
fn a_job_with_an_identity_is_told_which_option_uses_it() {
    let hint = |offered| NeedsPerson::Job { offered }.hint();
    assert!(hint(Some("gitlab")).ends_with("use `--identity gitlab`"), "{}", hint(Some("gitlab")));
    assert!(hint(None).contains("`--flow client-credentials`"));
}

#[test]
fn a_page_is_opened_where_a_desktop_or_a_command_can_show_it() {
    for (options, environment_facts, desktop, elsewhere) in [
        ("", DESKTOP, true, false),
        ("", SSH, false, true),
        ("", CONTAINER, false, true),
        ("--browser-command x", SSH, true, true),
        ("--skip-open-browser", DESKTOP, false, false),
    ] {
        let choice = choice(&format!("--flow device {options}"), "bd", environment_facts).unwrap();
        assert_eq!((choice.desktop, choice.elsewhere), (desktop, elsewhere), "{options}");
    }
}

#[test]
fn every_automatic_choice_has_a_next_one() {
    for (options, offered, environment_facts, expected) in [
        ("", "bd", TERMINAL, "device paste browser"),
        ("", "bd", SSH, "device paste browser"),
        ("", "bd", DESKTOP, "browser device paste"),
        ("", "bd", TUI, "browser device"),
        ("", "d", TERMINAL, "device"),
        ("", "b", TERMINAL, "paste browser"),
        ("--redirect-url urn:x", "bd", DESKTOP, "paste device"),
        // A requested flow is used or refused.
        ("--flow device", "bd", TERMINAL, "device"),
        ("--flow browser", "bd", TERMINAL, "browser"),
        ("--username u --password p", "bd", TERMINAL, "password"),
    ] {
        let choice = choice(options, offered, environment_facts).unwrap();
        let flows: Vec<String> =
            [choice.flow].iter().chain(&choice.next).map(ToString::to_string).collect();
        assert_eq!(flows.join(" "), expected, "{options} {offered} {environment_facts:?}");
    }
}

#[test]
fn the_code_grant_is_one_grant_however_the_code_comes_back() {
    use PersonFlow::{Browser, Device, Password, Paste};
    for (one, other, shared) in [
        (Browser, Paste, true),
        (Paste, Browser, true),
        (Device, Device, true),
        (Device, Browser, false),
        (Password, Paste, false),
    ] {
        assert_eq!(one.shares_grant_with(other), shared, "{one} {other}");
        assert_eq!(PersonFlow::parse(&one.to_string()), Some(one));
    }
}
