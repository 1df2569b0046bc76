//! Creates the user `alice` and the client `ci`, with random secrets in files.
//! Never shows a secret anywhere else.

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use login_common::{Secret, names::ClientId};
use login_issuer::{Administration, AdministrationError, NewClient, NewUser};

use super::files::Announcement;
use crate::{
    report::Failure,
    system::{
        clock::Clock,
        files::{self, Readers},
    },
};

pub(super) const USER: &str = "alice";
pub(super) const USER_GROUP: &str = "developers";
pub(super) const CLIENT: &str = "ci";
pub(super) const CLIENT_GROUP: &str = "deployers";

/// Creates the user and the client if missing. An existing one keeps the secret in its file; if
/// that file is missing, it gets a new secret.
pub(super) fn prepare(
    administration: &Administration<'_>,
    announcement: &Announcement,
) -> Result<(), Failure> {
    let now = Clock::HOST.now();
    let failed = |fault: AdministrationError| {
        Failure::runtime("could not prepare the user and the client").because(&fault)
    };
    let is_there = administration.users().map_err(failed)?.iter().any(|user| user.name == USER);
    if !(is_there && announcement.password_file.exists()) {
        let password = random_password()?;
        if is_there {
            administration.set_password(USER, &password, now).map_err(failed)?;
        } else {
            let (name, groups) = (USER.to_owned(), vec![USER_GROUP.to_owned()]);
            let user = NewUser { name, password: password.clone(), groups };
            administration.add_user(&user, now).map_err(failed)?;
        }
        write_secret(&announcement.password_file, &password)?;
    }
    let id = ClientId::parse(CLIENT)
        .map_err(|fault| Failure::runtime("could not name the client").because(&fault))?;
    let is_there = administration.clients().map_err(failed)?.iter().any(|known| known.id == id);
    if !(is_there && announcement.secret_file.exists()) {
        if is_there {
            administration.delete_client(&id).map_err(failed)?;
        }
        let client = NewClient { id, groups: vec![CLIENT_GROUP.to_owned()] };
        let (_, secret) = administration.add_client(&client, now).map_err(failed)?;
        write_secret(&announcement.secret_file, &secret)?;
    }
    Ok(())
}

/// 120 bits, in characters that are easy to copy from a terminal.
fn random_password() -> Result<Secret, Failure> {
    let mut bytes = [0; 15];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|fault| Failure::runtime("the system's random source failed").because(&fault))?;
    Ok(Secret::new(URL_SAFE_NO_PAD.encode(bytes)))
}

fn write_secret(file: &std::path::Path, secret: &Secret) -> Result<(), Failure> {
    files::write(file, secret.expose().as_bytes(), Readers::OwnerOnly)
        .map_err(|fault| Failure::runtime("could not keep a secret").because(&fault))
}
