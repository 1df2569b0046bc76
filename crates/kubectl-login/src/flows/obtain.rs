//! The phases that every flow shares: prepare, discover, ask, check.
//! Never skipped by a flow: a flow is given their results and gives back its own part.

use std::{fs::File, io::Read as _, path::Path};

use login_common::Secret;
use login_protocols::{
    oauth2::{
        authorization::{Nonce, State},
        device::{DeviceAuthorization, device_request, parse_device_response},
        pkce::Verifier,
        revocation::{TokenTypeHint, parse_revocation_response, revocation_request},
        token_endpoint::{
            ClientAuthentication, Grant, MAX_RESPONSE, TokenEndpointError, TokenResponse,
            parse_token_response, token_request,
        },
    },
    oidc::{ProviderMetadata, discovery::MAX_METADATA_LENGTH, metadata_url},
};
use url::Url;
use zeroize::Zeroizing;

use super::{
    FlowError, LocalError, browser,
    choose::PersonFlow,
    device,
    failure::NotAnIssuer,
    issued::{self, Issued, Moments, Wanted},
};
use crate::{
    cache::{metadata, store::Directory},
    options::target::{CertificateAuthority, Connection, SecretSource, Target},
    system::{
        System, command,
        http::{HttpClient, HttpError, HttpOptions},
        random,
    },
};

/// Longest file that an option may name.
const MAX_FILE: u64 = 1024 * 1024;

/// Clocks further apart than this are worth a word.
const SKEW_WORTH_A_WORD: u64 = 60;

/// Everything that a flow needs.
pub struct Session<'a> {
    /// The machine.
    pub system: &'a System<'a>,
    /// What is wanted.
    pub target: &'a Target,
    http: HttpClient,
    secret: Option<Secret>,
    directory: Option<&'a Directory>,
}

/// What came back, and when.
pub struct Answer {
    /// The tokens.
    pub response: TokenResponse,
    /// Both clocks.
    pub moments: Moments,
}

impl<'a> Session<'a> {
    /// Reads what the options name: certificate authority and client secret.
    pub async fn prepare(
        system: &'a System<'a>,
        target: &'a Target,
        directory: Option<&'a Directory>,
    ) -> Result<Self, FlowError> {
        let http =
            HttpClient::new(http_options(&target.connection)?).map_err(|error| match error {
                HttpError::ClientCertificate(_) => {
                    FlowError::ClientCertificate(LocalError::Http(error))
                }
                _ => FlowError::CertificateAuthority(LocalError::Http(error)),
            })?;
        let secret = match &target.client_secret {
            None => None,
            Some(SecretSource::Literal(secret)) => Some(secret.clone()),
            Some(SecretSource::File(path)) => {
                Some(read_secret(path).map_err(FlowError::ClientSecret)?)
            }
            Some(SecretSource::Command(words)) => {
                let output = command::output(words).await;
                Some(output.map_err(|error| FlowError::ClientSecret(error.into()))?)
            }
        };
        Ok(Self { system, target, http, secret, directory })
    }

    /// Tells a person at a terminal that it is their turn, and for how long.
    pub fn say_waiting(&self) {
        let terminal = self.system.terminal;
        if terminal.is_watched() {
            let seconds = self.target.authentication_timeout.as_secs();
            terminal.say(&format!("Waiting up to {seconds} s for the sign-in; Ctrl-C cancels it"));
        }
    }

    /// The issuer's kept discovery document, or else a fetched one.
    pub async fn metadata(&self) -> Result<(ProviderMetadata, Age), FlowError> {
        let now = self.system.clock.now();
        let kept = self
            .directory
            .and_then(|directory| metadata::load(directory, &self.target.issuer, now));
        match kept {
            Some(metadata) => Ok((metadata, Age::Kept)),
            None => Ok((self.fetch_metadata().await?, Age::Fetched)),
        }
    }

    /// The issuer's discovery document as it is now.
    pub async fn fetch_metadata(&self) -> Result<ProviderMetadata, FlowError> {
        let issuer = &self.target.issuer;
        let url = metadata_url(issuer);
        self.system.terminal.detail(&format!("kubectl-login: reading {url}"));
        let answer =
            self.http.fetch(&url, MAX_METADATA_LENGTH).await.map_err(|e| self.unreachable(e))?;
        let not_an_issuer = |source: NotAnIssuer| FlowError::NotAnIssuer {
            issuer: issuer.clone(),
            source: Box::new(source),
        };
        match answer.status {
            200 => {}
            status @ (408 | 425 | 429 | 500..) => {
                let source = TokenEndpointError::Unavailable { status };
                return Err(FlowError::OutOfOrder { issuer: issuer.clone(), source });
            }
            status => return Err(not_an_issuer(NotAnIssuer::Status(status))),
        }
        let metadata = ProviderMetadata::parse(&answer.body, issuer)
            .map_err(|error| not_an_issuer(error.into()))?;
        if let Some(directory) = self.directory {
            // A convenience: the next renewal fetches it again.
            let _ = metadata::save(directory, issuer, &answer.body, self.system.clock.now());
        }
        Ok(metadata)
    }

