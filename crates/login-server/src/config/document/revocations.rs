//! `revocations`: the file that lists what is revoked.
//! Never a list in the configuration itself: the two change at different rates.

use login_review::config::{Faults, Field, Key};

use super::named_file::NamedFile;

/// The keys of the section.
pub(super) const KEYS: &[Key] = &[Key::of("file", "The file with the list (required).")];

pub(super) fn read(field: &Field<'_>, faults: &mut Faults) -> Option<NamedFile> {
    let keys = field.keys(KEYS, faults)?;
    NamedFile::read(&keys.required("file", faults)?, faults)
}
