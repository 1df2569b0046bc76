//! An expression, compiled for claims and for a user, and evaluated over some.
//! Never accepts that the same expression over the same claims gives two results.

use std::{collections::BTreeMap, sync::LazyLock};

use kubernetes_cel::{Bindings, Budget, Environment, Program, Value};
use login_common::Identity;
use login_review::{Expression, UserFields, claims_environment, claims_value, user_environment};
use serde_json::json;

static CLAIMS: LazyLock<serde_json::Value> = LazyLock::new(|| {
    json!({
        "sub": "s", "email": "a@example.com", "email_verified": true, "exp": 2000, "nbf": 1000.5,
        "groups": ["dev", "k8s:admin", ""], "empty": [], "nothing": null, "a": "\u{0}é😀",
        "nested": { "deep": [1, [2, { "x.y": "z" }]] }, "big": 1e300, "site": "https://[::1]:80/?q",
    })
});

static USER: LazyLock<UserFields> = LazyLock::new(|| {
    UserFields::new(&Identity {
        username: "jane".to_owned(),
        uid: "https://id.example.com#42".to_owned(),
        groups: vec!["dev".to_owned(), "k8s:admin".to_owned()],
        extra: BTreeMap::from([("example.com/tenant".to_owned(), vec!["a".to_owned()])]),
    })
});

/// One input, as an expression over claims and as one over a user.
pub fn run(data: &[u8]) {
    let Ok(source) = std::str::from_utf8(data) else { return };
    if let Some(fields) = CLAIMS.as_object() {
        evaluate(source, claims_environment(), ("claims", claims_value(fields)));
    }
    evaluate(source, user_environment(), ("user", USER.value()));
    // Compiled as the configuration does, which already evaluates what it requires of claims.
    if let Ok(expression) = Expression::over_claims(source) {
        let _ = (expression.fails_without(), expression.selects_claim("email"));
    }
}

fn evaluate<'a>(source: &str, environment: &Environment, variable: (&'a str, Value<'a>)) {
    let program = match Program::compile(source, environment) {
        Ok(program) => program,
        Err(fault) => {
            assert!(!fault.to_string().is_empty());
            return;
        }
    };
    let bindings = Bindings::new([variable]);
    // A tenth of a token's budget: the fuzzer is good at finding slow expressions.
    let limits = Budget { cost: 100_000, work: 4 * 1024 * 1024 }.into();
    let [first, second] = [(); 2].map(|()| format!("{:?}", program.evaluate(&bindings, &limits)));
    assert_eq!(first, second);
}
