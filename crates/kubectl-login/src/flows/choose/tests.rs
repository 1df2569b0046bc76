//! The table of flows: asked for, offered, and who is there.
//! Never the real machine.

use login_common::names::IssuerUrl;

use super::*;
use crate::{
    options::{
        layers::{Layers, Origin, Settings},
        typed,
    },
    system::environment::NoEnvironment,
};

const TERMINAL: Surroundings = Surroundings {
    continuous_integration: false,
    watched: true,
    interactive: true,
    graphical: false,
    remote: false,
};
const DESKTOP: Surroundings = Surroundings { graphical: true, ..TERMINAL };
const SSH: Surroundings = Surroundings { graphical: true, remote: true, ..TERMINAL };
const TUI: Surroundings =
    Surroundings { watched: false, interactive: false, graphical: true, ..TERMINAL };
const NOBODY: Surroundings = Surroundings { watched: false, interactive: false, ..TERMINAL };
const CI: Surroundings = Surroundings { continuous_integration: true, ..DESKTOP };

fn chosen(options: &str, offered: &str, surroundings: Surroundings) -> String {
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
    match choose(&target, &metadata, surroundings) {
        Ok(flow) => format!("{flow:?}"),
        Err(reason) => format!("{reason:?}"),
    }
}

#[test]
fn the_flow_follows_from_what_is_asked_offered_and_there() {
    const BROWSER: &str = "Browser";
    const DEVICE: &str = "Device";
    const NO: &str = "NeedsPerson(Nobody)";
    const NEVER: &str = "NeedsPerson(Forbidden)";
    for (options, offered, surroundings, expected) in [
        ("", "bd", DESKTOP, BROWSER),
        ("", "bd", TERMINAL, DEVICE),
        ("", "bd", SSH, DEVICE),
        ("", "b", SSH, BROWSER),
        ("", "d", DESKTOP, DEVICE),
        ("", "bd", TUI, BROWSER),
        ("", "bd", NOBODY, NO),
        ("", "bd", CI, NO),
        ("", "", DESKTOP, "NotOffered(\"a way for people to sign in\")"),
        ("--interactive always", "bd", CI, BROWSER),
        ("--interactive always", "bd", NOBODY, DEVICE),
        ("--interactive never", "bd", DESKTOP, NEVER),
        ("--interactive never --flow device", "bd", DESKTOP, NEVER),
        ("--skip-open-browser", "bd", TERMINAL, BROWSER),
        ("--browser-command x", "bd", SSH, BROWSER),
        // How to open the page does not put a person there; naming the flow too does.
        ("--browser-command x", "bd", CI, NO),
        ("--flow browser --browser-command x", "bd", CI, BROWSER),
        ("--flow browser --skip-open-browser", "bd", NOBODY, BROWSER),
        ("--flow browser", "bd", NOBODY, NO),
        ("--flow browser", "bd", TERMINAL, BROWSER),
        ("--flow browser", "d", DESKTOP, "NotOffered(\"the browser flow\")"),
        ("--flow device", "bd", CI, DEVICE),
        ("--flow device", "bd", DESKTOP, DEVICE),
        ("--flow device", "b", DESKTOP, "NotOffered(\"the device flow\")"),
    ] {
        assert_eq!(
            chosen(options, offered, surroundings),
            expected,
            "{options} {offered} {surroundings:?}"
        );
    }
}
