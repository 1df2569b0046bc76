//! Values of arguments that a user may choose from: fixed spellings, and what this host has.
//! Never fails: a source that cannot be read has no values.

use login_cache::{
    sessions::{self, SessionRecord},
    store::Directory,
};

use crate::{
    options::{
        layers::{Layers, Settings},
        origin::Origin,
        table::row_named,
        target::cache_directory_of,
        typed::Typed,
    },
    system::System,
    user_entries,
};

/// The usual values of an option, if it has a fixed set.
pub(in crate::commands) fn choices_of(argument: &str) -> Option<&'static [&'static str]> {
    row_named(argument)?.choices()
}

/// Values for the argument with that id.
pub(super) fn values(system: &System<'_>, argument: &str) -> Vec<String> {
    if let Some(choices) = choices_of(argument) {
        return choices.iter().map(|&choice| choice.to_owned()).collect();
    }
    match argument {
        "context" => user_entries::read(system.environment, None)
            .map(|files| files.context_names().map(ToOwned::to_owned).collect())
            .unwrap_or_default(),
        "account" => kept(system, |record| record.account),
        "issuer-url" => kept(system, |record| Some(record.issuer.to_string())),
        "client-id" => kept(system, |record| Some(record.client_id.to_string())),
        _ => Vec::new(),
    }
}

/// A field of all recorded sessions.
fn kept(system: &System<'_>, of: fn(SessionRecord) -> Option<String>) -> Vec<String> {
    let directory = Settings::resolve(&Layers {
        typed: &Typed::default(),
        typed_origin: &Origin::CommandLine,
        environment: system.environment,
        cluster: None,
        configuration: None,
    });
    let directory =
        directory.ok().and_then(|settings| cache_directory_of(&settings, system.environment));
    let records = directory.map(|path| sessions::list(&Directory::new(path)));
    records.unwrap_or_default().into_iter().filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        options::{
            table::{Name, OPTIONS},
            target::Target,
        },
        system::environment::NoEnvironment,
    };

    #[test]
    fn every_choice_is_accepted() {
        for row in OPTIONS {
            for choice in row.choices().unwrap_or_default() {
                let mut typed = Typed::default();
                for (name, value) in [
                    (Name::IssuerUrl, "https://id.example"),
                    (Name::ClientId, "k"),
                    (row.name, *choice),
                    (Name::IdentityFile, "/f"),
                    (Name::IdentityVariable, "V"),
                    (Name::IdentityCommand, "c"),
                ] {
                    typed.push(name, value.to_owned());
                }
                let layers = Layers {
                    typed: &typed,
                    typed_origin: &Origin::CommandLine,
                    environment: &NoEnvironment,
                    cluster: None,
                    configuration: None,
                };
                let settings = Settings::resolve(&layers).unwrap();
                if let Err(error) = Target::check(&settings, &NoEnvironment) {
                    let text = format!("{error:?}");
                    assert!(!text.contains("known are"), "{choice}: {text}");
                }
            }
        }
    }
}
