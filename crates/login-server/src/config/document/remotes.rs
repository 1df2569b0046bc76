//! The sections of authenticators that ask another party: what all kinds of them have.
//! Never accepts two sections that a token could belong to: their prefixes are disjoint, and at
//! most one has none.

use login_review::{RemoteAuthenticator, config::Faults};

use super::named_file::NamedFile;
use crate::evidence::remote_authenticators::RemoteParty;

/// One section.
#[derive(Clone, Debug)]
pub struct RemoteSection {
    /// The path of the section, such as `introspection[0]`.
    pub key: String,
    /// Its line.
    pub line: u64,
    /// What the party's statements must contain, and how they map to a user.
    pub authenticator: RemoteAuthenticator,
    /// How the party is asked, without the content of the files.
    pub party: RemoteParty,
    /// The file with our secret at the party, if it needs one.
    pub secret: Option<NamedFile>,
    /// The file with the authority of the party's certificate.
    pub certificate_authority: Option<NamedFile>,
}

/// Adds a fault for each of `sections` whose tokens could belong to an earlier one.
pub(super) fn refuse_overlaps(sections: &[RemoteSection], faults: &mut Faults) {
    for (index, section) in sections.iter().enumerate() {
        let prefix = section.authenticator.token_prefix.as_str();
        let overlapping = sections.iter().take(index).find(|earlier| {
            let earlier = earlier.authenticator.token_prefix.as_str();
            let both = !prefix.is_empty() && !earlier.is_empty();
            prefix == earlier
                || (both && (prefix.starts_with(earlier) || earlier.starts_with(prefix)))
        });
        if let Some(earlier) = overlapping {
            let message = if prefix.is_empty() {
                format!("neither this entry nor `{}` has a `tokenPrefix`", earlier.key)
            } else {
                format!("tokens with its `tokenPrefix` could belong to `{}`, too", earlier.key)
            };
            faults.add(Some(section.line), &section.key, message);
        }
    }
}
