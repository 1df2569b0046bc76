//! Identifies this host, and the process that called this one.
//! Neither is ever sent anywhere.

/// Maximum length; longer texts are not ids.
const MAX_LENGTH: usize = 256;

/// The host's id, if there is one. machine-id(5) asks not to expose it: it is only used in a
/// derived key and a digest.
pub fn machine_id() -> Option<String> {
    source::machine_id().and_then(|text| usable(&text))
}

fn usable(text: &str) -> Option<String> {
    let id = text.trim();
    let is_id = !id.is_empty() && id.len() <= MAX_LENGTH && !id.chars().any(char::is_control);
    is_id.then(|| id.to_owned())
}

/// `IOPlatformUUID` in the output of `ioreg -rd1 -c IOPlatformExpertDevice`.
#[cfg(any(target_os = "macos", test))]
fn platform_uuid(registry: &str) -> Option<String> {
    let line = registry.lines().find(|line| line.contains("\"IOPlatformUUID\""))?;
    line.split_once('=')?.1.trim().strip_prefix('"')?.strip_suffix('"').map(ToOwned::to_owned)
}

#[cfg(not(any(target_os = "macos", windows)))]
mod source {
    use std::{fs::File, io::Read as _};

    use super::MAX_LENGTH;

    /// machine-id(5): the file, and its older place.
    const FILES: [&str; 2] = ["/etc/machine-id", "/var/lib/dbus/machine-id"];

    pub(super) fn machine_id() -> Option<String> {
        FILES.iter().find_map(|path| {
            let mut text = String::new();
            let file = File::open(path).ok()?;
            file.take(MAX_LENGTH as u64).read_to_string(&mut text).ok()?;
            Some(text).filter(|text| !text.trim().is_empty())
        })
    }
}

#[cfg(target_os = "macos")]
mod source {
    use std::{
        io::Read as _,
        process::{Command, Stdio},
        time::Duration,
    };

    use crate::system::clock::{Deadline, pause};

    /// Time limit of `ioreg`, which only reads from the kernel.
    const BOUND: Duration = Duration::from_secs(2);

    /// Runs `ioreg`: any other way to read the kernel's registry needs unsafe code.
    pub(super) fn machine_id() -> Option<String> {
        #[expect(clippy::disallowed_methods, reason = "a program of the system, by its whole path")]
        let mut child = Command::new("/usr/sbin/ioreg")
            .args(["-rd1", "-c", "IOPlatformExpertDevice"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let deadline = Deadline::after(BOUND);
        // Its output is far smaller than a pipe's buffer.
        while child.try_wait().ok()?.is_none() {
            if deadline.is_over() {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
            pause(Duration::from_millis(2));
        }
        let mut text = String::new();
        child.stdout.take()?.take(64 * 1024).read_to_string(&mut text).ok()?;
        super::platform_uuid(&text)
    }
}

#[cfg(windows)]
mod source {
    /// Created when Windows is installed.
    pub(super) fn machine_id() -> Option<String> {
        windows_registry::LOCAL_MACHINE
            .open(r"SOFTWARE\Microsoft\Cryptography")
            .and_then(|key| key.get_string("MachineGuid"))
            .ok()
    }
}

/// The parent process.
#[cfg(unix)]
pub fn parent() -> Option<u32> {
    Some(std::os::unix::process::parent_id())
}

/// Windows: a parent's id may outlive the parent, and is no evidence.
#[cfg(not(unix))]
pub fn parent() -> Option<u32> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_one_short_line() {
        for (text, id) in [
            ("0123456789abcdef\n", Some("0123456789abcdef")),
            ("", None),
            (" \n", None),
            ("a\nb", None),
        ] {
            assert_eq!(usable(text).as_deref(), id, "{text:?}");
        }
        assert_eq!(usable(&"a".repeat(MAX_LENGTH + 1)), None);
    }

    #[test]
    fn the_id_of_a_mac_is_found_in_its_registry() {
        let registry = r#"+-o Mac  <class IOPlatformExpertDevice, id 0x100000110>
    {
      "IOPlatformSerialNumber" = "C02XXXXXXXXX"
      "IOPlatformUUID" = "00000000-1111-2222-3333-444444444444"
      "model" = <"Mac14,2">
    }
"#;
        let expected = Some("00000000-1111-2222-3333-444444444444");
        assert_eq!(platform_uuid(registry).as_deref(), expected);
        for other in ["", "\"IOPlatformUUID\"", "\"IOPlatformUUID\" = 1"] {
            assert_eq!(platform_uuid(other), None, "{other}");
        }
    }
}
