//! Parses the operator's revocation list: YAML, one entry per token, session, subject or issuer.
//! Never applies part of a list: one wrong entry refuses the whole list, so that the operator does
//! not rely on a revocation that is not in force.

use std::{collections::HashSet, sync::Arc};

use located_yaml::Root;

use super::{
    fields::{Field, Mapping},
    problems::{Faults, Problem},
    static_tokens::moment,
};
use crate::revocations::{Revocation, Revocations, Revoked};

/// Maximum entries of a list.
pub const MAX_ENTRIES: usize = 100_000;
/// Maximum length of a list in bytes.
pub const MAX_LENGTH: usize = 32 * 1024 * 1024;
/// Each entry with the values of its keys, plus the list.
const MAX_NODES: usize = MAX_ENTRIES * 6 + 1;
/// Maximum bytes of an identifier; no token contains a longer one.
const MAX_NAME: usize = 16 * 1024;

/// Parses `text`; `file` is only named in problems. Returns every fault at once.
pub fn parse(text: &str, file: &str) -> Result<Revocations, Vec<Problem>> {
    let mut faults = Faults::new(file);
    let mut entries = Vec::new();
    let mut issuers = Issuers::default();
    let mut count = 0;
    let read = located_yaml::items_within(text, MAX_LENGTH, MAX_NODES, &mut |index, item| {
        count += 1;
        if count <= MAX_ENTRIES {
            entries.extend(entry(&Field::of_list(index, &item), &mut issuers, &mut faults));
        }
    });
    match read {
        Err(fault) => {
            faults = Faults::new(file);
            faults.add(fault.line, "", fault.message);
        }
        // The file may be half written, or the variable of a template was unset.
        Ok(Root::Other(tree)) if tree.value == located_yaml::Value::Null => {
            faults.add(Some(tree.line), "", "is empty; `[]` is the list that revokes nothing");
        }
        Ok(Root::Other(tree)) => drop(Field::root(&tree).items(&mut faults)),
        Ok(Root::List(line)) if count > MAX_ENTRIES => {
            faults = Faults::new(file);
            faults.add(Some(line), "", format!("has more than {MAX_ENTRIES} entries"));
        }
        Ok(Root::List(_)) => {}
    }
    if faults.is_empty() { Ok(Revocations::new(entries)) } else { Err(faults.into_problems()) }
}

/// The names of issuers: few, and each is shared by many entries.
#[derive(Default)]
struct Issuers(HashSet<Arc<str>>);

impl Issuers {
    fn shared(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.0.get(name) {
            return Arc::clone(known);
        }
        let new: Arc<str> = name.into();
        self.0.insert(Arc::clone(&new));
        new
    }
}

fn entry(item: &Field<'_>, issuers: &mut Issuers, faults: &mut Faults) -> Option<Revocation> {
    let known = ["issuer", "jti", "session", "subject", "issuedBefore", "expires", "reason"];
    let keys = item.mapping(&known, faults)?;
    // "This subject" with the template's variable unset would revoke all users.
    keys.refuse_nulls(faults);
    let expires = keys.field("expires").map(|field| moment(&field, faults));
    let reason = name(&keys, "reason", faults);
    let what = what(item, &keys, issuers, faults);
    let expires_at = match expires {
        None => None,
        Some(moment) => Some(moment?),
    };
    Some(Revocation { what: what?, expires_at, reason })
}

