//! `kubernetes.format`: named formats, and the reasons why a string is not in one.
//! Never a template of `ext.Strings` (`string_format`).

use std::any::Any;

use super::cost::matching;
use crate::error::EvaluationError;
use crate::function::{Declarations, Function, Implementation, Overload};
use crate::meter::Meter;
use crate::types::Type;
use crate::value::{Opaque, Value};

mod names;
#[cfg(test)]
mod tests;
mod texts;

const NAME: &str = "kubernetes.NamedFormat";
const TYPE: Type = Type::opaque(NAME);

/// The faults of a text; empty for a text in the format.
type Check = fn(&str) -> Vec<String>;

/// A format that has a name.
#[derive(Clone, Copy, Debug)]
struct Format {
    /// As expressions write it: `format.uuid()`.
    name: &'static str,
    /// As upstream calls the format itself.
    title: &'static str,
    check: Check,
    /// The length of the pattern that upstream would match with; for the cost only.
    pattern: u64,
}

const FORMATS: [Format; 13] = [
    format("dns1123Label", "DNS1123Label", names::dns_label, 30),
    format("dns1123Subdomain", "DNS1123Subdomain", names::dns_subdomain, 60),
    format("dns1035Label", "DNS1035Label", names::dns_1035_label, 30),
    format("qualifiedName", "QualifiedName", names::qualified_name, 60),
    format("dns1123LabelPrefix", "DNS1123LabelPrefix", names::dns_label_prefix, 30),
    format("dns1123SubdomainPrefix", "DNS1123SubdomainPrefix", names::dns_subdomain_prefix, 60),
    format("dns1035LabelPrefix", "DNS1035LabelPrefix", names::dns_1035_label_prefix, 30),
    format("labelValue", "LabelValue", names::label_value, 40),
    format("uri", "URI", texts::uri, 1103),
    format("uuid", "uuid", texts::uuid, 78),
    format("byte", "byte", texts::base64, 84),
    format("date", "date", texts::date, 85),
    format("datetime", "datetime", texts::date_time, 85),
];

const fn format(name: &'static str, title: &'static str, check: Check, pattern: u64) -> Format {
    Format { name, title, check, pattern }
}

impl Opaque for Format {
    fn type_name(&self) -> &'static str {
        NAME
    }

    fn equals(&self, other: &dyn Opaque) -> bool {
        other.as_any().downcast_ref::<Format>().is_some_and(|other| self.name == other.name)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn text(&self) -> String {
        self.title.to_owned()
    }
}

pub(super) fn library() -> Declarations {
    let constant = |name, implementation: Implementation| {
        Function::new(name, [Overload::global([], TYPE, implementation)])
    };
    let mut functions = vec![
        Function::new(
            "format.named",
            [Overload::global([Type::String], Type::optional(TYPE), |arguments, _| {
                let [Value::String(name)] = arguments else {
                    return Err(EvaluationError::no_overload("format.named"));
                };
                let format = FORMATS.iter().find(|format| format.name == &**name);
                Ok(format
                    .map_or(Value::Optional(None), |format| Value::some(Value::opaque(*format))))
            })],
        ),
        Function::new(
            "validate",
            [Overload::member(
                [TYPE, Type::String],
                Type::optional(Type::list(Type::String)),
                validate,
            )
            .costs(|arguments, _| match arguments {
                [format, text] => format
                    .downcast::<Format>()
                    .map_or(1, |format| matching(text.size(), format.pattern)),
                _ => 1,
            })],
        ),
    ];
    functions.extend([
        constant("format.dns1123Label", |_, _| named("dns1123Label")),
        constant("format.dns1123Subdomain", |_, _| named("dns1123Subdomain")),
        constant("format.dns1035Label", |_, _| named("dns1035Label")),
        constant("format.qualifiedName", |_, _| named("qualifiedName")),
        constant("format.dns1123LabelPrefix", |_, _| named("dns1123LabelPrefix")),
        constant("format.dns1123SubdomainPrefix", |_, _| named("dns1123SubdomainPrefix")),
        constant("format.dns1035LabelPrefix", |_, _| named("dns1035LabelPrefix")),
        constant("format.labelValue", |_, _| named("labelValue")),
        constant("format.uri", |_, _| named("uri")),
        constant("format.uuid", |_, _| named("uuid")),
        constant("format.byte", |_, _| named("byte")),
        constant("format.date", |_, _| named("date")),
        constant("format.datetime", |_, _| named("datetime")),
    ]);
    Declarations { functions, types: vec![(NAME, TYPE)], ..Declarations::default() }
}

fn named<'a>(name: &'static str) -> Result<Value<'a>, EvaluationError> {
    let format = FORMATS.iter().find(|format| format.name == name);
    format.map(|format| Value::opaque(*format)).ok_or(EvaluationError::no_overload("format"))
}

fn validate<'a>(arguments: &[Value<'a>], meter: &mut Meter) -> Result<Value<'a>, EvaluationError> {
    let [format, Value::String(text)] = arguments else {
        return Err(EvaluationError::no_overload("validate"));
    };
    let format: &Format = format.downcast().ok_or(EvaluationError::no_overload("validate"))?;
    meter.work(text.len().saturating_mul(2).saturating_add(1024))?;
    let faults = (format.check)(text);
    if faults.is_empty() {
        return Ok(Value::Optional(None));
    }
    Ok(Value::some(Value::list(faults.into_iter().map(Value::string).collect())))
}
