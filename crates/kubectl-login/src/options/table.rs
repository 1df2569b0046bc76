//! Lists every option of `get-token` and related commands: name, aliases, variable, shape, help,
//! and with which issuer its value may be used.
//! The only list: the strict parser, clap, the environment and the cluster's settings all read it.

pub use super::row::{Applies, ByCluster, Holds, Row, Shape, Use};
use super::{flow, identity_source, row::row};

/// The prefix of every option's variable.
pub const VARIABLES: &str = "KUBECTL_LOGIN_";

/// An option, by its index in [`OPTIONS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the table says what each is")]
pub enum Name {
    IssuerUrl,
    ClientId,
    ClientSecret,
    ClientSecretFile,
    ClientSecretCommand,
    ClientAssertionKey,
    ClientAssertionKeyId,
    ClientCertificate,
    ClientKey,
    Scope,
    Audience,
    Flow,
    Account,
    Username,
    Password,
    UseAccessToken,
    Identity,
    IdentityFile,
    IdentityVariable,
    IdentityCommand,
    IdentityAudience,
    SubjectTokenType,
    RequestedTokenType,
    CertificateAuthority,
    CertificateAuthorityData,
    InsecureSkipTlsVerify,
    RequestHeader,
    TokenCacheDir,
    TokenCacheStorage,
    ListenAddress,
    ListenPort,
    RedirectUrl,
    RedirectUrlHostname,
    LocalServerCert,
    LocalServerKey,
    OpenUrlAfterAuthentication,
    AuthorizationParameter,
    PkceMethod,
    SkipOpenBrowser,
    BrowserCommand,
    ForceRefresh,
    AuthenticationTimeoutSec,
    Interactive,
    Quiet,
    ForceKeyring,
    NoKeyring,
    UsePkce,
    TlsRenegotiationOnce,
    TlsRenegotiationFreely,
    KubeloginPorts,
}

