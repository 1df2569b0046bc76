//! The standard name of a key (RFC 7638, SHA-256).
//! Never includes an optional member: `kid`, `alg` and `use` do not change the name.

use aws_lc_rs::digest;
use serde_json::Value;

use super::base64url;

/// The thumbprint of an EC or RSA key; `None` when a required member is missing.
pub fn thumbprint(jwk: &Value) -> Option<String> {
    // RFC 7638 §3.2, in the lexicographic order of §3.3.
    let names: &[&str] = match jwk.get("kty")?.as_str()? {
        "EC" => &["crv", "kty", "x", "y"],
        "RSA" => &["e", "kty", "n"],
        _ => return None,
    };
    let members = names
        .iter()
        .map(|name| {
            let value = Value::from(jwk.get(name)?.as_str()?);
            Some(format!("\"{name}\":{value}"))
        })
        .collect::<Option<Vec<String>>>()?;
    let canonical = format!("{{{}}}", members.join(","));
    Some(base64url::encode(digest::digest(&digest::SHA256, canonical.as_bytes())))
}
