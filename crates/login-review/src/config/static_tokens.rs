//! Parses files of static tokens: Kubernetes' CSV (kube-apiserver's `--token-auth-file`), and YAML
//! that contains only the SHA-256 of each token.
//! Never repeats a token in a fault; never stores one; never accepts a line that could not match.

mod csv;

use std::collections::BTreeSet;

use login_common::{Identity, UnixTime};

use super::{
    fields::{Field, Mapping},
    problems::Faults,
};
use crate::{
    guard::Guard,
    policy::static_tokens::{StaticTokens, StaticUser, TokenDigest},
    route::{Shape, shape},
    verdict::Reason,
};

/// Minimum entropy in bits of a token that is not known to be random.
const LEAST_BITS: f64 = 128.0;

/// The tokens of one or more files, while they are parsed.
#[derive(Debug)]
pub struct Reading<'g> {
    /// The tokens so far.
    pub tokens: StaticTokens,
    /// The guard that each user must pass.
    pub guard: &'g Guard,
}

impl Reading<'_> {
    /// Kubernetes' format: `token,user,uid,"group1,group2"`, by the rules of Go's `encoding/csv`. A
    /// line without a token is skipped with a warning, as in kube-apiserver; a duplicate token is a
    /// fault, where kube-apiserver takes the last line.
    pub fn csv(&mut self, text: &str, faults: &mut Faults, warnings: &mut Faults) {
        let records = match csv::records(text) {
            Ok(records) => records,
            Err(fault) => return faults.add(Some(fault.line), "", fault.message),
        };
        for record in records {
            let line = Some(record.line);
            let [token, username, uid, rest @ ..] = record.fields.as_slice() else {
                faults.add(line, "", "needs at least three columns: token, user, uid");
                continue;
            };
            if token.is_empty() {
                warnings.add(line, "", "has no token and is left out");
                continue;
            }
            if let Some(message) = unusable(token) {
                faults.add(line, "", message);
                continue;
            }
            let bits = possible_bits(token);
            if bits < LEAST_BITS {
                let message = format!(
                    "the token has {bits:.0} bits at most and can be guessed; {LEAST_BITS} are the least"
                );
                warnings.add(line, "", message);
            }
            let groups = rest.first().map_or("", String::as_str).split(',');
            let user = StaticUser {
                username: username.clone(),
                uid: uid.clone(),
                groups: unique(groups),
                not_after: None,
            };
            self.add(TokenDigest::of(token), user, (line, ""), faults, warnings);
        }
    }

    /// A list of `{token: "sha256:…", user, uid, groups, notAfter}`. An empty file has no tokens:
    /// an operator who deletes the last line revokes the last token.
    pub fn hashed(&mut self, text: &str, faults: &mut Faults, warnings: &mut Faults) {
        let tree = match located_yaml::parse(text) {
            Ok(tree) => tree,
            Err(fault) => return faults.add(fault.line, "", fault.message),
        };
        if tree.value == located_yaml::Value::Null {
            return;
        }
        for item in Field::root(&tree).items(faults) {
            let known = ["token", "user", "uid", "groups", "notAfter"];
            let Some(entry) = item.mapping(&known, faults) else { continue };
            let token = entry.required("token", faults).and_then(|field| {
                let digest = TokenDigest::parse(field.text(faults)?);
                if digest.is_none() {
                    // The text is not repeated: it may be the token itself.
                    field.fault(faults, "must be `sha256:` and 64 hexadecimal digits");
                }
                digest
            });
            let username = required_text(&entry, "user", faults);
            let uid = entry.text("uid", faults).unwrap_or_default();
            let groups = entry.field("groups").map(|field| field.texts(faults)).unwrap_or_default();
            let not_after = entry.field("notAfter").map(|field| moment(&field, faults));
            let (Some(token), Some(username)) = (token, username) else { continue };
            let user = StaticUser {
                username: username.to_owned(),
                uid: uid.to_owned(),
                groups: unique(groups.into_iter().map(|(_, name)| name)),
                not_after: match not_after {
                    None => None,
                    Some(None) => continue,
                    Some(moment) => moment,
                },
            };
            self.add(token, user, (Some(item.line), &item.key), faults, warnings);
        }
    }

    fn add(
        &mut self,
        token: TokenDigest,
        user: StaticUser,
        (line, key): (Option<u64>, &str),
        faults: &mut Faults,
        warnings: &mut Faults,
    ) {
        let identity = Identity {
            username: user.username.clone(),
            uid: user.uid.clone(),
            groups: user.groups.clone(),
            ..Identity::default()
        };
        if let Err(reason) = self.guard.check(&identity) {
            let message = format!(
                "no token of `{}` would ever be accepted ({reason}); see `allowedSystemNames`",
                user.username.escape_debug()
            );
            // An operator who removes a name from `allowedSystemNames` must not be stopped by a
            // token with that name: the guard refuses it in each review.
            let is_reserved = matches!(reason, Reason::ReservedUsername | Reason::ReservedGroup);
            if is_reserved { &mut *warnings } else { &mut *faults }.add(line, key, message);
        }
        if !self.tokens.add(token, user) {
            faults.add(line, key, "the same token stands already above or in another file");
        }
    }
}

