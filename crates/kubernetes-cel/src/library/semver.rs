//! `kubernetes.semver`: versions of Semantic Versioning 2.0.0.
//! Never a range of versions: upstream has none.

use std::any::Any;
use std::borrow::Cow;
use std::cmp::Ordering;

use semver::Version;

use super::cost::{CHARACTER, per_character};
use crate::error::EvaluationError;
use crate::function::{Declarations, Function, Implementation, Overload};
use crate::meter::Meter;
use crate::types::Type;
use crate::value::{Opaque, Value};

const NAME: &str = "kubernetes.Semver";
const TYPE: Type = Type::opaque(NAME);

#[derive(Clone, Debug)]
struct Semver(Version);

impl Opaque for Semver {
    fn type_name(&self) -> &'static str {
        NAME
    }

    fn equals(&self, other: &dyn Opaque) -> bool {
        let other = other.as_any().downcast_ref::<Semver>();
        other.is_some_and(|other| self.0.cmp_precedence(&other.0).is_eq())
    }

    fn work(&self) -> usize {
        self.0.pre.len().saturating_add(16)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn text(&self) -> String {
        self.0.to_string()
    }
}

pub(super) fn library() -> Declarations {
    let compare = |name, result, implementation: Implementation| {
        Function::new(name, [Overload::member([TYPE, TYPE], result, implementation)])
    };
    let number = |name, implementation: Implementation| {
        Function::new(name, [Overload::member([TYPE], Type::Int, implementation)])
    };
    let from_text = |name, result: Type, implementation: Implementation| {
        let cost = |arguments: &[Value<'_>], _: &Value<'_>| per_character(arguments, CHARACTER);
        let plain = Overload::global([Type::String], result.clone(), implementation).costs(cost);
        let lenient =
            Overload::global([Type::String, Type::Bool], result, implementation).costs(cost);
        Function::new(name, [plain, lenient])
    };
    Declarations {
        functions: vec![
            from_text("semver", TYPE, |arguments, meter| {
                let version = read("semver", arguments, meter)?;
                let version =
                    version.ok_or(EvaluationError::failed("semver", "the text is no version"))?;
                Ok(Value::opaque(Semver(version)))
            }),
            from_text("isSemver", Type::Bool, |arguments, meter| {
                Ok(Value::Bool(read("isSemver", arguments, meter)?.is_some()))
            }),
            compare("isGreaterThan", Type::Bool, |arguments, _| {
                Ok(Value::Bool(ordering(arguments)?.is_gt()))
            }),
            compare("isLessThan", Type::Bool, |arguments, _| {
                Ok(Value::Bool(ordering(arguments)?.is_lt()))
            }),
            compare("compareTo", Type::Int, |arguments, _| {
                Ok(Value::Int(ordering(arguments)? as i64))
            }),
            number("major", |arguments, _| part(arguments, |version| version.major)),
            number("minor", |arguments, _| part(arguments, |version| version.minor)),
            number("patch", |arguments, _| part(arguments, |version| version.patch)),
        ],
        types: vec![(NAME, TYPE)],
        ..Declarations::default()
    }
}

fn read(
    function: &'static str,
    arguments: &[Value<'_>],
    meter: &mut Meter,
) -> Result<Option<Version>, EvaluationError> {
    let (text, lenient) = match arguments {
        [Value::String(text)] => (text, false),
        [Value::String(text), Value::Bool(lenient)] => (text, *lenient),
        _ => return Err(EvaluationError::no_overload(function)),
    };
    meter.work(text.len().saturating_mul(2))?;
    if !lenient {
        return Ok(parse(text));
    }
    Ok(normalized(text).and_then(|text| parse(&text)))
}

fn parse(text: &str) -> Option<Version> {
    let version = Version::parse(text).ok()?;
    // Upstream keeps numbers of pre-releases in 64 bits and refuses longer ones.
    let fits =
        |part: &str| !part.bytes().all(|byte| byte.is_ascii_digit()) || part.parse::<u64>().is_ok();
    (version.pre.is_empty() || version.pre.split('.').all(fits)).then_some(version)
}

/// Without a leading `v` and leading zeros, with what is missing of three numbers.
fn normalized(text: &str) -> Option<String> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let mut parts: Vec<Cow<'_, str>> = text.splitn(3, '.').map(without_zeros).collect();
    if parts.len() < 3 && parts.last().is_some_and(|last| last.contains(['+', '-'])) {
        return None;
    }
    while parts.len() < 3 {
        parts.push(Cow::Borrowed("0"));
    }
    Some(parts.join("."))
}

fn without_zeros(part: &str) -> Cow<'_, str> {
    if part.len() < 2 {
        return Cow::Borrowed(part);
    }
    let shorter = part.trim_start_matches('0');
    if shorter.starts_with(|first: char| first.is_ascii_digit()) {
        Cow::Borrowed(shorter)
    } else {
        Cow::Owned(format!("0{shorter}"))
    }
}

fn this<'v>(value: Option<&'v Value<'_>>) -> Result<&'v Version, EvaluationError> {
    let version = value.and_then(Value::downcast::<Semver>);
    version.map(|version| &version.0).ok_or(EvaluationError::no_overload("semver"))
}

fn ordering(arguments: &[Value<'_>]) -> Result<Ordering, EvaluationError> {
    Ok(this(arguments.first())?.cmp_precedence(this(arguments.get(1))?))
}

fn part<'a>(
    arguments: &[Value<'a>],
    part: fn(&Version) -> u64,
) -> Result<Value<'a>, EvaluationError> {
    // Go's conversion, which wraps.
    Ok(Value::Int(part(this(arguments.first())?).cast_signed()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lenient_reading_fills_in_and_strips() {
        for (text, expected) in [
            ("v1.2.3", Some("1.2.3")),
            ("1", Some("1.0.0")),
            ("v01.002", Some("1.2.0")),
            ("00", Some("0.0.0")),
            ("1.2.03-rc.1", Some("1.2.3-rc.1")),
            ("1.2-rc.1", None),
            ("1.2.3.4", None),
            ("", None),
        ] {
            let read = normalized(text).and_then(|text| parse(&text)).map(|read| read.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_strict_reading_refuses_what_the_standard_does() {
        for text in
            ["1.2", "v1.2.3", "01.2.3", "1.2.3-01", "1.2.3-18446744073709551616", "1.2.3-", ""]
        {
            assert!(parse(text).is_none(), "{text}");
        }
        assert!(parse("1.2.3-alpha.1+build.01").is_some());
    }
}
