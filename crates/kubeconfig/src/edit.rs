//! Describes a kubeconfig change as data, and applies it to a file's text.
//! Never returns a text that means anything but the old one plus the change.

use located_yaml::{splice, typed};
use serde_json::{Map, Value, json};

use crate::KubeconfigFault;

/// One change.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// Set the user entry `name`.
    User {
        /// The user entry's name.
        name: String,
        /// The value when the change was planned; any other value is a conflict.
        before: Option<Value>,
        /// The new value.
        after: Value,
    },
    /// Let the context use this user.
    Context {
        /// The context's name.
        name: String,
        /// The user entry's name.
        user: String,
    },
}

/// Applies edits to a text.
pub fn apply(text: &str, edits: &[Edit]) -> Result<String, KubeconfigFault> {
    let old = value_of(text)?;
    let mut new = old.clone();
    if new.is_null() {
        // What kubectl writes to a new file, without the empty lists.
        new = json!({ "apiVersion": "v1", "kind": "Config" });
    }
    for edit in edits {
        change(&mut new, edit)?;
    }
    if new == old {
        return Ok(text.to_owned());
    }
    let changed = splice(text, &old, &new).map_err(|_| KubeconfigFault::Unwritable)?;
    match value_of(&changed) {
        Ok(said) if said == new => Ok(changed),
        _ => Err(KubeconfigFault::Unwritable),
    }
}

/// Whether a text has anything but comments.
pub(crate) fn has_content(text: &str) -> bool {
    text.trim_start_matches('\u{feff}')
        .lines()
        .map(str::trim)
        .any(|line| !(line.is_empty() || line.starts_with('#') || line == "---" || line == "..."))
}

/// Parses a text. A text with nothing but comments is `Null`.
pub fn value_of(text: &str) -> Result<Value, KubeconfigFault> {
    let text = text.trim_start_matches('\u{feff}');
    if !has_content(text) {
        return Ok(Value::Null);
    }
    typed::read(text).map_err(KubeconfigFault::NotYaml)
}

fn change(document: &mut Value, edit: &Edit) -> Result<(), KubeconfigFault> {
    match edit {
        Edit::User { name, before, after } => match entry(document, "users", name)? {
            Some(entry) => {
                if entry.get("user").unwrap_or(&Value::Null)
                    != before.as_ref().unwrap_or(&Value::Null)
                {
                    return Err(KubeconfigFault::Conflict(format!("user `{name}`")));
                }
                entry.insert("user".to_owned(), after.clone());
            }
            None if before.is_some() => {
                return Err(KubeconfigFault::Conflict(format!("user `{name}`")));
            }
            None => {
                let added = json!({ "name": name, "user": after });
                list(document, "users")?.push(added);
            }
        },
        Edit::Context { name, user } => {
            let entry = entry(document, "contexts", name)?
                .ok_or_else(|| KubeconfigFault::Conflict(format!("context `{name}`")))?;
            match entry.get_mut("context") {
                Some(Value::Object(context)) => {
                    context.insert("user".to_owned(), Value::from(user.as_str()));
                }
                None | Some(Value::Null) => {
                    entry.insert("context".to_owned(), json!({ "user": user }));
                }
                Some(_) => return Err(KubeconfigFault::NotAKubeconfig("a context")),
            }
        }
    }
    Ok(())
}

/// The item of a list with that name; the reader refuses files that have two.
fn entry<'d>(
    document: &'d mut Value,
    key: &'static str,
    name: &str,
) -> Result<Option<&'d mut Map<String, Value>>, KubeconfigFault> {
    for item in list(document, key)? {
        let Value::Object(fields) = item else {
            return Err(KubeconfigFault::NotAKubeconfig(key));
        };
        if fields.get("name").and_then(Value::as_str) == Some(name) {
            return Ok(Some(fields));
        }
    }
    Ok(None)
}

fn list<'d>(
    document: &'d mut Value,
    key: &'static str,
) -> Result<&'d mut Vec<Value>, KubeconfigFault> {
    let Value::Object(fields) = document else {
        return Err(KubeconfigFault::NotAKubeconfig("it"));
    };
    let value = fields.entry(key).or_insert(Value::Null);
    if value.is_null() {
        *value = json!([]);
    }
    value.as_array_mut().ok_or(KubeconfigFault::NotAKubeconfig(key))
}

#[cfg(test)]
mod tests;
