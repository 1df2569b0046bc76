//! Copies a file's access lists and other extended attributes.
//! Never leaves a copy with less protection than the original: then there is no copy.

#[cfg(target_os = "linux")]
pub(super) use linux::keep;

/// Whether all of them can be read and written on this system. macOS stores access lists elsewhere,
/// Windows has only access lists, and neither gives access without unsafe code.
pub(super) const CAN_BE_COPIED: bool = cfg!(target_os = "linux");

/// Copies nothing on other systems: there, files are written in place.
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

    /// Attributes that the kernel computes from the content.
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
