//! Renders values as YAML that every reader parses alike, in kubectl's order and style.
//! Never leaves a string unquoted that some YAML reader would take for another type.

use serde_json::{Map, Value};

/// A whole document in block style.
pub fn document(value: &Value) -> String {
    block(value, 0, "\n") + "\n"
}

/// `text` as a scalar: plain if that is safe in YAML 1.1 and 1.2 (with `,` only outside of `[]` and
/// `{}`), else in double quotes: every JSON string is a YAML string.
pub fn scalar(text: &str) -> String {
    let is_word = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/')
        || text.starts_with("--");
    let is_plain =
        text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_.:@=+-".contains(&byte))
            && !text.ends_with(':')
            && text != "--";
    let lower = text.to_ascii_lowercase();
    let is_taken =
        ["true", "false", "yes", "no", "y", "n", "on", "off", "null"].contains(&lower.as_str());
    if is_word && is_plain && !is_taken { text.to_owned() } else { quoted(text) }
}

/// `text` in double quotes, valid as JSON and as YAML, which needs more characters escaped.
pub fn quoted(text: &str) -> String {
    with_escapes(&Value::from(text).to_string())
}

fn with_escapes(json: &str) -> String {
    let is_special =
        |c: char| matches!(c, '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}');
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if is_special(c) {
            escaped.extend(["\\u", &format!("{:04x}", u32::from(c))]);
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// Whether the value fits on the line of its key.
pub fn is_inline(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

/// The value on one line, after `key: ` or `- `.
fn inline(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text),
        other => other.to_string(),
    }
}

/// One `key: value` in block style, `indent` columns from the left; ends without a line break.
pub fn entry(key: &str, value: &Value, indent: usize, newline: &str) -> String {
    let key = scalar(key);
    if is_inline(value) {
        return format!("{key}: {}", inline(value));
    }
    // As kubectl does: the dashes of a list are at the indentation of its key.
    let deeper = if value.is_array() { indent } else { indent + 2 };
    format!("{key}:{newline}{:deeper$}{}", "", block(value, deeper, newline))
}

/// A value in block style; its first line is not indented, its last has no line break.
pub fn block(value: &Value, indent: usize, newline: &str) -> String {
    let between = format!("{newline}{:indent$}", "");
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            let entries: Vec<String> =
                ordered(fields).map(|(key, value)| entry(key, value, indent, newline)).collect();
            entries.join(&between)
        }
        Value::Array(items) if !items.is_empty() => {
            let items: Vec<String> = items
                .iter()
                .map(|item| format!("- {}", block(item, indent + 2, newline)))
                .collect();
            items.join(&between)
        }
        other => inline(other),
    }
}

/// In which language a value on one line is written: all JSON is YAML, but not in kubectl's style.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    /// Every text in double quotes.
    Json,
    /// Texts plain where that is safe.
    Yaml,
}

/// A value in flow style on one line.
pub fn flow(value: &Value, syntax: Syntax) -> String {
    let text = |text: &str| match syntax {
        Syntax::Json => quoted(text),
        Syntax::Yaml => scalar(text),
    };
    match value {
        Value::String(given) => text(given),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| flow(item, syntax)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(fields) => {
            let entries: Vec<String> = ordered(fields)
                .map(|(key, value)| format!("{}: {}", text(key), flow(value, syntax)))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
        other => other.to_string(),
    }
}

/// A value as JSON on several lines; all but the first are indented by `indent` columns.
pub fn json_lines(value: &Value, indent: usize, newline: &str) -> String {
    // Escaping affects strings only: everything else is ASCII.
    let text = with_escapes(&format!("{value:#}"));
    text.replace('\n', &format!("{newline}{:indent$}", ""))
}

/// Fields in kubectl's order: alphabetical, but a list item's name comes first.
fn ordered(fields: &Map<String, Value>) -> impl Iterator<Item = (&str, &Value)> {
    let mut all: Vec<(&str, &Value)> =
        fields.iter().map(|(key, value)| (key.as_str(), value)).collect();
    all.sort_by_key(|(key, _)| (*key != "name", *key));
    all.into_iter()
}

#[cfg(any(test, feature = "strategies"))]
pub mod strategies {
    //! Values for properties.

    use proptest::prelude::*;
    use serde_json::Value;

    /// Any value, with texts that YAML must quote.
    pub fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[ -~]{0,8}".prop_map(Value::from),
            "[a-zü\n\t:#'\"]{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-z: -]{1,5}", inner, 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Value {
        serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    #[test]
    fn values_look_as_kubectl_writes_them() {
        let value = json!({
            "user": { "exec": { "args": ["get-token", "a: b"], "env": null, "x": [], "z": {} } },
            "name": "a",
        });
        assert_eq!(
            block(&value, 2, "\n"),
            "name: a\n  user:\n    exec:\n      args:\n      - get-token\n      - \"a: b\"\n      \
             env: null\n      x: []\n      z: {}"
        );
        assert_eq!(flow(&value["user"]["exec"]["args"], Syntax::Yaml), "[get-token, \"a: b\"]");
        assert_eq!(flow(&json!({ "a": [1, "b"] }), Syntax::Json), r#"{"a": [1, "b"]}"#);
    }

    #[test]
    fn no_text_changes_its_meaning() {
        for text in [
            "true",
            "No",
            "null",
            "~",
            "",
            "-",
            "--",
            "1e3",
            "0x10",
            "a: b",
            "a #b",
            "a\"b\\c\n",
            "ends:",
            "müller",
            "y",
            "n",
            "2026-01-01",
            "*x",
            "{x}",
            "a,b",
            "=",
            "<<",
            "\u{2028}",
            "\u{7f}",
            " a",
            "a ",
            "- a",
            "? a",
            "--a=b c",
        ] {
            assert_eq!(read(&format!("k: {}\n", scalar(text)))["k"], text, "{text:?}");
            assert_eq!(read(&format!("[{}]\n", scalar(text)))[0], text, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn every_value_reads_back_in_every_style(value in strategies::value()) {
            let value = json!({ "k": value });
            prop_assert_eq!(&read(&block(&value, 0, "\n")), &value);
            prop_assert_eq!(&read(&block(&value, 0, "\r\n")), &value);
            prop_assert_eq!(&read(&flow(&value, Syntax::Yaml)), &value);
            prop_assert_eq!(&read(&flow(&value, Syntax::Json)), &value);
            prop_assert_eq!(&read(&json_lines(&value, 2, "\n")), &value);
        }
    }
}