    /// How this client proves itself to an issuer.
    pub fn authentication(&self, metadata: &ProviderMetadata) -> ClientAuthentication {
        ClientAuthentication::choose(
            self.secret.as_ref(),
            metadata.token_endpoint_auth_methods.as_deref(),
        )
    }

    /// One request to the token endpoint. `Ok(Err(_))` is an answer that is no success.
    pub async fn ask(
        &self,
        metadata: &ProviderMetadata,
        grant: &Grant<'_>,
    ) -> Result<Result<Answer, TokenEndpointError>, FlowError> {
        self.ask_as(&self.authentication(metadata), metadata, grant).await
    }

    /// The same by a client that proves itself in another way.
    pub async fn ask_as(
        &self,
        authentication: &ClientAuthentication,
        metadata: &ProviderMetadata,
        grant: &Grant<'_>,
    ) -> Result<Result<Answer, TokenEndpointError>, FlowError> {
        let endpoint = self.endpoint(metadata.token_endpoint.as_ref(), "a token endpoint")?;
        let form = token_request(
            &self.target.client_id,
            authentication,
            grant,
            self.target.audience.as_deref(),
        );
        self.system.terminal.detail(&format!("kubectl-login: asking {endpoint}"));
        let requested_at = self.system.clock.now();
        let answer = self
            .http
            .post(endpoint, &form, MAX_RESPONSE)
            .await
            .map_err(|error| self.unreachable(error))?;
        let moments = Moments { requested_at, issuer_date: answer.date };
        Ok(parse_token_response(answer.status, &answer.body)
            .map(|response| Answer { response, moments }))
    }

    /// The request that begins the device flow.
    pub async fn ask_for_device_code(
        &self,
        metadata: &ProviderMetadata,
    ) -> Result<DeviceAuthorization, FlowError> {
        let endpoint = metadata.device_authorization_endpoint.as_ref();
        let endpoint = self.endpoint(endpoint, "the device flow")?;
        let form = device_request(
            &self.target.client_id,
            &self.authentication(metadata),
            &self.scopes(metadata),
            self.target.audience.as_deref(),
        );
        let answer = self
            .http
            .post(endpoint, &form, MAX_RESPONSE)
            .await
            .map_err(|error| self.unreachable(error))?;
        parse_device_response(answer.status, &answer.body)
            .map_err(|error| FlowError::from_answer(&self.target.issuer, "the device flow", error))
    }

    /// The scopes for a person: `openid`, the wanted ones, and `offline_access` where the issuer
    /// says that it knows it (OpenID Connect Core §11).
    pub fn scopes(&self, metadata: &ProviderMetadata) -> Vec<String> {
        let offline = "offline_access";
        let knows_offline = metadata
            .scopes
            .as_ref()
            .is_some_and(|scopes| scopes.iter().any(|scope| scope == offline));
        let mut scopes = vec!["openid".to_owned()];
        let wanted = self.target.scopes.iter().map(String::as_str);
        for scope in wanted.chain(knows_offline.then_some(offline)) {
            if !scopes.iter().any(|known| known == scope) {
                scopes.push(scope.to_owned());
            }
        }
        scopes
    }

    /// The last phase: checks an answer and takes the wanted token out of it.
    pub fn check(
        &self,
        answer: Answer,
        nonce: Option<&Nonce>,
        subject: Option<&str>,
        id_token_optional: bool,
    ) -> Result<Issued, FlowError> {
        let moments = answer.moments;
        if moments.skew().as_secs() >= SKEW_WORTH_A_WORD {
            self.system.terminal.say(&format!(
                "warning: this machine's clock and the issuer's are {} seconds apart",
                moments.skew().as_secs()
            ));
        }
        let wanted = Wanted {
            issuer: &self.target.issuer,
            client_id: &self.target.client_id,
            nonce: nonce.map(Nonce::as_str),
            subject,
            access_token: self.target.use_access_token,
            id_token_optional,
        };
        issued::take(answer.response, &wanted, moments)
            .map_err(|source| FlowError::Token { issuer: self.target.issuer.clone(), source })
    }

