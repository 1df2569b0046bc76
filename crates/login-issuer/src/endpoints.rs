//! The public interface of the embedded issuer: one method per operation.
//! Never contains rules: each method calls the module that has them.

use std::{net::IpAddr, sync::Arc};

use login_common::UnixTime;
use login_protocols::jose::KeySet;
use serde_json::Value;
use url::Url;

use crate::{
    Administration, AuthorizationRefusal, AuthorizationTicket, DeviceApproval, DeviceAuthorization,
    DeviceRefusal, DeviceRequest, Form, IsRevoked, Issuer, LoginPrompt, Revoked, SignIn,
    SignInRefusal, TicketError, TokenError, TokenResponse, authorization, device, discovery,
    grants, revocation, settings::ENDED_MEMORY, store::StoreError,
};

impl Issuer {
    /// `/.well-known/openid-configuration`: only what is implemented and enabled. Endpoints are
    /// `/authorize`, `/token`, `/revoke`, `/device_authorization` and `/jwks` below the issuer.
    pub fn discovery(&self) -> Value {
        discovery::document(&self.settings)
    }

    /// `/jwks`: the public keys.
    pub fn jwks(&self) -> Value {
        self.keys.public().clone()
    }

    /// The same keys, parsed, for a verifier in the same process.
    pub fn key_set(&self) -> Arc<KeySet> {
        self.keys.key_set()
    }

    /// GET `/authorize`: `query` is the raw query string without `?`.
    pub fn authorize(
        &self,
        query: &str,
        now: UnixTime,
    ) -> Result<LoginPrompt, AuthorizationRefusal> {
        authorization::authorize(self, query, now)
    }

    /// The data to show the login page again, after a wrong password.
    pub fn login_prompt(
        &self,
        ticket: &AuthorizationTicket,
        now: UnixTime,
    ) -> Result<LoginPrompt, TicketError> {
        authorization::login_prompt(self, ticket, now)
    }

    /// POST `/authorize`: checks the password. The URL carries `code`, `state` and `iss`
    /// (RFC 9207); answer with 303. Takes tens of milliseconds of one core.
    pub fn sign_in(&self, form: &SignIn<'_>, now: UnixTime) -> Result<Url, SignInRefusal> {
        authorization::sign_in(self, form, now)
    }

    /// The user pressed "cancel": returns the redirect URL, with `access_denied`.
    pub fn cancel_sign_in(
        &self,
        ticket: &AuthorizationTicket,
        now: UnixTime,
    ) -> Result<Url, TicketError> {
        authorization::cancel(self, ticket, now)
    }

    /// POST `/device_authorization`. `authorization` is the value of that header, if any; `source`
    /// is the caller's address, by whose network open codes are counted.
    pub fn authorize_device(
        &self,
        form: &Form,
        authorization: Option<&str>,
        source: IpAddr,
        now: UnixTime,
    ) -> Result<DeviceAuthorization, TokenError> {
        device::authorize(self, form, authorization, source, now)
    }

    /// `/device`, first step: the request behind a user code (case, spaces, dashes do not matter).
    pub fn device_request(
        &self,
        user_code: &str,
        source: IpAddr,
        now: UnixTime,
    ) -> Result<DeviceRequest, DeviceRefusal> {
        device::request(self, user_code, source, now)
    }

    /// `/device`, second step: the user approves and authenticates. Takes tens of milliseconds of
    /// one core.
    pub fn approve_device(
        &self,
        approval: &DeviceApproval<'_>,
        now: UnixTime,
    ) -> Result<(), DeviceRefusal> {
        device::approve(self, approval, now)
    }

    /// `/device`, second step: the user denies. The code alone is enough for that.
    pub fn deny_device(
        &self,
        user_code: &str,
        source: IpAddr,
        now: UnixTime,
    ) -> Result<(), DeviceRefusal> {
        device::deny(self, user_code, source, now)
    }

    /// POST `/token`. `authorization` is the value of that header, if any. A grant that
    /// `is_revoked` is refused, and its session ends.
    pub fn token(
        &self,
        form: &Form,
        authorization: Option<&str>,
        is_revoked: &IsRevoked<'_>,
        now: UnixTime,
    ) -> Result<TokenResponse, TokenError> {
        grants::answer(self, form, authorization, is_revoked, now)
    }

    /// Ends every session that `is_revoked`, and returns their `sid`. These sessions stay ended
    /// even after the operator's revocation entry is removed.
    pub fn end_revoked_sessions(
        &self,
        is_revoked: &IsRevoked<'_>,
        now: UnixTime,
    ) -> Result<Vec<String>, StoreError> {
        self.store.end_sessions(&|session| is_revoked(&session.facts()), now)
    }

    /// POST `/revoke` (RFC 7009). `authorization` is the value of that header, if any. Answer 200
    /// without a body.
    pub fn revoke(
        &self,
        form: &Form,
        authorization: Option<&str>,
        now: UnixTime,
    ) -> Result<Revoked, TokenError> {
        revocation::answer(self, form, authorization, now)
    }

    /// The `sid` of every session that ended early and whose tokens may still be unexpired at
    /// `now`. Tokens keep the lifetime that they were issued with, whatever the settings are now.
    pub fn ended_sessions(&self, now: UnixTime) -> Result<Vec<String>, StoreError> {
        self.store.sessions_ended_since(now.minus(ENDED_MEMORY))
    }

    /// Administers the users and clients of this issuer.
    pub fn administration(&self) -> Administration<'_> {
        Administration::new(&*self.store, self.settings.passwords)
    }

    /// Whether the store answers; for `/readyz`.
    pub fn check(&self) -> Result<(), StoreError> {
        self.store.check()
    }
}
