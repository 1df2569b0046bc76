//! Typed access to a located YAML tree; faults are collected.
//! Never reports a fault without its key; never stops before the end of the file.

use std::collections::HashMap;

use located_yaml::{Entry, Located, Value};

use super::problems::Faults;

/// A key that a mapping may have.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What it means.
    pub about: &'static str,
    /// The keys of its value.
    pub below: Below,
    restricts: bool,
}

/// The value of a [`Key`].
#[derive(Clone, Copy, Debug)]
pub enum Below {
    /// It has no keys of its own.
    Nothing,
    /// A mapping with these keys.
    Mapping(&'static [Key]),
    /// A list of mappings with these keys.
    List(&'static [Key]),
}

impl Key {
    /// A key whose value has no keys of its own.
    pub const fn of(name: &'static str, about: &'static str) -> Self {
        Self { name, about, below: Below::Nothing, restricts: false }
    }

    /// The same key with other keys below it.
    #[must_use]
    pub const fn with(self, below: Below) -> Self {
        Self { below, ..self }
    }

    /// The same key where null must not stand for an absent one: a template with an unset variable
    /// must not lift a restriction.
    #[must_use]
    pub const fn restricting(self) -> Self {
        Self { restricts: true, ..self }
    }
}

/// A value that is present and not null, with its path.
#[derive(Clone, Debug)]
pub struct Field<'t> {
    /// The path, such as `jwt[0].issuer`; empty for the root.
    pub key: String,
    /// The line of its key, or of the value in a list.
    pub line: u64,
    node: &'t Located,
}

impl<'t> Field<'t> {
    /// The whole document.
    pub fn root(tree: &'t Located) -> Self {
        Self { key: String::new(), line: tree.line, node: tree }
    }

    /// The item at `index` of a document that is a list.
    pub fn of_list(index: usize, item: &'t Located) -> Self {
        Self { key: format!("[{index}]"), line: item.line, node: item }
    }

    /// Adds a fault of this value.
    pub fn fault(&self, faults: &mut Faults, message: impl Into<String>) {
        faults.add(Some(self.line), &self.key, message);
    }

    /// Whether this is an empty text.
    pub fn is_empty_text(&self) -> bool {
        matches!(&self.node.value, Value::Text(text) if text.is_empty())
    }

    /// Whether this is an empty list.
    pub fn is_empty_list(&self) -> bool {
        matches!(&self.node.value, Value::Sequence(items) if items.is_empty())
    }

    /// A text; anything else is a fault.
    pub fn text(&self, faults: &mut Faults) -> Option<&'t str> {
        if let Value::Text(text) = &self.node.value {
            return Some(text);
        }
        self.fault(faults, format!("must be a text, is {}", kind(&self.node.value)));
        None
    }

    /// Whether this is null.
    pub fn is_null(&self) -> bool {
        self.node.value == Value::Null
    }

    /// The file's line with line `number` (from 1) of this text, as far as it is known: folded and
    /// quoted texts have one line only.
    pub fn line_of_text(&self, number: u64) -> u64 {
        match self.node.literal_line {
            Some(first) => first.saturating_add(number.saturating_sub(1)),
            None => self.node.line,
        }
    }

    /// The same value, with faults at line `number` (from 1) of its text.
    #[must_use]
    pub fn at_line_of_text(self, number: u64) -> Self {
        Self { line: self.line_of_text(number), ..self }
    }

    /// A boolean; anything else is a fault.
    pub fn flag(&self, faults: &mut Faults) -> Option<bool> {
        if let Value::Bool(flag) = &self.node.value {
            return Some(*flag);
        }
        self.fault(faults, format!("must be `true` or `false`, is {}", kind(&self.node.value)));
        None
    }

    /// A non-negative whole number in decimal; anything else is a fault.
    pub fn number(&self, faults: &mut Faults) -> Option<u64> {
        // `010` is eight to YAML 1.1 and ten to YAML 1.2.
        if let Value::Number(text) = &self.node.value
            && let Some(number) = decimal(text).and_then(|number| number.as_u64())
        {
            return Some(number);
        }
        self.fault(faults, "must be a whole number");
        None
    }

    /// The source text of a boolean or a number.
    pub fn literal(&self) -> Option<String> {
        match &self.node.value {
            Value::Bool(flag) => Some(flag.to_string()),
            Value::Number(text) => Some(text.clone()),
            _ => None,
        }
    }

    /// The value as JSON, with aliases expanded; a duplicate key is a fault, and so is a number
    /// that JSON writes differently.
    pub fn json(&self, faults: &mut Faults) -> serde_json::Value {
        json(self.node, &self.key, faults)
    }

