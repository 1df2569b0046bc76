//! Decides which layer may set which option for which issuer: the layers are not equally trusted.
//! Never looks at a value: only its origin and the option's row in the table decide.
//!
//! - Credentials and trust anchors are used only with an issuer that an equally or more trusted
//!   layer names.
//! - Credentials are not sent to a server that is accepted as the issuer because of a less trusted
//!   layer.
//! - Values from another party (the cluster, a server) apply only to an issuer that no other layer
//!   names.

use super::{
    fault::OptionError,
    layers::Settings,
    origin::{Origin, Reason, Trust},
    table::{ByCluster, Row, Use, row_of},
};

/// Refuses the first value that may not be used with the issuer in force.
pub fn check(settings: &Settings) -> Result<(), OptionError> {
    let Some(issuer) = settings.issuer() else { return Ok(()) };
    let named: Vec<&Origin> = settings.namers(issuer).collect();
    let owner = named.iter().map(|origin| origin.trust()).max().unwrap_or(Trust::Told);
    let rows = || settings.origins().map(|(name, origin)| (row_of(name), origin));
    for (row, origin) in rows() {
        let reason = if !named.iter().any(|namer| may_use(row, origin, namer)) {
            Reason::NamedBy(named.first().map_or(Origin::CommandLine, |&origin| origin.clone()))
        } else if is_of_another(row, origin, owner) {
            Reason::NotTheirs
        } else {
            continue;
        };
        return Err(OptionError::misplaced(row, origin, issuer, reason));
    }
    for (anchor, from) in rows().filter(|(row, _)| row.used == Use::Anchor) {
        let shown =
            rows().find(|(row, origin)| row.used == Use::Proof && !from.vouches_for(origin));
        if let Some((row, origin)) = shown {
            let reason = Reason::BelievedBy { anchor: anchor.long, from: from.clone() };
            return Err(OptionError::misplaced(row, origin, issuer, reason));
        }
    }
    Ok(())
}

/// Whether `namer`, the layer that names the issuer, is trusted enough for a value from `origin`.
fn may_use(row: &Row, origin: &Origin, namer: &Origin) -> bool {
    match (row.used, namer) {
        (Use::Issuer | Use::Request | Use::Here, _) => true,
        // The anchor has just authenticated that very server.
        (Use::Anchor, Origin::Server { is_issuer: true, .. }) => origin.trust() <= Trust::Given,
        (Use::Anchor | Use::Proof, _) => namer.vouches_for(origin),
    }
}

/// Whether another party set the value for an issuer that a more trusted layer names.
fn is_of_another(row: &Row, origin: &Origin, owner: Trust) -> bool {
    if owner == Trust::Told || row.by_cluster == ByCluster::Always {
        return false;
    }
    match (row.used, origin) {
        (Use::Issuer | Use::Here, _) => false,
        (_, Origin::Cluster) => true,
        // The user asks the server how to sign in, but not which certificates to trust, unless TLS
        // has authenticated that very issuer.
        (Use::Anchor | Use::Proof, Origin::Server { is_issuer, .. }) => {
            !is_issuer || owner == Trust::Own
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
