//! Who may say what about whose issuer: each value came from a layer, and layers are not trusted
//! alike.
//! Never looks at a value: where it came from, and what the table says of its option, decide.
//!
//! - What proves who asks, and what decides whom to believe, is used only with an issuer that is
//!   named by a layer which is trusted at least as much.
//! - What proves who asks is not shown to whoever a layer that is trusted less would believe.
//! - What others say (the cluster, a server) is about the issuer that they alone name.

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

/// Whether `namer`, who names the issuer, is trusted enough for what `origin` says.
fn may_use(row: &Row, origin: &Origin, namer: &Origin) -> bool {
    match (row.used, namer) {
        (Use::Issuer | Use::Request | Use::Here, _) => true,
        // It has vouched for that very server a moment ago.
        (Use::Anchor, Origin::Server { is_issuer: true, .. }) => origin.trust() <= Trust::Given,
        (Use::Anchor | Use::Proof, _) => namer.vouches_for(origin),
    }
}

/// Whether others say it of an issuer that a layer names which is trusted more.
fn is_of_another(row: &Row, origin: &Origin, owner: Trust) -> bool {
    if owner == Trust::Told || row.by_cluster == ByCluster::Always {
        return false;
    }
    match (row.used, origin) {
        (Use::Issuer | Use::Here, _) => false,
        (_, Origin::Cluster) => true,
        // The person asks the server how to sign in; but not whom to believe, unless TLS has
        // vouched for that very issuer.
        (Use::Anchor | Use::Proof, Origin::Server { is_issuer, .. }) => {
            !is_issuer || owner == Trust::Own
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