/// Parses an RFC 3339 time; anything else is a fault.
pub(super) fn moment(field: &Field<'_>, faults: &mut Faults) -> Option<UnixTime> {
    let text = field.text(faults)?;
    UnixTime::parse_rfc3339(text).map_err(|fault| field.fault(faults, fault.to_string())).ok()
}

/// A text that is present and not empty; anything else is a fault.
fn required_text<'t>(entry: &Mapping<'t>, name: &str, faults: &mut Faults) -> Option<&'t str> {
    let field = entry.required(name, faults)?;
    let text = field.text(faults)?;
    if text.is_empty() {
        field.fault(faults, "must not be empty");
        return None;
    }
    Some(text)
}

fn unique<'n>(names: impl Iterator<Item = &'n str>) -> Vec<String> {
    let mut unique: Vec<String> = Vec::new();
    for name in names.filter(|name| !name.is_empty()) {
        if !unique.iter().any(|known| known == name) {
            unique.push(name.to_owned());
        }
    }
    unique
}

/// Why a token of this shape would never be looked up.
fn unusable(token: &str) -> Option<&'static str> {
    match shape(token) {
        Ok(Shape::Opaque | Shape::Fernet) => None,
        Ok(Shape::Jose) => Some("the token has the shape of a JWT and would be judged as one"),
        Err(Reason::BootstrapToken) => {
            Some("the token has the shape of a bootstrap token, which kube-apiserver checks itself")
        }
        Ok(Shape::Aws) => Some("the token has the shape of an AWS token"),
        Err(_) => Some("the token has characters that are not visible ASCII"),
    }
}

/// The entropy in bits of a random token of this length and these kinds of characters.
fn possible_bits(token: &str) -> f64 {
    let has = |is_of_kind: &dyn Fn(u8) -> bool| token.bytes().any(is_of_kind);
    let kinds = [
        (has(&|byte| byte.is_ascii_digit()), 10),
        (has(&|byte| matches!(byte, b'a'..=b'f')), 6),
        (has(&|byte| matches!(byte, b'g'..=b'z')), 20),
        (has(&|byte| byte.is_ascii_uppercase()), 26),
        (has(&|byte| byte.is_ascii_punctuation()), 32),
    ];
    let alphabet: u32 = kinds.into_iter().filter(|(is_used, _)| *is_used).map(|kind| kind.1).sum();
    let different = token.bytes().collect::<BTreeSet<_>>().len();
    // A text of few different letters is not random, whatever its length.
    let alphabet = if different < 8 { 1 } else { alphabet };
    f64::from(u32::try_from(token.len()).unwrap_or(u32::MAX)) * f64::from(alphabet).log2()
}

#[cfg(test)]
mod tests;
