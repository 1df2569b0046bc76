//! Every option of `get-token` and `login`, once: name, other names, variable, shape, help.
//! Never a second list: the strict parser, clap, the environment and the cluster's settings read
//! this one.

/// An option; its place in [`OPTIONS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the table says what each is")]
pub enum Name {
    IssuerUrl,
    ClientId,
    ClientSecret,
    ClientSecretFile,
    ClientSecretCommand,
    Scope,
    Audience,
    Flow,
    Account,
    UseAccessToken,
    CertificateAuthority,
    CertificateAuthorityData,
    TokenCacheDir,
    TokenCacheStorage,
    ListenAddress,
    SkipOpenBrowser,
    BrowserCommand,
    ForceRefresh,
    AuthenticationTimeoutSec,
    Interactive,
}

/// How often an option may be given, and whether it has a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// No value; there or not.
    Switch,
    /// One value, once.
    Value,
    /// One value each time; values are also separated by commas.
    List,
}

/// One row.
#[derive(Debug)]
pub struct Row {
    /// Which option.
    pub name: Name,
    /// Without the dashes; also the key in the cluster's settings.
    pub long: &'static str,
    /// What int128/kubelogin calls it.
    pub aliases: &'static [&'static str],
    /// The environment variable.
    pub variable: &'static str,
    /// How it is given.
    pub shape: Shape,
    /// Stands for the value in help texts.
    pub value_name: &'static str,
    /// Whether the cluster's settings (the kubeconfig extension) may say it. They may name who
    /// issues tokens; they may hold no secret, start no program and read no file.
    pub by_cluster: bool,
    /// One sentence.
    pub help: &'static str,
}

const fn row(name: Name, long: &'static str, variable: &'static str, help: &'static str) -> Row {
    Row {
        name,
        long,
        aliases: &[],
        variable,
        shape: Shape::Value,
        value_name: "",
        by_cluster: false,
        help,
    }
}

impl Row {
    const fn value(mut self, value_name: &'static str) -> Self {
        self.value_name = value_name;
        self
    }
    const fn list(mut self, value_name: &'static str) -> Self {
        self.shape = Shape::List;
        self.value_name = value_name;
        self
    }
    const fn switch(mut self) -> Self {
        self.shape = Shape::Switch;
        self
    }
    const fn also(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }
    const fn by_cluster(mut self) -> Self {
        self.by_cluster = true;
        self
    }
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
    .by_cluster(),
    row(Name::ClientId, "client-id", "KUBECTL_LOGIN_CLIENT_ID", "The OAuth client that signs in")
        .value("ID")
        .also(&["oidc-client-id"])
        .by_cluster(),
    row(
        Name::ClientSecret,
        "client-secret",
        "KUBECTL_LOGIN_CLIENT_SECRET",
        "The client's secret; other users of this machine can read it in the process list, \
         so prefer the variable or one of the next two",
    )
    .value("SECRET")
    .also(&["oidc-client-secret"]),
    row(
        Name::ClientSecretFile,
        "client-secret-file",
        "KUBECTL_LOGIN_CLIENT_SECRET_FILE",
        "A file that holds the client's secret",
    )
    .value("FILE"),
    row(
        Name::ClientSecretCommand,
        "client-secret-command",
        "KUBECTL_LOGIN_CLIENT_SECRET_COMMAND",
        "A command that prints the client's secret; split at spaces, run without a shell",
    )
    .value("COMMAND"),
    row(
        Name::Scope,
        "scope",
        "KUBECTL_LOGIN_SCOPE",
        "A further scope to ask for; `openid` and, where the issuer knows it, `offline_access` \
         are added for people",
    )
    .list("SCOPE")
    .also(&["oidc-extra-scope"])
    .by_cluster(),
    row(
        Name::Audience,
        "audience",
        "KUBECTL_LOGIN_AUDIENCE",
        "Whom an access token is for; sent as `audience`, and as `resource` (RFC 8707) when it is \
         a URI",
    )
    .value("AUDIENCE")
    .by_cluster(),
    row(
        Name::Flow,
        "flow",
        "KUBECTL_LOGIN_FLOW",
        "How to sign in: auto, browser, device or client-credentials",
    )
    .value("FLOW")
    .also(&["grant-type"])
    .by_cluster(),
    row(
        Name::Account,
        "account",
        "KUBECTL_LOGIN_ACCOUNT",
        "Keeps several accounts at one issuer apart; also suggested to the issuer as the user name",
    )
    .value("NAME")
    .by_cluster(),
    row(
        Name::UseAccessToken,
        "use-access-token",
        "KUBECTL_LOGIN_USE_ACCESS_TOKEN",
        "Hand out the access token instead of the ID token",
    )
    .switch()
    .also(&["oidc-use-access-token"])
    .by_cluster(),
    row(
        Name::CertificateAuthority,
        "certificate-authority",
        "KUBECTL_LOGIN_CERTIFICATE_AUTHORITY",
        "A PEM file with the only authorities that may vouch for the issuer; without it those of \
         the system",
    )
    .value("FILE"),
    row(
        Name::CertificateAuthorityData,
        "certificate-authority-data",
        "KUBECTL_LOGIN_CERTIFICATE_AUTHORITY_DATA",
        "The same, as base64 of PEM",
    )
    .value("BASE64")
    .by_cluster(),
    row(
        Name::TokenCacheDir,
        "token-cache-dir",
        "KUBECTL_LOGIN_TOKEN_CACHE_DIR",
        "Where tokens are kept [default: $KUBECACHEDIR/kubectl-login or ~/.cache/kubectl-login]",
    )
    .value("DIRECTORY"),
    row(
        Name::TokenCacheStorage,
        "token-cache-storage",
        "KUBECTL_LOGIN_TOKEN_CACHE_STORAGE",
        "How tokens are kept: file or none",
    )
    .value("STORAGE"),
    row(
        Name::ListenAddress,
        "listen-address",
        "KUBECTL_LOGIN_LISTEN_ADDRESS",
        "Where to wait for the browser, tried in order; the redirect URI is then \
         http://localhost:PORT [default: a free port and http://127.0.0.1:PORT/callback]",
    )
    .list("HOST:PORT")
    .by_cluster(),
    row(
        Name::SkipOpenBrowser,
        "skip-open-browser",
        "KUBECTL_LOGIN_SKIP_OPEN_BROWSER",
        "Print the address of the page only",
    )
    .switch(),
    row(
        Name::BrowserCommand,
        "browser-command",
        "KUBECTL_LOGIN_BROWSER_COMMAND",
        "The browser to start; split at spaces, run without a shell, the address is the last \
         argument",
    )
    .value("COMMAND"),
    row(
        Name::ForceRefresh,
        "force-refresh",
        "KUBECTL_LOGIN_FORCE_REFRESH",
        "Renew the token even while the kept one is good, for example to see new groups",
    )
    .switch(),
    row(
        Name::AuthenticationTimeoutSec,
        "authentication-timeout-sec",
        "KUBECTL_LOGIN_AUTHENTICATION_TIMEOUT_SEC",
        "How long a sign-in may take [default: 180]",
    )
    .value("SECONDS"),
    row(
        Name::Interactive,
        "interactive",
        "KUBECTL_LOGIN_INTERACTIVE",
        "Whether a person may be asked to sign in: auto, never or always",
    )
    .value("WHEN"),
];

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
        assert_eq!(OPTIONS.len(), Name::Interactive as usize + 1);
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
        }
    }
}
