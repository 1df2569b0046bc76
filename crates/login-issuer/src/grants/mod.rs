//! The token endpoint: one pipeline for every grant.
//! Never lets a grant skip a step: client, grant type, the grant's own rule, tokens.
//! A grant is one file that decides who gets tokens; it neither authenticates clients nor mints.

mod authorization_code;
mod client_credentials;
mod device_code;
mod refresh_token;

use login_common::{Secret, UnixTime};

use crate::{
    Form, GrantFacts, GrantType, Grantee, IsRevoked, Issuer, TokenError, TokenResponse,
    clients::{self, Caller},
    mint::{Mint, SignInFacts, Subject},
    opaque::{self, CryptoError, Digest},
    scope, sessions,
    store::{NewSession, SessionRecord, UserRecord},
};

/// The input of every grant.
struct Request<'a> {
    issuer: &'a Issuer,
    caller: &'a Caller,
    form: &'a Form,
    is_revoked: &'a IsRevoked<'a>,
    now: UnixTime,
}

/// The decision of a grant: who gets tokens, and which.
struct Granted {
    subject: Subject,
    sign_in: SignInFacts,
    scope: String,
    /// Set only for the first ID token of a sign-in (OpenID Connect Core §12.2).
    nonce: Option<String>,
    with_id_token: bool,
    refresh_token: Option<Secret>,
}

pub(crate) fn answer(
    issuer: &Issuer,
    form: &Form,
    authorization: Option<&str>,
    is_revoked: &IsRevoked<'_>,
    now: UnixTime,
) -> Result<TokenResponse, TokenError> {
    // 1. Authenticate the client.
    let caller = clients::authenticate(&*issuer.store, form, authorization)?;
    // 2. Check that the client may use this grant type.
    let name = form.text("grant_type").ok_or(TokenError::Missing("grant_type"))?;
    let grant = GrantType::parse(name)
        .filter(|grant| issuer.settings.grants.contains(grant))
        .ok_or(TokenError::UnsupportedGrantType)?;
    if !caller.may_use(grant) {
        return Err(TokenError::UnauthorizedClient);
    }
    // 3. Apply the grant's own rule.
    issuer.tidy(now)?;
    let request = Request { issuer, caller: &caller, form, is_revoked, now };
    let granted = match grant {
        GrantType::AuthorizationCode => authorization_code::grant(&request)?,
        GrantType::DeviceCode => device_code::grant(&request)?,
        GrantType::RefreshToken => refresh_token::grant(&request)?,
        GrantType::ClientCredentials => client_credentials::grant(&request)?,
    };
    // 4. Mint the tokens.
    let key = issuer.keys.active(now).ok_or(CryptoError::new("find a signing key"))?;
    let mint = Mint {
        settings: &issuer.settings,
        key,
        client_id: caller.id(),
        subject: &granted.subject,
        sign_in: &granted.sign_in,
        now,
    };
    Ok(TokenResponse {
        access_token: mint.access_token(&granted.scope)?,
        expires_in: mint.expires_at().since(now),
        id_token: granted
            .with_id_token
            .then(|| mint.id_token(granted.nonce.as_deref()))
            .transpose()?,
        refresh_token: granted.refresh_token,
        scope: granted.scope,
        grantee: Grantee {
            grant,
            client_id: caller.id().to_owned(),
            username: granted.subject.username,
            session_id: granted.sign_in.session_id,
        },
    })
}

/// A user's sign-in, for the two grants that begin with one.
struct FreshSignIn {
    session_id: String,
    user_id: String,
    scope: String,
    authenticated_at: UnixTime,
    nonce: Option<String>,
}

impl FreshSignIn {
    fn facts(&self) -> GrantFacts<'_> {
        GrantFacts {
            session_id: &self.session_id,
            subject: &self.user_id,
            began_at: self.authenticated_at,
        }
    }
}

impl Request<'_> {
    /// The session of a sign-in with its first refresh token; `None` when none was requested.
    fn new_session(
        &self,
        sign_in: &FreshSignIn,
        refresh_token: &Secret,
    ) -> Option<Box<NewSession>> {
        let wanted = scope::contains(&sign_in.scope, scope::OFFLINE_ACCESS)
            && self.issuer.settings.grants.contains(&GrantType::RefreshToken);
        let settings = &self.issuer.settings;
        wanted.then(|| {
            let session = SessionRecord {
                session_id: sign_in.session_id.clone(),
                client_id: self.caller.id().to_owned(),
                user_id: sign_in.user_id.clone(),
                scope: sign_in.scope.clone(),
                authenticated_at: sign_in.authenticated_at,
                ends_at: sign_in.authenticated_at.plus(settings.session_lifetime),
                revoked_at: None,
                generation: 0,
                rotation: None,
            };
            let first = Digest::of(refresh_token.expose());
            Box::new(sessions::begin(settings, session, &first, self.now))
        })
    }

    /// The grant of a new sign-in; `refresh_token` if it began a session.
    fn granted(
        &self,
        sign_in: FreshSignIn,
        refresh_token: Option<Secret>,
    ) -> Result<Granted, TokenError> {
        let ends_at = sign_in.authenticated_at.plus(self.issuer.settings.session_lifetime);
        Ok(Granted {
            subject: self.person(&sign_in.user_id)?,
            sign_in: SignInFacts {
                session_id: sign_in.session_id,
                authenticated_at: Some(sign_in.authenticated_at),
                ends_at,
            },
            with_id_token: scope::contains(&sign_in.scope, scope::OPENID),
            scope: sign_in.scope,
            nonce: sign_in.nonce,
            refresh_token,
        })
    }

    /// The user's current record: groups may have changed since the sign-in.
    fn person(&self, user_id: &str) -> Result<Subject, TokenError> {
        let UserRecord { id, name, groups, .. } =
            self.issuer.store.user_by_id(user_id)?.ok_or(TokenError::UserGone)?;
        Ok(Subject { id, username: name, groups })
    }

    fn fresh_refresh_token() -> Result<Secret, TokenError> {
        Ok(opaque::token("klr_")?)
    }
}
