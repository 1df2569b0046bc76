//! Claims made of a fuzzer's bytes, a policy that reads them in three ways, and the whole review.
//! Never a mock: tokens are signed and verified as those of an issuer are.
//!
//! The first bytes choose a value for each claim that a rule knows; what follows is a JSON object
//! whose members replace them.

use std::sync::LazyLock;

use login_common::UnixTime;
use login_protocols::jose::{KeySet, SigningKey, public_key_set};
use login_review::{
    AudienceRequest, Decision, Evidence, Guard, Need, Plan, Policy, Verdict,
    config::{authentication_configuration, revocations},
    decide, plan,
};
use serde_json::{Map, Value, json};

/// The time at which all tokens are reviewed, in Unix seconds.
pub(super) const NOW: i64 = 1_800_000_000;

const CONFIGURATION: &str = r#"
apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
jwt:
- issuer: { url: https://plain.example, audiences: [kubernetes] }
  claimMappings:
    username: { claim: sub, prefix: "" }
    groups: { claim: groups, prefix: "" }
- issuer: { url: https://cel.example, audiences: [kubernetes, other], audienceMatchPolicy: MatchAny }
  claimValidationRules:
  - expression: "!has(claims.tenant) || claims.tenant == 'ours'"
  claimMappings:
    username: { expression: "has(claims.name) ? claims.name : claims.sub" }
    groups: { expression: "has(claims.roles) ? dyn(claims.roles) : []" }
    uid: { expression: "claims.sub" }
    extra:
    - { key: example.com/tenant, valueExpression: "has(claims.tenant) ? dyn(claims.tenant) : ''" }
  userValidationRules:
  - expression: "!user.username.startsWith('forbidden')"
- issuer: { url: https://mail.example, audiences: [kubernetes] }
  claimMappings:
    username: { claim: email, prefix: "" }
    groups: { claim: groups, prefix: "" }
"#;

const REVOKED: &str = "
- { jti: revoked-token }
- { session: revoked-session }
- { issuer: https://plain.example, subject: revoked-subject, issuedBefore: 2100-01-01T00:00:00Z }
";

/// The signers and the policy that trusts them.
pub(super) struct World {
    pub(super) policy: Policy,
    pub(super) keys: KeySet,
    pub(super) key: SigningKey,
    pub(super) stranger: SigningKey,
}

pub(super) static WORLD: LazyLock<World> = LazyLock::new(|| {
    let made = || {
        let [key, stranger] = [SigningKey::generate().ok()?, SigningKey::generate().ok()?];
        let keys = KeySet::parse(public_key_set(&[&key]).to_string().as_bytes()).ok()?;
        let file = authentication_configuration::parse(CONFIGURATION, "f").ok()?;
        let revoked = revocations::parse(REVOKED, "f").ok()?;
        let policy = Policy::new(file.issuers, Guard::default()).with_revocations(revoked);
        Some(World { policy, keys, key, stranger })
    };
    made().unwrap_or_else(|| panic!("the policy of the fuzzer cannot be built"))
});

/// The claims that rules know, each with the values among which a byte chooses.
fn choices() -> Vec<(&'static str, Vec<Value>)> {
    let names = ["alice", "", " ", "system:admin", "System:admin", "ѕystem:admin", "a\u{0}", "é"];
    let texts =
        |more: &[Value]| names.iter().map(|name| json!(name)).chain(more.to_vec()).collect();
    let groups = vec![
        json!(["dev"]),
        json!([]),
        json!("dev"),
        json!(["system:masters"]),
        json!(["\u{200b}system:masters"]),
        json!(["dev", "dev", ""]),
        json!([1]),
        json!({ "dev": true }),
        Value::Null,
    ];
    let moments = |around: i64| {
        vec![
            json!(around),
            json!(NOW),
            json!(NOW - 1),
            json!(NOW + 1),
            json!(-1),
            json!(1e300),
            json!(around.to_string()),
            Value::Null,
        ]
    };
    vec![
        (
            "iss",
            ["plain", "cel", "mail", "foreign"]
                .map(|n| json!(format!("https://{n}.example")))
                .into(),
        ),
        (
            "aud",
            vec![
                json!("kubernetes"),
                json!(["kubernetes", "x"]),
                json!([]),
                json!("x"),
                json!(1),
                Value::Null,
            ],
        ),
        ("exp", moments(NOW + 300)),
        ("nbf", moments(NOW - 10)),
        ("iat", moments(NOW - 10)),
        ("sub", texts(&[json!("revoked-subject"), json!(1), Value::Null])),
        ("name", texts(&[json!("forbidden"), json!(["alice"]), Value::Null])),
        ("email", texts(&[json!("alice@example.com"), Value::Null])),
        ("email_verified", vec![json!(true), json!(false), json!("true"), Value::Null]),
        ("groups", groups.clone()),
        ("roles", groups),
        ("jti", vec![json!("1"), json!("revoked-token"), json!(1), Value::Null]),
        ("sid", vec![json!("s"), json!("revoked-session"), Value::Null]),
        ("azp", vec![json!("kubernetes"), json!("x"), Value::Null]),
        (
            "_claim_names",
            vec![json!({}), json!({ "groups": "src" }), json!({ "groups": 1 }), Value::Null],
        ),
        (
            "_claim_sources",
            vec![
                json!({ "src": { "endpoint": "https://plain.example/g" } }),
                json!({ "src": { "endpoint": 1 } }),
                Value::Null,
            ],
        ),
    ]
}

/// Returns claims, replaced by the members of the JSON object in the remaining bytes. A byte of
/// 255 leaves a claim out.
pub(super) fn claims(data: &[u8]) -> Value {
    static CHOICES: LazyLock<Vec<(&'static str, Vec<Value>)>> = LazyLock::new(choices);
    let mut claims = Map::new();
    for (number, (name, values)) in CHOICES.iter().enumerate() {
        let byte = usize::from(data.get(number).copied().unwrap_or(0));
        if byte != 255
            && let Some(value) = values.get(byte % values.len())
        {
            claims.insert((*name).to_owned(), value.clone());
        }
    }
    let rest = data.get(CHOICES.len()..).unwrap_or_default();
    if let Ok(Value::Object(members)) = serde_json::from_slice(rest) {
        claims.extend(members);
    }
    Value::Object(claims)
}

/// The whole review, with the keys of every issuer present and `groups` as the answer of the
/// endpoint for distributed groups. `None` if that answer is needed and absent.
pub(super) fn judge(token: &str, groups: Option<&str>) -> Option<Verdict> {
    let world = &*WORLD;
    let now = UnixTime::from_seconds(NOW);
    let token = match plan(&world.policy, token, now) {
        Plan::Refuse(reason) => return Some(Verdict::Refused(reason)),
        Plan::Judge(token) => token,
    };
    let audiences = AudienceRequest { requested: &[], api_audiences: None };
    let mut evidence = Evidence::of_keys(token.issuer()?, &world.keys);
    for _ in 0..4 {
        match decide(&world.policy, &token, &evidence, audiences, now) {
            Decision::Verdict(verdict) => return Some(verdict),
            // There is no fresher set.
            Decision::Need(Need::FreshKeys(_, otherwise)) => {
                return Some(Verdict::Refused(otherwise));
            }
            Decision::Need(Need::Keys(issuer)) => evidence.keys[1] = Some((issuer, &world.keys)),
            Decision::Need(Need::Groups(_)) => evidence.groups = Some(groups?),
            Decision::Need(Need::Statement(_)) => panic!("no other party knows these tokens"),
        }
    }
    panic!("the judgement of a token asks for ever")
}
