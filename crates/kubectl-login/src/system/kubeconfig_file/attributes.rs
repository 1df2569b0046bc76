//! What a file has beside its content, mode and owner: access lists and other extended attributes.
//! Never leaves a copy with less protection than the file had: then there is no copy.

#[cfg(target_os = "linux")]
pub(super) use linux::keep;

/// Whether all of them can be read and written here. macOS keeps access lists elsewhere, Windows
/// knows nothing else, and neither shows them to programs that do without unsafe code.
pub(super) const CAN_BE_COPIED: bool = cfg!(target_os = "linux");

/// Nothing is copied elsewhere: files are written in place.
#[cfg(not(target_os = "linux"))]
pub(super) fn keep(_: &std::fs::File, _: &std::fs::File) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

#[cfg(target_os = "linux")]
mod linux {
    use std::{collections::BTreeMap, ffi::CString, fs::File, io};

    use rustix::{
        fs::{
            XattrFlags, fgetxattr, fgetxattr_query, flistxattr, flistxattr_query, fremovexattr,
            fsetxattr,
        },
        io::Errno,
    };

    /// What the kernel computes from the content by itself.
    const OF_THE_CONTENT: [&[u8]; 2] = [b"security.ima", b"security.evm"];

    type Attributes = BTreeMap<CString, Vec<u8>>;

    /// Gives `to` the attributes of `from`, and no others.
    pub(in super::super) fn keep(from: &File, to: &File) -> io::Result<()> {
        let (wanted, there) = (attributes(from)?, attributes(to)?);
        for name in there.keys().filter(|name| !wanted.contains_key(*name)) {
            fremovexattr(to, name.as_c_str())?;
        }
        for (name, value) in &wanted {
            if there.get(name) != Some(value) {
                fsetxattr(to, name.as_c_str(), value, XattrFlags::empty())?;
            }
        }
        if attributes(to)? == wanted { Ok(()) } else { Err(io::ErrorKind::Unsupported.into()) }
    }

    fn attributes(file: &File) -> io::Result<Attributes> {
        let mut names = match flistxattr_query(file) {
            Err(Errno::NOTSUP | Errno::NOSYS) => return Ok(Attributes::new()),
            length => vec![0u8; length?],
        };
        let length = flistxattr(file, &mut names[..])?;
        names.truncate(length);
        let mut found = Attributes::new();
        for name in names.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
            if OF_THE_CONTENT.contains(&name) {
                continue;
            }
            let name = CString::new(name).map_err(io::Error::other)?;
            let mut value = vec![0u8; fgetxattr_query(file, name.as_c_str())?];
            let length = fgetxattr(file, name.as_c_str(), &mut value[..])?;
            value.truncate(length);
            found.insert(name, value);
        }
        Ok(found)
    }
}
