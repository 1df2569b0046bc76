//! Reads single values from the settings: text, choices, paths, pairs, commands.
//! Never opens the file that a path names.

use std::{fmt, path::PathBuf};

use url::Url;

use crate::{
    options::{
        fault::OptionError,
        layers::Settings,
        origin::Origin,
        program::ProgramLine,
        table::{Name, row_of},
    },
    system::environment::Environment,
};

/// Maximum number of characters of a wrong value that is shown.
const SHOWN: usize = 60;

pub(super) fn wrong(settings: &Settings, name: Name, problem: impl Into<String>) -> OptionError {
    let origin = settings.origin(name).cloned().unwrap_or(Origin::CommandLine);
    OptionError::new(row_of(name), &origin, problem)
}

pub(super) fn text(settings: &Settings, name: Name) -> Option<String> {
    settings.value(name).map(|(text, _)| text.to_owned()).filter(|text| !text.is_empty())
}

pub(super) fn required<T, E: fmt::Display>(
    settings: &Settings,
    name: Name,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<T, OptionError> {
    let (text, _) = settings.value(name).ok_or_else(|| OptionError::Missing(row_of(name).long))?;
    parse(text).map_err(|error| wrong(settings, name, error.to_string()))
}

pub(super) fn choice<T: Copy>(
    settings: &Settings,
    name: Name,
    known: &[(&str, T)],
) -> Result<Option<T>, OptionError> {
    let Some((text, _)) = settings.value(name) else { return Ok(None) };
    if let Some((_, chosen)) = known.iter().find(|(spelling, _)| *spelling == text) {
        return Ok(Some(*chosen));
    }
    let spellings: Vec<String> =
        known.iter().map(|(spelling, _)| format!("`{spelling}`")).collect();
    let shown: String = text.chars().take(SHOWN).collect();
    Err(wrong(settings, name, format!("it is `{shown}`; known are {}", spellings.join(", "))))
}

/// A program and its arguments.
pub(super) fn command(
    settings: &Settings,
    name: Name,
    environment: &dyn Environment,
) -> Result<Option<ProgramLine>, OptionError> {
    let Some((line, origin)) = settings.value(name).filter(|(line, _)| !line.is_empty()) else {
        return Ok(None);
    };
    if line.trim().is_empty() {
        return Err(wrong(settings, name, "it names no program"));
    }
    let place = environment.default_configuration_file();
    Ok(Some(ProgramLine::new(row_of(name), line, origin, settings, place)))
}

pub(super) fn path(
    settings: &Settings,
    name: Name,
    environment: &dyn Environment,
) -> Option<PathBuf> {
    text(settings, name).map(|text| expanded(&text, environment))
}

/// kubectl does not expand `~` in exec arguments; kubelogin expands it in its own.
pub(super) fn expanded(text: &str, environment: &dyn Environment) -> PathBuf {
    let at_home = |rest| Some(environment.home()?.join(rest));
    text.strip_prefix("~/").and_then(at_home).unwrap_or_else(|| PathBuf::from(text))
}

/// Two files that are only useful together: a certificate and its key.
pub(super) fn both(
    settings: &Settings,
    (first, second): (Name, Name),
    environment: &dyn Environment,
) -> Result<Option<(PathBuf, PathBuf)>, OptionError> {
    match (path(settings, first, environment), path(settings, second, environment)) {
        (Some(one), Some(other)) => Ok(Some((one, other))),
        (None, None) => Ok(None),
        (one, _) => {
            let (given, lacking) = if one.is_some() { (first, second) } else { (second, first) };
            let problem = format!("`--{}` is needed, too", row_of(lacking).long);
            Err(wrong(settings, given, problem))
        }
    }
}

/// `NAME=VALUE` pairs, sorted by name; the last one of each name wins.
pub(super) fn pairs(settings: &Settings, name: Name) -> Result<Vec<(String, String)>, OptionError> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for (key, value) in settings.pairs(name)? {
        pairs.retain(|(known, _)| *known != key);
        pairs.push((key, value));
    }
    pairs.sort_unstable();
    Ok(pairs)
}

/// An http or https URL.
pub(super) fn web_url(settings: &Settings, name: Name) -> Result<Option<Url>, OptionError> {
    let Some(text) = text(settings, name) else { return Ok(None) };
    match Url::parse(&text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(Some(url)),
        _ => Err(wrong(settings, name, "it is not a URL that begins with `http://` or `https://`")),
    }
}
