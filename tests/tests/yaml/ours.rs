//! How our programs read a text.
//! Never uses a reader that they do not use.

use located_yaml::{Located, typed};
use login_review::config::authentication_configuration;
use serde_json::{Map, Value, json};

use crate::world::{Reader, Reading};

/// Stands for a number that is not a JSON number; only go-yaml knows its value.
pub(crate) const NUMBER: &str = "a number of YAML 1.1";

pub(crate) fn reading(reader: Reader, text: &str) -> Reading {
    match reader {
        Reader::Strict => {
            let tree = located_yaml::parse(text).map_err(|fault| fault.message)?;
            value(&tree)
        }
        Reader::Authentication => match authentication_configuration::parse(text, "f") {
            Ok(_) => Ok(Value::Bool(true)),
            Err(problems) => Err(problems
                .first()
                .map(|problem| format!("{}: {}", problem.key, problem.message))
                .unwrap_or_default()),
        },
        Reader::Lenient => typed::read_as_kubectl(text).map_err(|error| error.to_string()),
    }
}

fn value(tree: &Located) -> Reading {
    Ok(match &tree.value {
        located_yaml::Value::Null => Value::Null,
        located_yaml::Value::Bool(flag) => Value::Bool(*flag),
        located_yaml::Value::Number(text) => {
            text.parse().map_or_else(|_| json!({ NUMBER: text }), Value::Number)
        }
        located_yaml::Value::Text(text) => Value::String(text.clone()),
        located_yaml::Value::Sequence(items) => {
            items.iter().map(value).collect::<Result<Vec<_>, _>>()?.into()
        }
        located_yaml::Value::Mapping(entries) => {
            let mut members = Map::new();
            for entry in entries {
                // As `Field::mapping` reads it.
                if members.insert(entry.key.clone(), value(&entry.value)?).is_some() {
                    return Err("a key stands twice".to_owned());
                }
            }
            members.into()
        }
    })
}