fn what(
    item: &Field<'_>,
    keys: &Mapping<'_>,
    issuers: &mut Issuers,
    faults: &mut Faults,
) -> Option<Revoked> {
    let present = |key: &str| keys.field(key).is_some();
    let issuer = name(keys, "issuer", faults).map(|name| issuers.shared(&name));
    let before = keys.field("issuedBefore").map(|field| moment(&field, faults));
    let [id, session, subject] =
        ["jti", "session", "subject"].map(|key| present(key).then(|| name(keys, key, faults)));
    match (id, session, subject, before) {
        (Some(id), None, None, None) => Some(Revoked::Token { issuer, id: id? }),
        (None, Some(session), None, None) => Some(Revoked::Session { issuer, session: session? }),
        (None, None, Some(subject), Some(before)) => {
            // `sub` is unique within its issuer only (OpenID Connect Core §2).
            keys.required("issuer", faults)?;
            let (issuer, subject, issued_before) = (issuer?, subject?, before?);
            Some(Revoked::Subject { issuer, subject, issued_before })
        }
        (None, None, None, Some(before)) => {
            keys.required("issuer", faults)?;
            Some(Revoked::Issuer { issuer: issuer?, issued_before: before? })
        }
        (None, None, Some(_), None) => {
            keys.missing("issuedBefore", faults);
            None
        }
        (None, None, None, None) => {
            let message = "revokes nothing: needs `jti`, `session`, or `issuer` with \
                           `issuedBefore` and perhaps `subject`";
            item.fault(faults, message);
            None
        }
        _ => {
            let message = "names more than one thing; write an entry for each";
            item.fault(faults, message);
            None
        }
    }
}

fn name(keys: &Mapping<'_>, key: &str, faults: &mut Faults) -> Option<String> {
    let field = keys.field(key)?;
    let text = field.text(faults)?;
    if text.is_empty() || text.len() > MAX_NAME {
        field.fault(faults, format!("must have 1 to {MAX_NAME} bytes"));
        return None;
    }
    Some(text.to_owned())
}

#[cfg(test)]
mod tests {
    use login_common::UnixTime;
    use login_protocols::oidc::Claims;
    use serde_json::{Value, json};

    use super::*;

    const ISSUER: &str = "https://id.example";

    fn reason(list: &Revocations, claims: &Value) -> Option<String> {
        let claims = Claims::parse(claims.to_string().as_bytes()).unwrap();
        let now = UnixTime::parse_rfc3339("2026-01-31T12:00:00Z").unwrap();
        list.find(ISSUER, &claims, now)
            .map(|entry| entry.reason.clone().unwrap_or_else(|| "-".to_owned()))
    }

    #[test]
    fn each_kind_of_entry_is_read() {
        let text = "- {jti: t1, reason: lost laptop}\n\
                    - {issuer: \"https://id.example\", session: s1}\n\
                    - {issuer: \"https://id.example\", subject: jane, issuedBefore: 2026-01-31T00:00:00Z, expires: 2026-02-01T00:00:00Z}\n\
                    - issuer: https://id.example\n  issuedBefore: \"2026-01-01T00:00:00Z\"\n  reason: key leaked\n";
        let list = parse(text, "r").unwrap();
        assert_eq!(list.len(), 4);
        let second = |text: &str| UnixTime::parse_rfc3339(text).unwrap().as_seconds();
        let january = second("2026-01-15T00:00:00Z");
        for (claims, expected) in [
            (json!({"jti": "t1", "iat": january}), Some("lost laptop")),
            (json!({"sid": "s1", "iat": january}), Some("-")),
            (json!({"sub": "jane", "iat": january}), Some("-")),
            (json!({"sub": "bob", "iat": january}), None),
            (json!({"sub": "bob", "iat": second("2025-12-31T23:59:59Z")}), Some("key leaked")),
            (json!({"sub": "bob"}), Some("key leaked")),
        ] {
            assert_eq!(reason(&list, &claims).as_deref(), expected, "{claims}");
        }
    }

