//! `revocations`: the file that lists what is revoked.
//! Never a list in the configuration itself: the two change at different rates.

use std::path::PathBuf;

use login_review::config::{Faults, Field, Key};

/// The keys of the section.
pub(super) const KEYS: &[Key] = &[Key::of("file", "The file with the list (required).")];

/// The file, and the line that names it.
pub(super) fn read(field: &Field<'_>, faults: &mut Faults) -> Option<(PathBuf, u64)> {
    let keys = field.keys(KEYS, faults)?;
    let file = keys.required("file", faults)?;
    Some((PathBuf::from(file.text(faults)?), file.line))
}
