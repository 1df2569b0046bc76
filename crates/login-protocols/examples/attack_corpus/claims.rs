//! Attacks on issuer, audience, times and names.
//! Never a claim that depends on the date of the test: expired tokens expired long ago.

use serde_json::{Value, json};

use super::{AUDIENCE, BEGIN, Case, END, ISSUER, case, keys::Keys};

pub(crate) fn cases(keys: &Keys) -> Vec<Case> {
    let mut cases = issuers(keys);
    cases.extend(audiences(keys));
    cases.extend(times(keys));
    cases.extend(names(keys));
    cases.extend(of_others(keys));
    cases
}

fn of(keys: &Keys, point: &'static str, list: Vec<(&str, Value, &'static str)>) -> Vec<Case> {
    list.into_iter()
        .map(|(name, members, expected)| case(name, point, keys.with_claims(&members), expected))
        .collect()
}

fn issuers(keys: &Keys) -> Vec<Case> {
    let foreign = "foreign_issuer";
    of(
        keys,
        "b22",
        vec![
            ("iss with a slash", json!({ "iss": format!("{ISSUER}/") }), foreign),
            ("iss in capitals", json!({ "iss": "https://ID.ATTACKS.EXAMPLE" }), foreign),
            ("iss with its port", json!({ "iss": "https://id.attacks.example:443" }), foreign),
            ("iss over http", json!({ "iss": "http://id.attacks.example" }), foreign),
            ("iss without a scheme", json!({ "iss": "id.attacks.example" }), foreign),
            ("iss with a dot at its end", json!({ "iss": "https://id.attacks.example." }), foreign),
            ("iss with a dot as path", json!({ "iss": "https://id.attacks.example/." }), foreign),
            (
                "iss with an encoded letter",
                json!({ "iss": "https://id.attacks.exampl%65" }),
                foreign,
            ),
            ("iss with a user", json!({ "iss": "https://x@id.attacks.example" }), foreign),
            ("iss with a fragment", json!({ "iss": format!("{ISSUER}#x") }), foreign),
            ("iss with a query", json!({ "iss": format!("{ISSUER}?x") }), foreign),
            ("iss with a space before", json!({ "iss": format!(" {ISSUER}") }), foreign),
            ("iss with a line feed after", json!({ "iss": format!("{ISSUER}\n") }), foreign),
            ("iss with NUL and more", json!({ "iss": format!("{ISSUER}\u{0}.evil") }), foreign),
            (
                "iss with a look-alike letter",
                json!({ "iss": "https://id.аttacks.example" }),
                foreign,
            ),
            (
                "iss with a full-width letter",
                json!({ "iss": "https://id.ａttacks.example" }),
                foreign,
            ),
            ("iss that begins alike", json!({ "iss": format!("{ISSUER}.evil.example") }), foreign),
            ("iss a list", json!({ "iss": [ISSUER] }), foreign),
            ("iss an object", json!({ "iss": { ISSUER: true } }), foreign),
            ("iss a number", json!({ "iss": 1 }), foreign),
            ("iss empty", json!({ "iss": "" }), foreign),
            ("no iss", json!({ "iss": null }), foreign),
        ],
    )
}

fn audiences(keys: &Keys) -> Vec<Case> {
    let (wrong, malformed) = ("wrong_audience", "claims");
    let many = |count: usize| json!({ "aud": vec![AUDIENCE; count] });
    of(
        keys,
        "b23",
        vec![
            ("control: aud a list", json!({ "aud": ["other", AUDIENCE] }), "accepted"),
            ("control: 1000 audiences", many(1000), "accepted"),
            ("not among 1000 audiences", json!({ "aud": vec!["other"; 1000] }), wrong),
            ("no aud", json!({ "aud": null }), wrong),
            ("aud empty", json!({ "aud": "" }), wrong),
            ("aud an empty list", json!({ "aud": [] }), wrong),
            ("aud of another", json!({ "aud": "kubernetes2" }), wrong),
            ("aud that begins alike", json!({ "aud": "kubernetes.evil" }), wrong),
            ("aud in capitals", json!({ "aud": "Kubernetes" }), wrong),
            ("aud with a space", json!({ "aud": "kubernetes " }), wrong),
            ("aud with NUL", json!({ "aud": "kubernetes\u{0}" }), wrong),
            ("aud of two in one text", json!({ "aud": "kubernetes other" }), wrong),
            ("aud of two with a comma", json!({ "aud": "kubernetes,other" }), wrong),
            ("aud a star", json!({ "aud": "*" }), wrong),
            ("aud an object", json!({ "aud": { AUDIENCE: true } }), malformed),
            ("aud a number", json!({ "aud": 1 }), malformed),
            ("aud true", json!({ "aud": true }), malformed),
            ("aud a list within a list", json!({ "aud": [[AUDIENCE]] }), malformed),
            ("aud with a number in its list", json!({ "aud": [AUDIENCE, 1] }), malformed),
            ("control: null beside the audience", json!({ "aud": [AUDIENCE, null] }), "accepted"),
            ("null alone in the list of aud", json!({ "aud": [null] }), wrong),
            ("the audience in azp alone", json!({ "aud": "other", "azp": AUDIENCE }), wrong),
        ],
    )
}

