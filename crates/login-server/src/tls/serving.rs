//! The TLS settings in use: the latest ones, for every handshake that begins.
//! Never changes an open connection, and never mixes old and new settings.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use arc_swap::ArcSwap;
use login_common::UnixTime;
use rustls_pki_types::CertificateDer;
use tokio_rustls::TlsAcceptor;

use super::{Prepared, certificate};

/// The TLS settings in use. Clones share one state.
#[derive(Clone)]
pub struct ServingTls {
    current: Arc<ArcSwap<Prepared>>,
    allowed_names: Arc<[String]>,
}

impl ServingTls {
    /// Uses `prepared` until it is replaced.
    pub fn new(prepared: Prepared) -> Self {
        Self { current: Arc::new(ArcSwap::from_pointee(prepared)), allowed_names: Arc::default() }
    }

    /// Of the certificates that the client CA verifies, only those with one of these names are
    /// accepted. An empty list allows them all.
    #[must_use]
    pub fn allowing(mut self, names: Vec<String>) -> Self {
        self.allowed_names = names.into();
        self
    }

    /// Uses `prepared` from the next handshake on. Earlier sessions cannot be resumed: they may
    /// rest on a client CA that is no longer trusted.
    pub fn replace(&self, prepared: Prepared) {
        self.current.store(Arc::new(prepared));
    }

    /// The settings in use.
    pub fn current(&self) -> Arc<Prepared> {
        self.current.load_full()
    }

    /// The acceptor for one handshake.
    pub fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.current.load().config))
    }

    /// The certificates that a client presented, its own first. The handshake has verified them.
    pub fn shown(&self, chain: &[CertificateDer<'_>]) -> Option<ShownCertificate> {
        let name = certificate::common_name(chain.first()?);
        let is_allowed = self.allowed_names.is_empty()
            || name.as_ref().is_some_and(|name| self.allowed_names.contains(name));
        Some(ShownCertificate {
            chain: chain.iter().map(|shown| shown.clone().into_owned()).collect(),
            name: name.map(Arc::from),
            is_allowed,
            tls: self.clone(),
            known: Mutex::default(),
        })
    }
}

/// The certificates of a client, stored while its connection is open.
pub struct ShownCertificate {
    chain: Vec<CertificateDer<'static>>,
    name: Option<Arc<str>>,
    is_allowed: bool,
    tls: ServingTls,
    /// Until when they are valid, and the settings with which that was computed.
    known: Mutex<Option<(Arc<Prepared>, Option<UnixTime>)>>,
}

impl ShownCertificate {
    /// Its common name, whether that is allowed or not.
    pub const fn name(&self) -> Option<&Arc<str>> {
        self.name.as_ref()
    }

    /// Whether its name is allowed and it is valid now: neither it nor its authority has expired
    /// since the handshake, and its authority is still configured.
    pub fn counts(&self, now: UnixTime) -> bool {
        if !self.is_allowed {
            return false;
        }
        let current = self.tls.current.load();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let until = match &*known {
            Some((rests_on, until)) if Arc::ptr_eq(rests_on, &current) => *until,
            Some(_) | None => {
                let authorities = current.client_authorities.as_ref();
                let until = authorities.and_then(|known| known.count_until(&self.chain, now));
                *known = Some((Arc::clone(&current), until));
                until
            }
        };
        until.is_some_and(|until| now <= until)
    }
}

impl fmt::Debug for ShownCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, is_allowed, .. } = self;
        f.debug_struct("ShownCertificate")
            .field("name", name)
            .field("is_allowed", is_allowed)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ServingTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServingTls")
            .field("allowed_names", &self.allowed_names)
            .finish_non_exhaustive()
    }
}
