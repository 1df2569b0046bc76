//! How a case is written: one `jwt` entry, and tokens with the user that both programs must return.
//! Never leaves open what is expected: accepted, refused, or a difference with a reason.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, ensure};
use login_tests::signing::SigningKey;
use serde_json::{Map, Value, json};

/// An entry of `jwt` and tokens for it.
///
/// In all texts `@BASE` is the URL of the issuers' server and `@ISSUER` that of the case's issuer.
pub(crate) struct Case {
    /// The path of its issuer.
    pub(crate) name: &'static str,
    /// Fields of `issuer:` besides `url` and `certificateAuthority`, in YAML.
    pub(crate) issuer: &'static str,
    /// The other fields of the entry, in YAML.
    pub(crate) entry: &'static str,
    /// The names of the keys that its issuer publishes.
    pub(crate) keys: &'static [&'static str],
    /// The key set that its issuer publishes instead of those keys, in JSON; see
    /// [`Keys::filled`].
    pub(crate) key_set: &'static str,
    /// Whether the entry maps the uid.
    pub(crate) maps_uid: bool,
    pub(crate) tokens: &'static [Token],
}

impl Case {
    /// A case with one audience and a key of each kind.
    pub(crate) const PLAIN: Self = Self {
        name: "",
        issuer: "audiences: [kubectl-login]",
        entry: "",
        keys: &["es256", "es384", "es512", "rsa"],
        key_set: "",
        maps_uid: false,
        tokens: &[],
    };
}

/// A token: signed with the issuer's ES256 key, valid for an hour, for the audience
/// `kubectl-login`.
pub(crate) struct Token {
    /// Claims in JSON that are added to those, or replace them. `"@absent"` removes one;
    /// `"@now-60"` is a time in seconds, `"@pad-1000"` a string of that many letters, and
    /// `"@audiences-100"` that many audiences, of which the last is `kubectl`.
    claims: &'static str,
    make: Make,
    pub(crate) expected: Expected,
}

