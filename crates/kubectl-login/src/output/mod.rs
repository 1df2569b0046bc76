//! Prints a command's output: as a table for people, as JSON or YAML for programs.
//! Never decides what is printed, and never conveys a meaning by colour alone.

mod table;

use std::fmt::Write as _;

use clap::{Arg, ArgMatches, builder::PossibleValuesParser};
use serde::Serialize;

use crate::{
    report::NotWritten,
    system::stdout::{self, Colours},
};

pub use table::Table;

/// Programs match on it; an incompatible document needs another version.
pub const API_VERSION: &str = "kubectl-login/v1";

const FORMATS: [(&str, Format); 4] = [
    ("text", Format::Text),
    ("wide", Format::Wide),
    ("json", Format::Json),
    ("yaml", Format::Yaml),
];

/// How to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A table.
    Text,
    /// A table with more columns.
    Wide,
    /// One JSON document.
    Json,
    /// One YAML document.
    Yaml,
}

impl Format {
    /// The format given by [`argument`].
    pub fn of(matches: &ArgMatches) -> Self {
        let wanted = matches.get_one::<String>("output");
        FORMATS
            .into_iter()
            .find(|(spelling, _)| wanted.is_some_and(|wanted| wanted == spelling))
            .map_or(Self::Text, |(_, format)| format)
    }
}

/// `-o`, `--output`.
pub fn argument() -> Arg {
    let spellings = FORMATS.map(|(spelling, _)| spelling);
    Arg::new("output")
        .short('o')
        .long("output")
        .value_name("FORMAT")
        .value_parser(PossibleValuesParser::new(spellings))
        .default_value("text")
        .help("How to print it")
}

/// A document that begins with its version and kind, like Kubernetes objects.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a, T> {
    api_version: &'static str,
    kind: &'static str,
    #[serde(flatten)]
    content: &'a T,
}

/// The items of a list.
#[derive(Serialize)]
pub struct Items<'a, T> {
    /// All of them.
    pub items: &'a [T],
}

/// Prints `content` as a document of `kind`, or the text that `people` returns.
pub fn print<T: Serialize>(
    format: Format,
    kind: &'static str,
    content: &T,
    people: impl FnOnce(bool, Colours) -> String,
) -> Result<(), NotWritten> {
    let text = match format {
        Format::Text => people(false, stdout::colours()),
        Format::Wide => people(true, stdout::colours()),
        Format::Json | Format::Yaml => rendered(format, kind, content)?,
    };
    stdout::answer(&text)
}

fn rendered<T: Serialize>(
    format: Format,
    kind: &'static str,
    content: &T,
) -> Result<String, NotWritten> {
    let document = Document { api_version: API_VERSION, kind, content };
    let failed = |error: String| NotWritten {
        what: format!("a {kind}"),
        source: std::io::Error::other(error),
    };
    // Through a `Value`, so that both formats omit the same fields.
    if format == Format::Json {
        let mut text =
            serde_json::to_string_pretty(&document).map_err(|error| failed(error.to_string()))?;
        text.push('\n');
        return Ok(text);
    }
    serde_saphyr::to_string(&document).map_err(|error| failed(error.to_string()))
}

/// `Ns`, `Nm`, `Nh` or `Nd`, like the ages in kubectl: in the largest unit that is exact enough.
pub fn duration(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7200 => format!("{}m", seconds / 60),
        7200..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// Lines of `name: value`, with the values aligned.
pub fn aligned(pairs: &[(&str, &str)]) -> String {
    let width = pairs.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default() + 1;
    pairs.iter().fold(String::new(), |mut text, (name, value)| {
        let _ = writeln!(text, "{:<width$} {value}", format!("{name}:"));
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Thing {
        long_name: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        absent: Option<u8>,
        tricky: &'static str,
    }

    fn things() -> Vec<Thing> {
        vec![Thing { long_name: "a", absent: None, tricky: "yes: #no\n'" }]
    }

    #[test]
    fn json_and_yaml_say_the_same_with_version_and_kind_first() {
        let things = things();
        let list = Items { items: &things };
        let json = rendered(Format::Json, "ThingList", &list).unwrap();
        let yaml = rendered(Format::Yaml, "ThingList", &list).unwrap();
        assert!(
            json.starts_with(
                "{\n  \"apiVersion\": \"kubectl-login/v1\",\n  \"kind\": \"ThingList\""
            ),
            "{json}"
        );
        assert!(
            yaml.starts_with("apiVersion: kubectl-login/v1\nkind: ThingList\nitems:\n"),
            "{yaml}"
        );
        let from_json: serde_json::Value = serde_json::from_str(&json).unwrap();
        let from_yaml: serde_json::Value = serde_saphyr::from_str(&yaml).unwrap();
        assert_eq!(from_json, from_yaml);
        assert_eq!(from_json["items"][0]["tricky"], "yes: #no\n'");
        assert_eq!(from_json["items"][0].get("absent"), None);
    }

    #[test]
    fn durations_have_one_unit() {
        for (seconds, expected) in [
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (7199, "119m"),
            (7200, "2h"),
            (172_799, "47h"),
            (172_800, "2d"),
        ] {
            assert_eq!(duration(seconds), expected);
        }
    }

    #[test]
    fn values_of_pairs_stand_under_each_other() {
        assert_eq!(aligned(&[("a", "1"), ("long", "2")]), "a:    1\nlong: 2\n");
    }
}