    #[test]
    fn only_an_explicit_empty_list_revokes_nothing() {
        for text in ["[]", "[]\n", "# nothing yet\n[]\n", "---\n[]\n...\n", "[ ]", "!!seq []"] {
            assert!(parse(text, "r").unwrap().is_empty(), "{text:?}");
        }
        for text in [
            "",
            "\n",
            "\r\n",
            " \n\n",
            "\t\n",
            "\u{feff}",
            "# nothing yet\n",
            "---",
            "---\n",
            "--- \n...\n",
            "null",
            "null\n",
            "Null",
            "NULL",
            "~",
            "--- ~\n",
            "!!null",
            "&a",
            "---\n---\n",
            "null\n---\n[]\n",
            "{}",
            "\"\"",
            "''",
            "false",
            "0",
            "- \n",
            "- ~\n",
            "|\n",
            ">\n",
        ] {
            let faults = parse(text, "r").unwrap_err();
            assert_eq!(faults.len(), 1, "{text:?}: {faults:?}");
        }
        let faults = parse("# nothing yet\n", "r").unwrap_err();
        let expected = "r:1: is empty; `[]` is the list that revokes nothing";
        assert_eq!(faults.first().unwrap().to_string(), expected);
    }

    #[test]
    fn every_fault_is_found_at_its_line() {
        let text = "- {jti: t1, session: s1}\n- {}\n- {issuer: x}\n- {subject: jane}\n\
                    - {subject: jane, issuedBefore: 2026-01-31T00:00:00Z}\n\
                    - {issuedBefore: 2026-01-31T00:00:00Z}\n- {jti: \"\"}\n- {jti: 7}\n\
                    - {jti: a, issuedBefore: 2026-01-31T00:00:00Z}\n- {jti: a, expires: never}\n\
                    - {sid: a}\n";
        let faults = parse(text, "r").unwrap_err();
        let shown: Vec<String> = faults.iter().map(ToString::to_string).collect();
        let nothing = "revokes nothing: needs `jti`, `session`, or `issuer` with `issuedBefore` and perhaps `subject`";
        assert_eq!(
            shown,
            [
                "r:1: [0]: names more than one thing; write an entry for each",
                &format!("r:2: [1]: {nothing}"),
                &format!("r:3: [2]: {nothing}"),
                "r:4: [3].issuedBefore: is required",
                "r:5: [4].issuer: is required",
                "r:6: [5].issuer: is required",
                "r:7: [6].jti: must have 1 to 16384 bytes",
                "r:8: [7].jti: must be a text, is a number (quote it to make it a text)",
                "r:9: [8]: names more than one thing; write an entry for each",
                "r:10: [9].expires: `never` is not an RFC 3339 time such as `2026-01-31T12:00:00Z`",
                "r:11: [10].sid: unknown key; known here: `issuer`, `jti`, `session`, `subject`, `issuedBefore`, `expires`, `reason`",
                &format!("r:11: [10]: {nothing}"),
            ]
        );
        let mapping = parse("jti: a\n", "r").unwrap_err();
        assert_eq!(mapping[0].message, "must be a list, is a mapping");
    }

    #[test]
    fn an_empty_value_is_not_an_absent_one() {
        let text = "- {issuer: \"https://id.example\", subject: ~, issuedBefore: 2026-01-31T00:00:00Z}\n\
                    - issuer:\n  jti: a\n";
        let shown: Vec<String> =
            parse(text, "r").unwrap_err().iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            [
                "r:1: [0].subject: has no value; leave the key out, or give it one",
                "r:2: [1].issuer: has no value; leave the key out, or give it one",
            ]
        );
        let left_out = parse("- {issuer: x, subject: , issuedBefore: y}\n", "r").unwrap_err();
        assert_eq!(left_out[0].message, "in brackets, a key must have a value");
    }

    #[test]
    fn a_list_is_bounded() {
        let entry = |number: usize| format!("- {{jti: \"{number}\"}}\n");
        let most: String = (0..MAX_ENTRIES).map(entry).collect();
        assert_eq!(parse(&most, "r").unwrap().len(), MAX_ENTRIES);
        let faults = parse(&format!("{most}- {{jti: x}}\n"), "r").unwrap_err();
        assert_eq!(faults[0].message, "has more than 100000 entries");
    }
}