/// The options, in the order of the help text and of [`Name`].
pub static OPTIONS: &[Row] = &[
    row(
        Name::IssuerUrl,
        "issuer-url",
        "KUBECTL_LOGIN_ISSUER_URL",
        "The OpenID Connect issuer that signs the tokens, exactly as it names itself",
    )
    .value("URL")
    .also(&["oidc-issuer-url"])
    .by_any_cluster()
    .names_issuer(),
    row(Name::ClientId, "client-id", "KUBECTL_LOGIN_CLIENT_ID", "The OAuth client that signs in")
        .value("ID")
        .also(&["oidc-client-id"])
        .by_cluster()
    .request(),
    row(
        Name::ClientSecret,
        "client-secret",
        "KUBECTL_LOGIN_CLIENT_SECRET",
        "The client's secret; other users of this machine can read it in the process list, \
         so prefer the variable or one of the next two",
    )
    .value("SECRET")
    .secret()
    .also(&["oidc-client-secret"])
    .proof(),
    row(
        Name::ClientSecretFile,
        "client-secret-file",
        "KUBECTL_LOGIN_CLIENT_SECRET_FILE",
        "A file that holds the client's secret",
    )
    .file()
    .proof(),
    row(
        Name::ClientSecretCommand,
        "client-secret-command",
        "KUBECTL_LOGIN_CLIENT_SECRET_COMMAND",
        "A command that prints the client's secret; split at spaces, run without a shell",
    )
    .value("COMMAND")
    .proof(),
    row(
        Name::ClientAssertionKey,
        "client-assertion-key",
        "KUBECTL_LOGIN_CLIENT_ASSERTION_KEY",
        "A private key in PEM or as a JWK with which the client signs its own assertions \
         (`private_key_jwt`) instead of showing a secret",
    )
    .file()
    .proof(),
    row(
        Name::ClientAssertionKeyId,
        "client-assertion-key-id",
        "KUBECTL_LOGIN_CLIENT_ASSERTION_KEY_ID",
        "The `kid` that the issuer knows that key by",
    )
    .value("ID")
    .proof(),
    row(
        Name::ClientCertificate,
        "client-certificate",
        "KUBECTL_LOGIN_CLIENT_CERTIFICATE",
        "A PEM file with the certificate that the client shows to the issuer (RFC 8705)",
    )
    .file()
    .proof(),
    row(
        Name::ClientKey,
        "client-key",
        "KUBECTL_LOGIN_CLIENT_KEY",
        "The private key of that certificate",
    )
    .file()
    .proof(),
    row(
        Name::Scope,
        "scope",
        "KUBECTL_LOGIN_SCOPE",
        "A further scope to ask for; `openid` and, where the issuer knows it, `offline_access` \
         are added for people",
    )
    .list("SCOPE")
    .also(&["oidc-extra-scope"])
    .by_cluster()
    .request(),
    row(
        Name::Audience,
        "audience",
        "KUBECTL_LOGIN_AUDIENCE",
        "Whom an access token is for; sent as `audience`, and as `resource` (RFC 8707) when it is \
         a URI",
    )
    .value("AUDIENCE")
    .by_cluster()
    .request(),
    row(
        Name::Flow,
        "flow",
        "KUBECTL_LOGIN_FLOW",
        "How to sign in: {choices}",
    )
    .value("FLOW")
    .one_of(&flow::CHOICES)
    .also(&["grant-type"])
    .by_cluster()
    .request(),
    row(
        Name::Account,
        "account",
        "KUBECTL_LOGIN_ACCOUNT",
        "Keeps several accounts at one issuer apart; also suggested to the issuer as the user name",
    )
    .value("NAME")
    .by_any_cluster()
    .request(),
    row(
        Name::Username,
        "username",
        "KUBECTL_LOGIN_USERNAME",
        "Whose password it is, for `--flow password`",
    )
    .value("NAME")
    .proof(),
    row(
        Name::Password,
        "password",
        "KUBECTL_LOGIN_PASSWORD",
        "The password, for `--flow password`; other users of this machine can read it in \
         the process list, so prefer to be asked",
    )
    .value("PASSWORD")
    .secret()
    .proof(),
    row(
        Name::UseAccessToken,
        "use-access-token",
        "KUBECTL_LOGIN_USE_ACCESS_TOKEN",
        "Hand out the access token instead of the ID token",
    )
    .switch()
    .also(&["oidc-use-access-token"])
    .by_cluster()
    .request(),
    row(
        Name::Identity,
        "identity",
        "KUBECTL_LOGIN_IDENTITY",
        "The identity that this place gives to a job: {choices}; used as it is when \
         `--issuer-url` signed it, else shown to that issuer",
    )
    .value("SOURCE")
    .one_of(&identity_source::CHOICES)
    .proof(),
    row(
        Name::IdentityFile,
        "identity-file",
        "KUBECTL_LOGIN_IDENTITY_FILE",
        "The file that holds the identity token; read anew each time",
    )
    .file()
    .proof(),
    row(
        Name::IdentityVariable,
        "identity-variable",
        "KUBECTL_LOGIN_IDENTITY_VARIABLE",
        "The environment variable that holds the identity token",
    )
    .value("NAME")
    .proof(),
    row(
        Name::IdentityCommand,
        "identity-command",
        "KUBECTL_LOGIN_IDENTITY_COMMAND",
        "A command that prints the identity token; split at spaces, run without a shell",
    )
    .value("COMMAND")
    .proof(),
    row(
        Name::IdentityAudience,
        "identity-audience",
        "KUBECTL_LOGIN_IDENTITY_AUDIENCE",
        "Whom the identity token shall be for, where its source asks [default: the client \
         id when it is used as it is, else the issuer]",
    )
    .value("AUDIENCE")
    .proof(),
    row(
        Name::SubjectTokenType,
        "subject-token-type",
        "KUBECTL_LOGIN_SUBJECT_TOKEN_TYPE",
        "For `--flow token-exchange`, what the identity token is (RFC 8693 §3) [default: \
         urn:ietf:params:oauth:token-type:jwt]",
    )
    .value("URN")
    .by_cluster()
    .request(),
    row(
        Name::RequestedTokenType,
        "requested-token-type",
        "KUBECTL_LOGIN_REQUESTED_TOKEN_TYPE",
        "For `--flow token-exchange`, what to ask for (RFC 8693 §3)",
    )
    .value("URN")
    .by_cluster()
    .request(),
    row(
        Name::CertificateAuthority,
        "certificate-authority",
        "KUBECTL_LOGIN_CERTIFICATE_AUTHORITY",
        "A PEM file with authorities that may vouch for the issuer beside those of the system",
    )
    .each("FILE")
    .path()
    .anchor(),
    row(
        Name::CertificateAuthorityData,
        "certificate-authority-data",
        "KUBECTL_LOGIN_CERTIFICATE_AUTHORITY_DATA",
        "The same, as base64 of PEM",
    )
    .each("BASE64")
    .data()
    .by_cluster()
    .anchor(),
    row(
        Name::InsecureSkipTlsVerify,
        "insecure-skip-tls-verify",
        "KUBECTL_LOGIN_INSECURE_SKIP_TLS_VERIFY",
        "Believe any certificate of the issuer: anyone on the network path can take over the \
         session",
    )
    .switch()
    .anchor(),
    row(
        Name::RequestHeader,
        "request-header",
        "KUBECTL_LOGIN_REQUEST_HEADER",
        "A further header of each request to the issuer",
    )
    .pairs()
    .also(&["oidc-request-header"])
    .proof(),
    row(
        Name::TokenCacheDir,
        "token-cache-dir",
        "KUBECTL_LOGIN_TOKEN_CACHE_DIR",
        "Where tokens are kept [default: $KUBECACHEDIR/kubectl-login or ~/.cache/kubectl-login]",
    )
    .value("DIRECTORY")
    .path(),
    row(
        Name::TokenCacheStorage,
        "token-cache-storage",
        "KUBECTL_LOGIN_TOKEN_CACHE_STORAGE",
        "How refresh tokens are kept: auto (keyring, else encrypted-file), keyring, encrypted-file, \
         file or none",
    )
    .value("STORAGE")
    .one_of(&["auto", "keyring", "encrypted-file", "file", "none"]),
    row(
        Name::ListenAddress,
        "listen-address",
        "KUBECTL_LOGIN_LISTEN_ADDRESS",
        "Where to wait for the browser, tried in order; the redirect URI is then \
         http://localhost:PORT [default: a free port and http://127.0.0.1:PORT/callback]",
    )
    .list("HOST:PORT")
    .by_cluster()
    .request(),
    row(
        Name::ListenPort,
        "listen-port",
        "KUBECTL_LOGIN_LISTEN_PORT",
        "The same with the port only",
    )
    .list("PORT")
    .hidden()
    .request(),
    row(
        Name::RedirectUrl,
        "redirect-url",
        "KUBECTL_LOGIN_REDIRECT_URL",
        "The redirect URI to name to the issuer, where it is not the address that is \
         listened on",
    )
    .value("URL")
    .also(&["oidc-redirect-url"])
    .request(),
    row(
        Name::RedirectUrlHostname,
        "redirect-url-hostname",
        "KUBECTL_LOGIN_REDIRECT_URL_HOSTNAME",
        "The host in the redirect URI",
    )
    .value("HOST")
    .also(&["oidc-redirect-url-hostname"])
    .hidden()
    .request(),
    row(
        Name::LocalServerCert,
        "local-server-cert",
        "KUBECTL_LOGIN_LOCAL_SERVER_CERT",
        "A PEM file with the certificate of the listener, where the registered redirect \
         URI is https",
    )
    .file(),
    row(
        Name::LocalServerKey,
        "local-server-key",
        "KUBECTL_LOGIN_LOCAL_SERVER_KEY",
        "The private key of that certificate",
    )
    .file(),
    row(
        Name::OpenUrlAfterAuthentication,
        "open-url-after-authentication",
        "KUBECTL_LOGIN_OPEN_URL_AFTER_AUTHENTICATION",
        "Where the browser goes after the sign-in instead of to our page",
    )
    .value("URL")
    .request(),
    row(
        Name::AuthorizationParameter,
        "authorization-parameter",
        "KUBECTL_LOGIN_AUTHORIZATION_PARAMETER",
        "A further parameter of the authorization request; for a job, of the token request",
    )
    .pairs()
    .also(&["oidc-auth-request-extra-params"])
    .by_cluster()
    .request(),
    row(
        Name::PkceMethod,
        "pkce-method",
        "KUBECTL_LOGIN_PKCE_METHOD",
        "Proof key of the authorization code: {choices} (for issuers that refuse it)",
    )
    .value("METHOD")
    .one_of(&["auto", "S256", "no"])
    .also(&["oidc-pkce-method"])
    .by_cluster()
    .request(),
    row(
        Name::SkipOpenBrowser,
        "skip-open-browser",
        "KUBECTL_LOGIN_SKIP_OPEN_BROWSER",
        "Print the address of the page only",
    )
    .switch()
    .once(),
    row(
        Name::BrowserCommand,
        "browser-command",
        "KUBECTL_LOGIN_BROWSER_COMMAND",
        "The browser to start; split at spaces, run without a shell, the address is the last \
         argument",
    )
    .value("COMMAND")
    .once(),
    row(
        Name::ForceRefresh,
        "force-refresh",
        "KUBECTL_LOGIN_FORCE_REFRESH",
        "Renew the token even while the kept one is good, for example to see new groups",
    )
    .switch()
    .once(),
    row(
        Name::AuthenticationTimeoutSec,
        "authentication-timeout-sec",
        "KUBECTL_LOGIN_AUTHENTICATION_TIMEOUT_SEC",
        "How long a sign-in may take [default: 180; with a device code as long as that lives]",
    )
    .value("SECONDS")
    .once(),
    row(
        Name::Interactive,
        "interactive",
        "KUBECTL_LOGIN_INTERACTIVE",
        "Whether a person may be asked to sign in: {choices}",
    )
    .value("WHEN")
    .one_of(&["auto", "never", "always"])
    .once(),
    row(
        Name::Quiet,
        "quiet",
        "KUBECTL_LOGIN_QUIET",
        "Say nothing but errors on stderr, for programs that draw on the whole terminal",
    )
    .switch()
    .once(),
    row(
        Name::ForceKeyring,
        "force-keyring",
        "KUBECTL_LOGIN_FORCE_KEYRING",
        "The same as `--token-cache-storage keyring`",
    )
    .switch()
    .hidden(),
    row(
        Name::NoKeyring,
        "no-keyring",
        "KUBECTL_LOGIN_NO_KEYRING",
        "The same as `--token-cache-storage file`",
    )
    .switch()
    .hidden(),
    row(
        Name::UsePkce,
        "use-pkce",
        "KUBECTL_LOGIN_USE_PKCE",
        "Has no effect: it is always used",
    )
    .switch()
    .inert()
    .also(&["oidc-use-pkce"])
    .hidden()
    .request(),
    row(
        Name::TlsRenegotiationOnce,
        "tls-renegotiation-once",
        "KUBECTL_LOGIN_TLS_RENEGOTIATION_ONCE",
        "Has no effect: TLS is never renegotiated",
    )
    .switch()
    .inert()
    .hidden(),
    row(
        Name::TlsRenegotiationFreely,
        "tls-renegotiation-freely",
        "KUBECTL_LOGIN_TLS_RENEGOTIATION_FREELY",
        "Has no effect: TLS is never renegotiated",
    )
    .switch()
    .inert()
    .hidden(),
    row(
        Name::KubeloginPorts,
        "kubelogin-ports",
        "KUBECTL_LOGIN_KUBELOGIN_PORTS",
        "Wait for the browser where int128/kubelogin does, on port 8000 or else 18000; implied by \
         its own spellings of options, `--oidc-…`",
    )
    .switch()
    .hidden()
    .request(),
];