    /// The items of a list, each with its own path; anything else is a fault.
    pub fn items(&self, faults: &mut Faults) -> Vec<Field<'t>> {
        let Value::Sequence(items) = &self.node.value else {
            self.fault(faults, format!("must be a list, is {}", kind(&self.node.value)));
            return Vec::new();
        };
        let item = |(index, item): (usize, &'t Located)| Field {
            key: format!("{}[{index}]", self.key),
            line: item.line,
            node: item,
        };
        items.iter().enumerate().map(item).collect()
    }

    /// The texts of a list, each with its own path.
    pub fn texts(&self, faults: &mut Faults) -> Vec<(Field<'t>, &'t str)> {
        let items = self.items(faults);
        items.into_iter().filter_map(|item| item.text(faults).map(|text| (item, text))).collect()
    }

    /// A mapping whose keys are all among `keys`; a null that lifts a restriction is a fault, too.
    pub fn keys(&self, keys: &[Key], faults: &mut Faults) -> Option<Mapping<'t>> {
        let names: Vec<&str> = keys.iter().map(|key| key.name).collect();
        let mapping = self.mapping(&names, faults)?;
        let restricts = |name: &str| keys.iter().any(|key| key.restricts && key.name == name);
        mapping.refuse_nulls_where(restricts, faults);
        Some(mapping)
    }

    /// A mapping whose keys are all in `known`, without duplicates; other keys are faults, and so
    /// is anything that is not a mapping.
    pub fn mapping(&self, known: &[&str], faults: &mut Faults) -> Option<Mapping<'t>> {
        let Value::Mapping(entries) = &self.node.value else {
            self.fault(faults, format!("must be a mapping, is {}", kind(&self.node.value)));
            return None;
        };
        // `known` is short, and a long list has many mappings.
        let mut lines: Vec<Option<u64>> = vec![None; known.len()];
        let mut unknown = HashMap::new();
        for entry in entries {
            let place = known.iter().position(|name| *name == entry.key);
            let earlier = match place.and_then(|place| lines.get_mut(place)) {
                Some(line) => line.replace(entry.line),
                None => unknown.insert(entry.key.as_str(), entry.line),
            };
            let message = match earlier {
                Some(earlier) => format!("the key stands already in line {earlier}"),
                None if place.is_some() => continue,
                None => format!("unknown key; known here: `{}`", known.join("`, `")),
            };
            faults.add(Some(entry.line), &join(&self.key, &entry.key), message);
        }
        Some(Mapping { key: self.key.clone(), line: self.line, entries })
    }
}

/// A mapping whose keys were checked.
#[derive(Clone, Debug)]
pub struct Mapping<'t> {
    /// The path, such as `jwt[0].issuer`; empty for the root.
    pub key: String,
    /// The line of its key, or where it begins in a list.
    pub line: u64,
    entries: &'t [Entry],
}

impl<'t> Mapping<'t> {
    /// The value of `name`; `None` when it is absent or null.
    pub fn field(&self, name: &str) -> Option<Field<'t>> {
        let entry = self.entries.iter().find(|entry| entry.key == name)?;
        if entry.value.value == Value::Null {
            return None;
        }
        Some(Field { key: join(&self.key, name), line: entry.line, node: &entry.value })
    }

    /// Reports every null value, where it must not be mistaken for an absent one.
    pub fn refuse_nulls(&self, faults: &mut Faults) {
        self.refuse_nulls_where(|_| true, faults);
    }

    fn refuse_nulls_where(&self, is_meant: impl Fn(&str) -> bool, faults: &mut Faults) {
        let is_null = |entry: &&Entry| entry.value.value == Value::Null && is_meant(&entry.key);
        for entry in self.entries.iter().filter(is_null) {
            let key = join(&self.key, &entry.key);
            faults.add(Some(entry.line), &key, "has no value; leave the key out, or give it one");
        }
    }

    /// The value of `name`; absent or null is a fault.
    pub fn required(&self, name: &str, faults: &mut Faults) -> Option<Field<'t>> {
        let field = self.field(name);
        if field.is_none() {
            self.missing(name, faults);
        }
        field
    }

    /// The text of `name`; `None` when it is absent, null or (after a fault) of another type.
    pub fn text(&self, name: &str, faults: &mut Faults) -> Option<&'t str> {
        self.field(name)?.text(faults)
    }

    /// Reports that `name` is required.
    pub fn missing(&self, name: &str, faults: &mut Faults) {
        let entry = self.entries.iter().find(|entry| entry.key == name);
        let line = entry.map_or(self.line, |entry| entry.line);
        faults.add(Some(line), &join(&self.key, name), "is required");
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// A number that JSON and YAML write alike, so that all parsers agree on it.
fn decimal(text: &str) -> Option<serde_json::Number> {
    text.parse().ok()
}

fn json(located: &Located, key: &str, faults: &mut Faults) -> serde_json::Value {
    match &located.value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(flag) => (*flag).into(),
        Value::Number(text) => {
            let number = decimal(text);
            if number.is_none() {
                faults.add(Some(located.line), key, "must be written as JSON writes numbers");
            }
            number.map_or(serde_json::Value::Null, Into::into)
        }
        Value::Text(text) => text.as_str().into(),
        Value::Sequence(items) => items.iter().map(|item| json(item, key, faults)).collect(),
        Value::Mapping(entries) => {
            let mut members = serde_json::Map::new();
            for entry in entries {
                let path = join(key, &entry.key);
                let member = json(&entry.value, &path, faults);
                if members.insert(entry.key.clone(), member).is_some() {
                    faults.add(Some(entry.line), &path, "the key stands already above");
                }
            }
            members.into()
        }
    }
}

