//! TLS as it is served now: what was prepared last, for every handshake that begins.
//! Never changes a connection that is open, and never holds half of what was prepared.

use std::{fmt, sync::Arc};

use arc_swap::ArcSwap;
use rustls_pki_types::CertificateDer;
use tokio_rustls::TlsAcceptor;

use super::{Prepared, certificate};

/// See the head of this file. Clones share one state.
#[derive(Clone)]
pub struct ServingTls {
    current: Arc<ArcSwap<Prepared>>,
    allowed_names: Arc<[String]>,
}

impl ServingTls {
    /// Serves `prepared` until something else is.
    pub fn new(prepared: Prepared) -> Self {
        Self { current: Arc::new(ArcSwap::from_pointee(prepared)), allowed_names: Arc::default() }
    }

    /// Of the certificates that the client CA vouches for, only those with one of these names
    /// count. None allows them all.
    #[must_use]
    pub fn allowing(mut self, names: Vec<String>) -> Self {
        self.allowed_names = names.into();
        self
    }

    /// Serves `prepared` from the next handshake on. Sessions of before cannot be resumed: they
    /// may rest on a client CA that does not count any more.
    pub fn replace(&self, prepared: Prepared) {
        self.current.store(Arc::new(prepared));
    }

    /// What is served now.
    pub fn current(&self) -> Arc<Prepared> {
        self.current.load_full()
    }

    /// For one handshake.
    pub fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.current.load().config))
    }

    /// The name of whoever showed this verified certificate, and whether it is an allowed one.
    pub fn identify(&self, shown: &CertificateDer<'_>) -> (Option<Arc<str>>, bool) {
        let names = certificate::names(shown);
        let is_allowed = self.allowed_names.is_empty()
            || names.iter().any(|name| self.allowed_names.contains(name));
        (names.first().map(|name| Arc::from(name.as_str())), is_allowed)
    }
}

impl fmt::Debug for ServingTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServingTls")
            .field("allowed_names", &self.allowed_names)
            .finish_non_exhaustive()
    }
}
