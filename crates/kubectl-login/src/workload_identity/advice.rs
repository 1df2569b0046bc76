//! What the user can do where there is no identity token.
//! Never shows a token or a part of one.

use super::{
    IdentityError, Place,
    source::Whole,
    sources::{self, SOURCES},
};
use crate::{
    options::{origin::Origin, target::Target},
    system::command::CommandError,
};

/// What the user can do, with the origin of the value to look at.
pub fn hint(error: &IdentityError, target: &Target) -> Option<String> {
    let from = |origin: &Option<Origin>| {
        origin.as_ref().map(|origin| format!("; it came from {origin}")).unwrap_or_default()
    };
    let identity = from(&target.origins.identity);
    let source = error.kind().and_then(sources::of);
    if let Some(hint) = source.and_then(|source| (source.hint)(error, &identity)) {
        return Some(hint);
    }
    let text = match error {
        IdentityError::Nowhere { .. } => {
            let (variables, files) = looked_for();
            format!(
                "looked for the variables {variables}, and for a service account's token in \
                         {files}; say where the token is with `--identity-file`, `--identity-variable` \
                         or `--identity-command`"
            )
        }
        IdentityError::NotSet { .. } => format!("check `--identity-variable`{identity}"),
        IdentityError::File { .. } => format!("check `--identity-file`{identity}"),
        IdentityError::Command(CommandError::NotAllowed(refusal)) => refusal.hint(),
        IdentityError::Command(_) => format!("check `--identity-command`{identity}"),
        IdentityError::Unusable { place, .. } => {
            format!("{place} should hold one bearer token and nothing else{identity}")
        }
        IdentityError::Expired { place: Place::File(_), .. } => {
            "the program that renews that file has stopped, or this machine's clock is wrong"
                .to_owned()
        }
        IdentityError::Expired { .. } => {
            "the job has outlived its token, or this machine's clock is wrong".to_owned()
        }
        IdentityError::Address { .. } | IdentityError::Exposed { .. } => {
            "the CI system sets it for each job; do not set it by hand".to_owned()
        }
        IdentityError::Unreachable { .. } | IdentityError::OutOfOrder { .. } => {
            "nothing was lost; try again when the CI system answers".to_owned()
        }
        IdentityError::Refused { .. } => {
            "the job may have ended, or may not ask for tokens".to_owned()
        }
        // Kubernetes' own hint tells more about the latter.
        IdentityError::Answer { .. } | IdentityError::ForTheCluster { .. } => return None,
        IdentityError::OtherIssuer { .. } => format!(
            "if the cluster takes that issuer's tokens, name it with `--issuer-url`{}; if \
                     `--issuer-url` takes them, use `--flow auto`, `token-exchange` or `jwt-bearer`",
            from(&target.origins.issuer)
        ),
        IdentityError::OtherAudience { .. } => format!(
            "whom it is for is said where the token is made; or give that as `--client-id`{}",
            from(&target.origins.client_id)
        ),
    };
    Some(text)
}

/// The variables and the files that `auto` looks for.
fn looked_for() -> (String, String) {
    let (mut variables, mut files) = (Vec::new(), Vec::new());
    for offer in SOURCES.iter().filter_map(|source| source.offer.as_ref()) {
        match offer.whole {
            Whole::Variable(_) => variables.push(format!("`{}`", offer.mark)),
            Whole::File(paths) => files.extend(paths.iter().map(|path| format!("`{path}`"))),
        }
    }
    let last = variables.pop().unwrap_or_default();
    (format!("{} and {last}", variables.join(", ")), files.join(" and "))
}