/// How a token is made of its claims.
#[derive(Clone, Copy)]
pub(crate) enum Make {
    /// The issuer's key for an algorithm.
    Signed(&'static str),
    /// The key of this name with an algorithm, and more fields of the header in JSON.
    With(&'static str, &'static str, &'static str),
    /// A valid token with the signature of other claims.
    OtherSignature,
    /// A valid token whose last letter has another unused bit.
    SpareBit,
    /// The payload is this text, valid or not.
    Payload(&'static str),
    /// Any text, without a signature.
    Text(&'static str),
}

/// The user that both programs should return; `None` is a refusal. See [`crate::user::User`] for
/// the form.
#[derive(Clone, Copy)]
pub(crate) enum Expected {
    Both(Option<&'static str>),
    Differs { theirs: Option<&'static str>, ours: Option<&'static str>, because: &'static str },
}

/// Both accept the token.
pub(crate) const fn accepted(claims: &'static str, user: &'static str) -> Token {
    Token { claims, make: Make::Signed("ES256"), expected: Expected::Both(Some(user)) }
}

/// Both refuse the token.
pub(crate) const fn refused(claims: &'static str) -> Token {
    Token { claims, make: Make::Signed("ES256"), expected: Expected::Both(None) }
}

/// kube-apiserver accepts the token and login-server refuses it.
pub(crate) const fn stricter(
    claims: &'static str,
    user: &'static str,
    because: &'static str,
) -> Token {
    differs(claims, Some(user), None, because)
}

/// The two differ in another way.
pub(crate) const fn differs(
    claims: &'static str,
    theirs: Option<&'static str>,
    ours: Option<&'static str>,
    because: &'static str,
) -> Token {
    Token {
        claims,
        make: Make::Signed("ES256"),
        expected: Expected::Differs { theirs, ours, because },
    }
}

impl Token {
    /// The same, made in another way.
    pub(crate) const fn made(mut self, make: Make) -> Self {
        self.make = make;
        self
    }

    /// The user that kube-apiserver should return.
    pub(crate) fn theirs(&self) -> Option<&'static str> {
        match self.expected {
            Expected::Both(user) => user,
            Expected::Differs { theirs, .. } => theirs,
        }
    }

    /// The user that login-server should return.
    pub(crate) fn ours(&self) -> Option<&'static str> {
        match self.expected {
            Expected::Both(user) => user,
            Expected::Differs { ours, .. } => ours,
        }
    }

    /// For the message of a failure.
    pub(crate) fn described(&self) -> String {
        let made = match self.make {
            Make::Signed(algorithm) => format!("signed {algorithm}"),
            Make::With(key, algorithm, header) => format!("signed {algorithm}/{key} {header}"),
            Make::OtherSignature => "with another signature".to_owned(),
            Make::SpareBit => "with a spare bit".to_owned(),
            Make::Payload(text) => format!("over the payload {text}"),
            Make::Text(text) => format!("`{text}`"),
        };
        let because = match self.expected {
            Expected::Both(_) => String::new(),
            Expected::Differs { because, .. } => format!(" (listed difference: {because})"),
        };
        format!("{} {made}{because}", self.claims)
    }

    /// The token itself.
    pub(crate) fn write(&self, keys: &Keys, base: &str, issuer: &str, now: i64) -> Result<String> {
        let fill = |text: &str| text.replace("@BASE", base).replace("@ISSUER", issuer);
        let sign = |key: &str, algorithm: &str, header: &str, payload: &str| -> Result<String> {
            let key = keys.named(key)?;
            let mut all = json!({ "alg": algorithm, "kid": key.name(), "typ": "JWT" });
            merge(&mut all, header)?;
            key.sign(&all, payload)
        };
        let claims = || all_claims(&fill(self.claims), issuer, now);
        match self.make {
            Make::Signed(algorithm) => sign(key_for(algorithm), algorithm, "{}", &claims()?),
            Make::With(key, algorithm, header) => sign(key, algorithm, header, &claims()?),
            Make::SpareBit => Ok(with_spare_bit(&sign("es256", "ES256", "{}", &claims()?)?)),
            Make::Payload(payload) => sign("es256", "ES256", "{}", &fill(payload)),
            Make::Text(text) => Ok(fill(text)),
            Make::OtherSignature => {
                let good = sign("es256", "ES256", "{}", &claims()?)?;
                let other = sign("es256", "ES256", "{}", r#"{"sub":"other"}"#)?;
                let (signed, _) = good.rsplit_once('.').context("no signature")?;
                let (_, signature) = other.rsplit_once('.').context("no signature")?;
                Ok(format!("{signed}.{signature}"))
            }
        }
    }
}

/// The claims that every token has, changed by `more`.
fn all_claims(more: &str, issuer: &str, now: i64) -> Result<String> {
    let mut all = json!({
        "iss": issuer, "aud": "kubectl-login", "iat": now - 5, "exp": now + 3600,
    });
    merge(&mut all, more)?;
    if let Value::Object(all) = &mut all {
        for value in all.values_mut() {
            let text = value.as_str().unwrap_or_default();
            if let Some(count) = text.strip_prefix("@pad-") {
                *value = json!("x".repeat(count.parse()?));
            } else if let Some(count) = text.strip_prefix("@audiences-") {
                let count: usize = count.parse()?;
                let others = (1..count).map(|number| format!("client-{number}"));
                *value = others.chain(["kubectl".to_owned()]).collect();
            }
            let Some(offset) = value.as_str().and_then(|text| text.strip_prefix("@now")) else {
                continue;
            };
            let offset: i64 = if offset.is_empty() { 0 } else { offset.parse()? };
            *value = json!(now + offset);
        }
    }
    Ok(all.to_string())
}

/// A signature of 64 bytes leaves four bits of the last letter unused.
fn with_spare_bit(token: &str) -> String {
    const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (rest, last) = token.split_at(token.len() - 1);
    let next = LETTERS.find(last).and_then(|at| LETTERS.get(at + 1..at + 2));
    format!("{rest}{}", next.unwrap_or(last))
}

/// The published key that signs with an algorithm unless a token says otherwise.
fn key_for(algorithm: &str) -> &'static str {
    match algorithm {
        "ES256" => "es256",
        "ES384" => "es384",
        "ES512" => "es512",
        _ => "rsa",
    }
}

fn merge(all: &mut Value, more: &str) -> Result<()> {
    let more: Map<String, Value> =
        serde_json::from_str(more).with_context(|| format!("not a JSON object: {more}"))?;
    let all = all.as_object_mut().context("not an object")?;
    for (name, value) in more {
        if value == "@absent" {
            all.remove(&name).with_context(|| format!("`{name}` is absent anyway"))?;
        } else {
            all.insert(name, value);
        }
    }
    Ok(())
}

/// The keys that the issuers publish, and one that none does.
pub(crate) struct Keys(Vec<SigningKey>);

impl Keys {
    pub(crate) fn new() -> Result<Self> {
        let made = [
            ("es256", "ES256"),
            ("es256-too", "ES256"),
            ("es384", "ES384"),
            ("es512", "ES512"),
            ("rsa", "RS256"),
            ("rsa-too", "RS256"),
            ("unpublished", "ES256"),
        ];
        let keys = made.map(|(name, algorithm)| SigningKey::new(name, algorithm));
        Ok(Self(keys.into_iter().collect::<Result<_>>()?))
    }

    /// A key set in JSON with `@rsa` and the like replaced by the members of that key, and
    /// `@many-100` by that many other keys.
    pub(crate) fn filled(&self, key_set: &str) -> Result<String> {
        let mut text = key_set.to_owned();
        // Longer names first: one is a prefix of another.
        for key in self.0.iter().rev() {
            let mut members = key.public()?;
            let object = members.as_object_mut().context("no object")?;
            object.remove("kid");
            object.remove("use");
            let inner = members.to_string();
            let inner = inner.trim_start_matches('{').trim_end_matches('}');
            if let Some((count, rest)) = text.clone().split_once("@many-").and_then(|(_, rest)| {
                let end = rest.find('@')?;
                Some((rest.get(..end)?.to_owned(), rest.get(end + 1..)?.to_owned()))
            }) && rest.starts_with(key.name())
            {
                let one = |number: usize| format!(r#"{{{inner},"kid":"other-{number}"}}"#);
                let many: Vec<String> = (0..count.parse()?).map(one).collect();
                text = text.replace(&format!("@many-{count}@{}", key.name()), &many.join(","));
            }
            text = text.replace(&format!("@{}", key.name()), inner);
        }
        ensure!(!text.contains('@'), "unknown key in {text}");
        Ok(text)
    }

    pub(crate) fn named(&self, name: &str) -> Result<&SigningKey> {
        self.0.iter().find(|key| key.name() == name).with_context(|| format!("no key `{name}`"))
    }
}

/// The file with an entry for each case.
pub(crate) fn configuration<'c>(
    cases: impl IntoIterator<Item = &'c Case>,
    base: &str,
    authority_pem: &str,
) -> Result<String> {
    let mut text = String::from(
        "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\njwt:\n",
    );
    for case in cases {
        let issuer = format!("{base}/{}", case.name);
        ensure!(!case.tokens.is_empty(), "{}: no token", case.name);
        write!(text, "- issuer:\n    url: {issuer}\n    certificateAuthority: |\n")?;
        text.push_str(&indented(authority_pem, 6));
        text.push_str(&indented(&case.issuer.replace("@BASE", base), 4));
        let entry = case.entry.replace("@BASE", base).replace("@ISSUER", &issuer);
        text.push_str(&indented(&entry, 2));
    }
    Ok(text)
}

/// The lines of an indented block of YAML, re-indented to `depth`.
pub(crate) fn indented(block: &str, depth: usize) -> String {
    let lines = || block.lines().filter(|line| !line.trim().is_empty());
    let own = lines().map(|line| line.len() - line.trim_start().len()).min().unwrap_or_default();
    lines().fold(String::new(), |mut all, line| {
        let _ = writeln!(all, "{:depth$}{}", "", line.get(own..).unwrap_or_default());
        all
    })
}