    /// One request to the revocation endpoint (RFC 7009 §2.1).
    pub async fn revoke(
        &self,
        metadata: &ProviderMetadata,
        token: &Secret,
        hint: TokenTypeHint,
    ) -> Result<(), FlowError> {
        let endpoint = metadata.revocation_endpoint.as_ref();
        let endpoint = self.endpoint(endpoint, "an end to sessions (RFC 7009)")?;
        let authentication = self.authentication(metadata);
        let form = revocation_request(&self.target.client_id, &authentication, token, hint);
        self.system.terminal.detail(&format!("kubectl-login: asking {endpoint}"));
        let answer = self
            .http
            .post(endpoint, &form, MAX_RESPONSE)
            .await
            .map_err(|error| self.unreachable(error))?;
        parse_revocation_response(answer.status, &answer.body)
            .map_err(|error| FlowError::from_answer(&self.target.issuer, "the sign-out", error))
    }

    /// `error` as a failure to reach the issuer.
    pub fn unreachable(&self, source: HttpError) -> FlowError {
        FlowError::Unreachable { issuer: self.target.issuer.clone(), source }
    }

    fn endpoint<'m>(
        &self,
        endpoint: Option<&'m Url>,
        what: &'static str,
    ) -> Result<&'m Url, FlowError> {
        endpoint.ok_or_else(|| FlowError::NotOffered { issuer: self.target.issuer.clone(), what })
    }
}

/// Where a discovery document came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// From the cache; endpoints may have moved since.
    Kept,
    /// From the issuer.
    Fetched,
}

/// The secrets of one sign-in. Made here, so that no flow can do without them.
pub struct Request {
    /// Ties the callback to us.
    pub state: State,
    /// Ties the ID token to us.
    pub nonce: Nonce,
    /// Ties the exchange to us.
    pub verifier: Verifier,
}

/// Signs a person in.
pub async fn sign_in(
    session: &Session<'_>,
    metadata: &ProviderMetadata,
    flow: PersonFlow,
) -> Result<Issued, FlowError> {
    match flow {
        PersonFlow::Browser => {
            let request = Request {
                state: State::from_random(random::bytes()?),
                nonce: Nonce::from_random(random::bytes()?),
                verifier: Verifier::from_random(random::bytes()?),
            };
            let returned = browser::ask(session, metadata, &request).await?;
            let grant = Grant::AuthorizationCode {
                code: &returned.code,
                redirect_uri: &returned.redirect_uri,
                verifier: Some(&request.verifier),
            };
            let outcome = match session.ask(metadata, &grant).await {
                Ok(Ok(answer)) => session.check(answer, Some(&request.nonce), None, false),
                Ok(Err(error)) => {
                    Err(FlowError::from_answer(&session.target.issuer, "the sign-in", error))
                }
                Err(error) => Err(error),
            };
            returned.tell(&outcome).await;
            outcome
        }
        PersonFlow::Device => {
            let answer = device::ask(session, metadata).await?;
            session.check(answer, None, None, false)
        }
    }
}

fn http_options(connection: &Connection) -> Result<HttpOptions, FlowError> {
    let mut authorities = Vec::new();
    for authority in &connection.certificate_authorities {
        authorities.push(match authority {
            CertificateAuthority::Pem(pem) => pem.clone(),
            CertificateAuthority::File(path) => {
                read(path).map_err(FlowError::CertificateAuthority)?
            }
        });
    }
    let client_certificate = match &connection.client_certificate {
        None => None,
        Some(files) => {
            let mut pem = read(&files.certificate).map_err(FlowError::ClientCertificate)?;
            pem.push(b'\n');
            let key = Zeroizing::new(read(&files.key).map_err(FlowError::ClientCertificate)?);
            pem.extend_from_slice(&key);
            Some(Zeroizing::new(pem))
        }
    };
    Ok(HttpOptions {
        authorities,
        insecure_skip_tls_verify: connection.insecure_skip_tls_verify,
        headers: connection.request_headers.clone(),
        client_certificate,
    })
}

fn read(path: &Path) -> Result<Vec<u8>, LocalError> {
    let failed = |source| LocalError::File { path: path.to_owned(), source };
    let mut content = Vec::new();
    File::open(path)
        .map_err(failed)?
        .take(MAX_FILE + 1)
        .read_to_end(&mut content)
        .map_err(failed)?;
    if content.len() as u64 > MAX_FILE {
        return Err(LocalError::Content(path.to_owned()));
    }
    Ok(content)
}

fn read_secret(path: &Path) -> Result<Secret, LocalError> {
    let text = String::from_utf8(read(path)?)
        .map(Zeroizing::new)
        .map_err(|_| LocalError::Content(path.to_owned()))?;
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        return Err(LocalError::Content(path.to_owned()));
    }
    Ok(Secret::new(secret))
}
