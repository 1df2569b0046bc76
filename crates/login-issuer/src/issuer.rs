//! The front door: one method per thing a caller may ask of the embedded issuer.
//! Never holds rules: each method hands over to the module that has them.

use std::net::IpAddr;

use login_common::UnixTime;
use serde_json::Value;
use thiserror::Error;
use url::Url;

use crate::{
    Administration, AuthorizationRefusal, AuthorizationTicket, DeviceApproval, DeviceAuthorization,
    DeviceRefusal, DeviceRequest, Form, IssuerSettings, LoginPrompt, SignIn, SignInRefusal,
    TicketError, TokenError, TokenResponse,
    store::{Store, StoreError},
};

/// The embedded OpenID provider. Shared by all threads.
pub struct Issuer {
    settings: IssuerSettings,
    store: Box<dyn Store>,
}

/// Why the issuer could not start.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A key could not be made or read back.
    #[error("could not prepare the issuer's keys")]
    Keys(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Issuer {
    /// Starts on `store`; makes the signing key when there is none yet.
    pub fn open(
        settings: IssuerSettings,
        store: Box<dyn Store>,
        now: UnixTime,
    ) -> Result<Self, OpenError> {
        let _ = now;
        Ok(Self { settings, store })
    }

    /// What it was started with.
    pub fn settings(&self) -> &IssuerSettings {
        &self.settings
    }

    /// `/.well-known/openid-configuration`: what is implemented and on, nothing else. Endpoints
    /// are `/authorize`, `/token`, `/device_authorization` and `/jwks` below the issuer.
    pub fn discovery(&self) -> Value {
        unimplemented!()
    }

    /// `/jwks`: the public keys.
    pub fn jwks(&self) -> Value {
        unimplemented!()
    }

    // key_set(&self) -> Arc<login_protocols::jose::KeySet> follows: the same keys, parsed, for a
    // verifier in the same process.

    /// GET `/authorize`: `query` is the raw query string without `?`.
    pub fn authorize(
        &self,
        query: &str,
        now: UnixTime,
    ) -> Result<LoginPrompt, AuthorizationRefusal> {
        let _ = (query, now);
        unimplemented!()
    }

    /// What the login page needs to be shown again, after a wrong password.
    pub fn login_prompt(
        &self,
        ticket: &AuthorizationTicket,
        now: UnixTime,
    ) -> Result<LoginPrompt, TicketError> {
        let _ = (ticket, now);
        unimplemented!()
    }

    /// POST `/authorize`: checks the password. The URL carries `code`, `state` and `iss`
    /// (RFC 9207); answer with 303. Takes tens of milliseconds of one core.
    pub fn sign_in(&self, form: &SignIn<'_>, now: UnixTime) -> Result<Url, SignInRefusal> {
        let _ = (form, now);
        unimplemented!()
    }

    /// The person pressed "cancel": where to send them, with `access_denied`.
    pub fn cancel_sign_in(
        &self,
        ticket: &AuthorizationTicket,
        now: UnixTime,
    ) -> Result<Url, TicketError> {
        let _ = (ticket, now);
        unimplemented!()
    }

    /// POST `/device_authorization`. `authorization` is the value of that header, if any;
    /// `source` the caller's address, by which open codes are counted.
    pub fn authorize_device(
        &self,
        form: &Form,
        authorization: Option<&str>,
        source: IpAddr,
        now: UnixTime,
    ) -> Result<DeviceAuthorization, TokenError> {
        let _ = (form, authorization, source, now);
        unimplemented!()
    }

    /// `/device`, first step: who asks under this user code (case, spaces, dashes do not matter).
    pub fn device_request(
        &self,
        user_code: &str,
        source: IpAddr,
        now: UnixTime,
    ) -> Result<DeviceRequest, DeviceRefusal> {
        let _ = (user_code, source, now);
        unimplemented!()
    }

    /// `/device`, second step: the person agrees and proves who they are. Takes tens of
    /// milliseconds of one core.
    pub fn approve_device(
        &self,
        approval: &DeviceApproval<'_>,
        now: UnixTime,
    ) -> Result<(), DeviceRefusal> {
        let _ = (approval, now);
        unimplemented!()
    }

    /// `/device`, second step: the person says no. Knowing the code is enough for that.
    pub fn deny_device(
        &self,
        user_code: &str,
        source: IpAddr,
        now: UnixTime,
    ) -> Result<(), DeviceRefusal> {
        let _ = (user_code, source, now);
        unimplemented!()
    }

    /// POST `/token`. `authorization` is the value of that header, if any.
    pub fn token(
        &self,
        form: &Form,
        authorization: Option<&str>,
        now: UnixTime,
    ) -> Result<TokenResponse, TokenError> {
        let _ = (form, authorization, now);
        unimplemented!()
    }

    /// Users and clients of this issuer.
    pub fn administration(&self) -> Administration<'_> {
        Administration::new(&*self.store, self.settings.passwords)
    }

    /// Whether the store answers; for `/readyz`.
    pub fn check(&self) -> Result<(), StoreError> {
        unimplemented!()
    }
}