/// Whether only int128/kubelogin spells an argument like this. Then its redirect URIs are the ones
/// that are registered at the issuer.
pub fn is_kubelogins(word: &str) -> bool {
    word.starts_with("--oidc-")
}

/// The row with that long name or alias.
pub fn row_named(long: &str) -> Option<&'static Row> {
    OPTIONS.iter().find(|row| row.long == long || row.aliases.contains(&long))
}

/// The row of an option.
pub fn row_of(name: Name) -> &'static Row {
    #[expect(clippy::indexing_slicing, reason = "each name has its row: a test below")]
    &OPTIONS[name as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_in_the_order_of_their_names() {
        for (index, row) in OPTIONS.iter().enumerate() {
            assert_eq!(row.name as usize, index, "{}", row.long);
            assert_eq!(row_of(row.name).long, row.long);
        }
        assert_eq!(OPTIONS.len(), Name::KubeloginPorts as usize + 1);
    }

    #[test]
    fn names_are_unique_and_variables_follow_from_them() {
        let mut seen = std::collections::HashSet::new();
        for row in OPTIONS {
            for name in row.aliases.iter().chain([&row.long]) {
                assert!(seen.insert(*name), "{name}");
                assert_eq!(row_named(name).unwrap().name, row.name);
            }
            let variable = format!("KUBECTL_LOGIN_{}", row.long.to_uppercase().replace('-', "_"));
            assert_eq!(row.variable, variable);
            assert_eq!(row.value_name.is_empty(), row.shape == Shape::Switch, "{}", row.long);
            let is_path = matches!(row.value_name, "FILE" | "DIRECTORY");
            assert_eq!(row.holds == Holds::Path, is_path, "{}", row.long);
            for choice in row.choices().unwrap_or_default() {
                assert!(row.help().contains(choice), "the help of `--{}` names {choice}", row.long);
            }
        }
    }

    #[test]
    fn what_no_kubeconfig_may_contain_is_known_by_every_name_of_its_option() {
        use login_common::exec_entry::{self, SECRET_OPTIONS};

        let names = |row: &Row| [&[row.long], row.aliases].concat();
        let mut seen = 0;
        for row in OPTIONS {
            let holds = match (row.holds, row.shape) {
                (Holds::Secret, _) => Some(exec_entry::Holds::Secret),
                (_, Shape::Pairs) => Some(exec_entry::Holds::Pairs),
                _ => None,
            };
            let known = SECRET_OPTIONS.iter().find(|known| known.names.contains(&row.long));
            assert_eq!(known.map(|known| known.holds), holds, "{}", row.long);
            if let Some(known) = known {
                assert_eq!(known.names, names(row));
                seen += 1;
            }
        }
        assert_eq!(seen, SECRET_OPTIONS.len());
    }
}
