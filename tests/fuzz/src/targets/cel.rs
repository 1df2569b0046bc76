//! An expression, compiled for claims and evaluated over some.
//! Never accepts that the same expression over the same claims gives two results.

use std::sync::LazyLock;

use login_cel::{
    environment::Environment,
    meter::Budget,
    program::{Bindings, Program},
    types::Type,
    value::Value,
};
use serde_json::json;

static CLAIMS: LazyLock<serde_json::Value> = LazyLock::new(|| {
    json!({
        "sub": "s", "email": "a@example.com", "email_verified": true, "exp": 2000, "nbf": 1000.5,
        "groups": ["dev", "k8s:admin", ""], "empty": [], "nothing": null, "a": "\u{0}é😀",
        "nested": { "deep": [1, [2, { "x.y": "z" }]] }, "big": 1e300, "site": "https://[::1]:80/?q",
    })
});

static ENVIRONMENT: LazyLock<Environment> =
    LazyLock::new(|| Environment::new([("claims", Type::map(Type::String, Type::Any))]));

/// One input.
pub fn run(data: &[u8]) {
    let Ok(source) = std::str::from_utf8(data) else { return };
    let program = match Program::compile(source, &ENVIRONMENT) {
        Ok(program) => program,
        Err(fault) => {
            assert!(!fault.to_string().is_empty());
            return;
        }
    };
    let _ = program.selects(&["claims", "email"]);
    let bindings = Bindings::new([("claims", Value::json(&CLAIMS))]);
    // A tenth of what one token may cost: the fuzzer finds slow expressions as well as we do.
    let budget = Budget { cost: 100_000, work: 4 * 1024 * 1024 };
    let [first, second] = [(); 2].map(|()| format!("{:?}", program.evaluate(&bindings, &budget)));
    assert_eq!(first, second);
}