fn times(keys: &Keys) -> Vec<Case> {
    let malformed = "claims";
    let far = END - 1;
    of(
        keys,
        "b25",
        vec![
            ("no exp", json!({ "exp": null }), "missing_expiry"),
            ("exp long ago", json!({ "exp": BEGIN + 1 }), "expired"),
            ("exp one", json!({ "exp": 1 }), "expired"),
            ("exp zero", json!({ "exp": 0 }), "expired"),
            ("exp a fraction", json!({ "exp": 0.5 }), "expired"),
            ("exp negative", json!({ "exp": -1 }), "expired"),
            ("exp negative and large", json!({ "exp": i64::MIN }), malformed),
            ("control: exp a number within a text", json!({ "exp": "4000000000" }), "accepted"),
            ("exp a number of the past within a text", json!({ "exp": "1700000001" }), "expired"),
            ("exp a number with blanks within a text", json!({ "exp": " 4000000000" }), malformed),
            ("exp a hexadecimal number", json!({ "exp": "0xEE6B2800" }), malformed),
            ("exp a date", json!({ "exp": "2096-10-02T07:06:40Z" }), malformed),
            ("exp true", json!({ "exp": true }), malformed),
            ("exp a list", json!({ "exp": [END] }), malformed),
            ("exp an object", json!({ "exp": {} }), malformed),
            ("exp 2^53", json!({ "exp": 1_u64 << 53 }), malformed),
            ("exp 2^63", json!({ "exp": 1_u64 << 63 }), malformed),
            ("exp 2^64 - 1", json!({ "exp": u64::MAX }), malformed),
            ("exp 1e300", json!({ "exp": 1e300 }), malformed),
            ("control: exp with a fraction", json!({ "exp": 3_999_999_999.5 }), "accepted"),
            ("nbf to come", json!({ "nbf": far }), "not_yet_valid"),
            ("nbf to come within a text", json!({ "nbf": "3999999999" }), "not_yet_valid"),
            ("nbf a word", json!({ "nbf": "now" }), malformed),
            ("control: nbf negative", json!({ "nbf": -1 }), "accepted"),
            ("nbf 1e300", json!({ "nbf": 1e300 }), malformed),
            ("control: nbf zero", json!({ "nbf": 0 }), "accepted"),
            ("control: iat to come, which says nothing", json!({ "iat": far }), "accepted"),
            ("iat true", json!({ "iat": true }), malformed),
            ("iat a text", json!({ "iat": "now" }), malformed),
            ("control: iat negative", json!({ "iat": -1 }), "accepted"),
        ],
    )
}

