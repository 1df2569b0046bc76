//! Names in JSON that are no identifiers: `data.example__dot__org` selects `example.org`.
//! Never the other direction: nothing is escaped here.

use std::borrow::Cow;

use crate::reserved::is_reserved;

/// The name that is meant; none if it holds an escape that is not known.
pub(super) fn unescape(name: &str) -> Option<Cow<'_, str>> {
    if !name.contains("__") {
        return Some(Cow::Borrowed(name));
    }
    let mut plain = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        if let Some(content) = escape(rest) {
            plain.push_str(match content {
                "underscores" => "__",
                "dot" => ".",
                "dash" => "-",
                "slash" => "/",
                // They mean themselves, if with the underscores they are the whole name.
                word if is_reserved(word) && word.len() + 4 == name.len() => word,
                _ => return None,
            });
            rest = rest.get(content.len() + 4..)?;
        } else {
            plain.push(first);
            rest = rest.get(first.len_utf8()..)?;
        }
    }
    Some(Cow::Owned(plain))
}

/// The text between the underscores at the beginning.
fn escape(text: &str) -> Option<&str> {
    let content = text.strip_prefix("__")?;
    let length = content.find('_')?;
    let (content, after) = content.split_at_checked(length)?;
    (!content.is_empty() && after.starts_with("__")).then_some(content)
}