const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "empty",
        Value::Bool(_) => "a boolean (quote it to make it a text)",
        Value::Number(_) => "a number (quote it to make it a text)",
        Value::Text(_) => "a text",
        Value::Sequence(_) => "a list",
        Value::Mapping(_) => "a mapping",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_misfit_is_collected_with_its_path_and_line() {
        let tree =
            located_yaml::parse("a: yes\nb: [x, 1]\nc: text\nd: -1\nd: 2\ne: {f: null, f: 1}\n")
                .unwrap();
        let mut faults = Faults::new("f.yaml");
        let root = Field::root(&tree).mapping(&["a", "b", "c", "d", "e"], &mut faults).unwrap();
        assert_eq!(root.text("a", &mut faults), None);
        assert_eq!(root.field("b").unwrap().texts(&mut faults).len(), 1);
        assert!(root.field("c").unwrap().items(&mut faults).is_empty());
        assert_eq!(root.field("c").unwrap().flag(&mut faults), None);
        assert_eq!(root.field("d").unwrap().number(&mut faults), None);
        let inner = root.field("e").unwrap().mapping(&[], &mut faults).unwrap();
        assert!(inner.required("f", &mut faults).is_none());
        assert!(root.required("g", &mut faults).is_none());
        let shown: Vec<String> = faults.into_problems().iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            [
                "f.yaml:1: a: must be a text, is a boolean (quote it to make it a text)",
                "f.yaml:1: g: is required",
                "f.yaml:2: b[1]: must be a text, is a number (quote it to make it a text)",
                "f.yaml:3: c: must be a list, is a text",
                "f.yaml:3: c: must be `true` or `false`, is a text",
                "f.yaml:4: d: must be a whole number",
                "f.yaml:5: d: the key stands already in line 4",
                "f.yaml:6: e.f: unknown key; known here: ``",
                "f.yaml:6: e.f: the key stands already in line 6",
                "f.yaml:6: e.f: is required",
            ]
        );
    }

    #[test]
    fn a_number_is_taken_where_all_readers_of_yaml_and_json_read_the_same() {
        for (text, number) in [
            ("10", Some(10)),
            ("0", Some(0)),
            ("010", None),
            ("0x10", None),
            ("0o10", None),
            ("1_0", None),
            ("+1", None),
            ("-1", None),
            ("1.5", None),
        ] {
            let tree = located_yaml::parse(&format!("a: {text}\n")).unwrap();
            let mut faults = Faults::new("f.yaml");
            let root = Field::root(&tree).mapping(&["a"], &mut faults).unwrap();
            assert_eq!(root.field("a").unwrap().number(&mut faults), number, "{text}");
            assert_eq!(faults.is_empty(), number.is_some(), "{text}");
        }
        let json = |text: &str| {
            let tree = located_yaml::parse(text).unwrap();
            let mut faults = Faults::new("f.yaml");
            let value = Field::root(&tree).json(&mut faults);
            faults.into_problems().first().map_or(Ok(value), |problem| Err(problem.to_string()))
        };
        assert_eq!(json("a: [1, -2.5, 1e3]"), Ok(serde_json::json!({ "a": [1, -2.5, 1e3] })));
        for text in ["a:\n- 017\n", "a:\n- 0x1F\n", "a:\n- .5\n"] {
            let expected = "f.yaml:2: a: must be written as JSON writes numbers".to_owned();
            assert_eq!(json(text), Err(expected), "{text}");
        }
    }
}
