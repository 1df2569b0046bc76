//! Finds and reads the configuration file.
//! Never reads one that others may write to: it can name programs to run.

use std::{fs::File, io, path::PathBuf};

use super::{
    environment::Environment,
    file::{self, Source},
};
use crate::options::{configuration::Configuration, fault::OptionError};

/// Names a configuration file other than the system's default.
pub const VARIABLE: &str = "KUBECTL_LOGIN_CONFIG";

/// Maximum file size in bytes.
const MAX_LENGTH: u64 = 256 * 1024;

/// The configuration file, if there is one.
pub fn read(environment: &dyn Environment) -> Result<Option<Configuration>, OptionError> {
    let Some(place) = Place::of(environment) else { return Ok(None) };
    let Some(text) = place.text()? else { return Ok(None) };
    match Configuration::plain(&place.path, &text) {
        Some(plain) => Ok(Some(plain)),
        None => Configuration::parse(&place.path, &text).map(Some),
    }
}

/// The file needs a YAML parser, can be read only once, or cannot be read at all.
pub struct Unusual;

/// The configuration file for the cached path.
pub fn read_plain(environment: &dyn Environment) -> Result<Option<Configuration>, Unusual> {
    let Some(place) = Place::of(environment) else { return Ok(None) };
    // A pipe can be read once: the slow path would find it empty.
    if file::is_pipe(&place.path) {
        return Err(Unusual);
    }
    let Some(text) = place.text().map_err(|_| Unusual)? else { return Ok(None) };
    Configuration::plain(&place.path, &text).map(Some).ok_or(Unusual)
}

/// The path of the configuration file.
struct Place {
    path: PathBuf,
    must_exist: bool,
}

impl Place {
    fn of(environment: &dyn Environment) -> Option<Self> {
        let named = environment.variable(VARIABLE).filter(|path| !path.is_empty());
        let must_exist = named.is_some();
        let path = named.map(PathBuf::from).or_else(|| environment.default_configuration_file())?;
        Some(Self { path, must_exist })
    }

    fn text(&self) -> Result<Option<String>, OptionError> {
        let fault = |problem: String| OptionError::file(&self.path, problem);
        let source = match Source::open(&self.path) {
            Ok(source) => source,
            Err(error) if error.kind() == io::ErrorKind::NotFound && !self.must_exist => {
                return Ok(None);
            }
            Err(error) => return Err(fault(format!("it cannot be read: {error}"))),
        };
        if !source.is_nothing() && is_exposed(source.file()) {
            return Err(fault("others may write to it, or it belongs to another user".to_owned()));
        }
        let text = source.read(MAX_LENGTH).and_then(file::text).map_err(|error| {
            fault(match error.kind() {
                io::ErrorKind::FileTooLarge => error.to_string(),
                _ => format!("it cannot be read: {error}"),
            })
        })?;
        Ok(Some(text))
    }
}

#[cfg(unix)]
fn is_exposed(file: &File) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let me = rustix::process::geteuid().as_raw();
    // Files of root belong to the host.
    file.metadata()
        .is_ok_and(|facts| facts.mode() & 0o022 != 0 || (facts.uid() != me && facts.uid() != 0))
}

/// Windows: the access list of a profile's folders keeps them private.
#[cfg(not(unix))]
fn is_exposed(_: &File) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        options::table::Name,
        system::environment::{NoEnvironment, Overlay},
    };

    fn found(variables: &[(&str, &str)]) -> Result<Option<String>, String> {
        let variables: Vec<(String, String)> = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        read(&Overlay { variables: &variables, below: &NoEnvironment })
            .map(|file| Some(file?.values(Name::Flow)?.concat()))
            .map_err(|error| format!("{error:?}"))
    }

    #[test]
    #[cfg(unix)]
    fn the_file_is_where_the_variable_or_the_system_says() {
        use std::os::unix::fs::PermissionsExt as _;
        let scratch = tempfile::tempdir().unwrap();
        let home = scratch.path().to_str().unwrap();
        assert_eq!(found(&[("HOME", home)]), Ok(None));
        assert_eq!(found(&[]), Ok(None));
        let folder = scratch.path().join(".config/kubectl-login");
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("config.yaml");
        let mut new = tempfile::NamedTempFile::new_in(&folder).unwrap();
        io::Write::write_all(&mut new, b"flow: device\n").unwrap();
        new.persist(&path).unwrap();
        let named = ("KUBECTL_LOGIN_CONFIG", path.to_str().unwrap());
        if cfg!(not(target_os = "macos")) {
            assert_eq!(found(&[("HOME", home)]), Ok(Some("device".to_owned())));
        }
        assert_eq!(found(&[named]), Ok(Some("device".to_owned())));
        let missing = scratch.path().join("missing");
        assert!(found(&[("KUBECTL_LOGIN_CONFIG", missing.to_str().unwrap())]).is_err());
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o620)).unwrap();
        assert!(found(&[named]).unwrap_err().contains("others may write"));
    }
}
