//! The shape of a source of identities: what `auto` looks for, how it is read, what helps.

use std::pin::Pin;

use super::{IdentityError, IdentityToken, Taken};
use crate::{
    options::target::{IdentityOptions, SourceKind},
    system::{System, environment::Environment},
};

/// One source. Its spelling is in `options/identity_source.rs`.
pub(super) struct Source {
    pub(super) kind: SourceKind,
    /// By what `auto` knows it; `None` if it must be named.
    pub(super) offer: Option<Offer>,
    pub(super) read: Read,
    /// What the user can do about an error that is this source's own. The text says where the
    /// option came from, and may be empty.
    pub(super) hint: fn(&IdentityError, &str) -> Option<String>,
}

/// What a place that offers the source has.
pub(super) struct Offer {
    /// Set in every job of the CI system, whether it may have an identity or not.
    pub(super) job: Option<&'static str>,
    /// The variable that shows the offer.
    pub(super) mark: &'static str,
    /// What must be there, too, for the offer to be whole.
    pub(super) whole: Whole,
}

pub(super) enum Whole {
    /// A variable.
    Variable(&'static str),
    /// One of these files; the mark is not needed then, as it does not show whether they are
    /// mounted.
    File(&'static [&'static str]),
}

/// How a source is read.
pub(super) enum Read {
    /// The token is there, and identifies the job. `None` if a program has to be run for it.
    Token {
        take: fn(&dyn Environment, &IdentityOptions) -> Result<Option<Taken>, IdentityError>,
        check: fn(IdentityToken) -> Result<IdentityToken, IdentityError>,
    },
    /// A service signs a token for the given audience; these variables identify the job.
    Service {
        right: &'static [&'static str],
        ask: for<'a> fn(&'a System<'a>, &'a str) -> Asking<'a>,
    },
}

pub(super) type Asking<'a> =
    Pin<Box<dyn Future<Output = Result<IdentityToken, IdentityError>> + 'a>>;

/// For sources that have nothing to add to the general hints.
pub(super) fn no_hint(_: &IdentityError, _: &str) -> Option<String> {
    None
}
