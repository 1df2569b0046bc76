//! What tells this machine from others, and this process's caller from others.
//! Never sent anywhere.

use std::{fs::File, io::Read as _};

/// machine-id(5): where it is, with the older place second.
const MACHINE_ID_FILES: [&str; 2] = ["/etc/machine-id", "/var/lib/dbus/machine-id"];

/// Longer texts are none.
const MAX_LENGTH: u64 = 256;

/// The machine's id, where there is one. machine-id(5) asks not to show it: it goes into a
/// derived key only.
pub fn machine_id() -> Option<String> {
    MACHINE_ID_FILES.iter().find_map(|path| {
        let mut text = String::new();
        File::open(path).ok()?.take(MAX_LENGTH).read_to_string(&mut text).ok()?;
        Some(text.trim().to_owned()).filter(|id| !id.is_empty())
    })
}

/// The process that started this one.
#[cfg(unix)]
pub fn parent() -> Option<u32> {
    Some(std::os::unix::process::parent_id())
}

/// Windows: a parent's id outlives the parent, and says nothing.
#[cfg(not(unix))]
pub fn parent() -> Option<u32> {
    None
}