fn names(keys: &Keys) -> Vec<Case> {
    let mut cases = of(
        keys,
        "b26",
        vec![
            ("no sub", json!({ "sub": null }), "missing_username"),
            ("sub empty", json!({ "sub": "" }), "missing_username"),
            ("sub a number", json!({ "sub": 1 }), "missing_username"),
            ("sub a list", json!({ "sub": ["mallory"] }), "missing_username"),
            ("sub a blank", json!({ "sub": " " }), "unusable_username"),
            ("sub with a blank behind", json!({ "sub": "admin " }), "unusable_username"),
            (
                "sub with a Unicode blank before",
                json!({ "sub": "\u{2003}admin" }),
                "unusable_username",
            ),
            ("sub with a no-break space", json!({ "sub": "admin\u{a0}x" }), "unusable_username"),
            ("sub with a byte order mark", json!({ "sub": "\u{feff}admin" }), "unusable_username"),
            ("sub with a zero width space", json!({ "sub": "ad\u{200b}min" }), "unusable_username"),
            ("sub turned around", json!({ "sub": "\u{202e}nimda" }), "unusable_username"),
            ("sub with a line separator", json!({ "sub": "admin\u{2028}x" }), "unusable_username"),
            ("sub that is not composed", json!({ "sub": "Jose\u{301}" }), "unusable_username"),
            ("sub in full width", json!({ "sub": "ａｄｍｉｎ" }), "unusable_username"),
            (
                "control: sub with letters of all kinds",
                json!({ "sub": "José Müller 開発" }),
                "accepted",
            ),
            (
                "a group with a blank behind",
                json!({ "groups": ["a", "admins "] }),
                "unusable_group",
            ),
            (
                "a group with a zero width joiner",
                json!({ "groups": ["ad\u{200d}mins"] }),
                "unusable_group",
            ),
            ("sub with NUL", json!({ "sub": "admin\u{0}x" }), "unusable_username"),
            ("sub with a line feed", json!({ "sub": "admin\nx" }), "unusable_username"),
            (
                "sub with an escape sequence",
                json!({ "sub": "\u{1b}[2Jadmin" }),
                "unusable_username",
            ),
            ("sub of 1025 bytes", json!({ "sub": "m".repeat(1025) }), "unusable_username"),
            ("groups an object", json!({ "groups": { "a": true } }), "groups_shape"),
            ("groups a number", json!({ "groups": 1 }), "groups_shape"),
            ("groups with a number", json!({ "groups": ["a", 1] }), "groups_shape"),
            ("a group with NUL", json!({ "groups": ["a\u{0}"] }), "unusable_group"),
        ],
    );
    cases.extend(of(
        keys,
        "b28",
        vec![
            ("sub system:admin", json!({ "sub": "system:admin" }), "reserved_username"),
            ("sub of a node", json!({ "sub": "system:node:one" }), "reserved_username"),
            (
                "sub of a service account",
                json!({ "sub": "system:serviceaccount:kube-system:x" }),
                "reserved_username",
            ),
            ("sub in capitals", json!({ "sub": "SYSTEM:ADMIN" }), "reserved_username"),
            ("sub with one capital", json!({ "sub": "System:admin" }), "reserved_username"),
            (
                "sub of kubeadm in capitals",
                json!({ "sub": "Kubernetes-Admin" }),
                "reserved_username",
            ),
            (
                "sub with a dotless i",
                json!({ "sub": "kubernetes-adm\u{131}n" }),
                "reserved_username",
            ),
            (
                "sub with a full-width colon",
                json!({ "sub": "system\u{ff1a}admin" }),
                "unusable_username",
            ),
            ("sub with a long s", json!({ "sub": "\u{17f}ystem:admin" }), "unusable_username"),
            (
                "sub with a Kelvin sign",
                json!({ "sub": "\u{212a}ubernetes-admin" }),
                "unusable_username",
            ),
            ("group in capitals", json!({ "groups": ["System:Masters"] }), "reserved_group"),
            ("sub system: alone", json!({ "sub": "system:" }), "reserved_username"),
            ("sub escaped", json!({ "sub": "\u{73}ystem:admin" }), "reserved_username"),
            ("group system:masters", json!({ "groups": ["system:masters"] }), "reserved_group"),
            (
                "group system:masters as a text",
                json!({ "groups": "system:masters" }),
                "reserved_group",
            ),
            (
                "group system:masters among others",
                json!({ "groups": ["a", "system:masters"] }),
                "reserved_group",
            ),
        ],
    ));
    cases
}

/// Tokens of other issuers, and tokens that resemble them.
fn of_others(keys: &Keys) -> Vec<Case> {
    let mut cases = of(
        keys,
        "b8",
        vec![
            (
                "a legacy service account",
                json!({ "iss": "kubernetes/serviceaccount" }),
                "service_account_token",
            ),
            (
                "a service account",
                json!({ "iss": "https://kubernetes.default.svc" }),
                "service_account_token",
            ),
            (
                "a service account of a cluster with its usual domain",
                json!({ "iss": "https://kubernetes.default.svc.cluster.local" }),
                "service_account_token",
            ),
        ],
    );
    cases.extend([
        case("a bootstrap token", "b7", "abcdef.0123456789abcdef", "bootstrap_token"),
        case("nearly a bootstrap token", "b7", "abcdef.0123456789abcdeF", "unknown_shape"),
        case(
            "a token of AWS",
            "b7",
            "k8s-aws-v1.aHR0cHM6Ly9zdHMuYW1hem9uYXdzLmNvbS8",
            "unknown_shape",
        ),
        case("a token of AWS with two dots", "b7", "k8s-aws-v1.aHR0cHM6Ly8.x", "unknown_shape"),
        case("a token of Keystone", "b7", "gAAAAABk", "unknown_shape"),
        case("an opaque token", "b7", "0123456789abcdef0123456789abcdef", "unknown_shape"),
        case("a password", "b7", "hunter2", "unknown_shape"),
        case("a cookie", "b7", "session=abc; path=/", "malformed"),
    ]);
    cases
}
