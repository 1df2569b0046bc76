//! `kubernetes.urls`: URLs as Go's `net/url` reads them, which kube-apiserver uses.
//! Never the WHATWG reading of URLs, which repairs what this one refuses.

use std::any::Any;
use std::collections::BTreeMap;

use super::cost::per_character;
use crate::error::EvaluationError;
use crate::function::{Declarations, Function, Implementation, Overload};
use crate::meter::Meter;
use crate::types::Type;
use crate::value::{Key, Opaque, Text, Value};

mod escape;
mod parse;
#[cfg(test)]
mod tests;

const NAME: &str = "kubernetes.URL";
const TYPE: Type = Type::opaque(NAME);

/// A URL in its parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Url {
    scheme: String,
    /// What follows the scheme if that is no path: `mailto:opaque`.
    opaque: String,
    user: Option<User>,
    host: String,
    path: String,
    /// The path as it was written, where that is not how it would be escaped by default.
    raw_path: String,
    /// `scheme:/path`
    omit_host: bool,
    /// `path?`
    force_query: bool,
    raw_query: String,
    fragment: String,
    raw_fragment: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct User {
    name: String,
    password: Option<String>,
}

impl Opaque for Url {
    fn type_name(&self) -> &'static str {
        NAME
    }

    fn equals(&self, other: &dyn Opaque) -> bool {
        other.as_any().downcast_ref::<Url>().is_some_and(|other| self.text() == other.text())
    }

    fn work(&self) -> usize {
        let user = self
            .user
            .as_ref()
            .map_or(0, |user| user.name.len() + user.password.as_ref().map_or(0, String::len));
        let parts =
            [&self.scheme, &self.opaque, &self.host, &self.path, &self.raw_query, &self.fragment];
        // Every comparison writes both, and an escaped byte takes three.
        parts.iter().fold(user, |sum, part| sum.saturating_add(part.len())).saturating_mul(3)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn text(&self) -> String {
        Url::text(self)
    }
}

pub(super) fn library() -> Declarations {
    let part = |name, implementation: Implementation| {
        Function::new(name, [Overload::member([TYPE], Type::String, implementation)])
    };
    Declarations {
        functions: vec![
            Function::new(
                "url",
                [Overload::global([Type::String], TYPE, url)
                    .costs(|arguments, _| per_character(arguments, 0.1))],
            ),
            Function::new("isURL", [Overload::global([Type::String], Type::Bool, is_url)]),
            part("getScheme", |arguments, meter| {
                string(arguments, meter, |url| url.scheme.clone())
            }),
            part("getHost", |arguments, meter| string(arguments, meter, |url| url.host.clone())),
            part("getHostname", |arguments, meter| {
                string(arguments, meter, |url| url.host_and_port().0.to_owned())
            }),
            part("getPort", |arguments, meter| {
                string(arguments, meter, |url| url.host_and_port().1.to_owned())
            }),
            part("getEscapedPath", |arguments, meter| string(arguments, meter, Url::escaped_path)),
            Function::new(
                "getQuery",
                [Overload::member(
                    [TYPE],
                    Type::map(Type::String, Type::list(Type::String)),
                    query,
                )],
            ),
        ],
        types: vec![(NAME, TYPE)],
        ..Declarations::default()
    }
}

fn url<'a>(arguments: &[Value<'a>], meter: &mut Meter) -> Result<Value<'a>, EvaluationError> {
    let [Value::String(text)] = arguments else {
        return Err(EvaluationError::no_overload("url"));
    };
    meter.work(text.len())?;
    match parse::request_uri(text).and_then(|_| parse::reference(text)) {
        Some(url) => Ok(Value::opaque(url)),
        None => Err(EvaluationError::failed("url", "the text is not a URL")),
    }
}

fn is_url<'a>(arguments: &[Value<'a>], meter: &mut Meter) -> Result<Value<'a>, EvaluationError> {
    let [Value::String(text)] = arguments else {
        return Err(EvaluationError::no_overload("isURL"));
    };
    meter.work(text.len())?;
    Ok(Value::Bool(is_request_uri(text)))
}

/// Whether a text is an absolute URL or path.
pub(super) fn is_request_uri(text: &str) -> bool {
    parse::request_uri(text).is_some()
}

fn string<'a>(
    arguments: &[Value<'a>],
    meter: &mut Meter,
    part: fn(&Url) -> String,
) -> Result<Value<'a>, EvaluationError> {
    let url = this(arguments)?;
    meter.work(url.host.len().saturating_add(url.path.len()))?;
    Ok(Value::string(part(url)))
}

fn query<'a>(arguments: &[Value<'a>], meter: &mut Meter) -> Result<Value<'a>, EvaluationError> {
    let url = this(arguments)?;
    meter.work(url.raw_query.len().saturating_mul(2))?;
    let mut entries: BTreeMap<Key<'a>, Vec<Value<'a>>> = BTreeMap::new();
    for (name, value) in parse::query(&url.raw_query) {
        meter.elements(2)?;
        entries
            .entry(Key::String(Text::Shared(name.into())))
            .or_default()
            .push(Value::string(value));
    }
    Ok(Value::map(entries.into_iter().map(|(name, values)| (name, Value::list(values))).collect()))
}

fn this<'v>(arguments: &'v [Value<'_>]) -> Result<&'v Url, EvaluationError> {
    match arguments {
        [url] => url.downcast().ok_or(EvaluationError::no_overload("url")),
        _ => Err(EvaluationError::no_overload("url")),
    }
}
