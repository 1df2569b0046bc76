//! The variables of expressions, `claims` and `user`, as kube-apiserver declares and binds them.
//! Never adds a function to those of kube-apiserver: an expression means the same in both.

use std::sync::{Arc, LazyLock};

use kubernetes_cel::{
    Environment, Type, Value,
    value::{Map, Object},
};
use serde_json::{Map as JsonMap, Value as Json};

static CLAIMS: LazyLock<Environment> =
    LazyLock::new(|| declare("claims", Type::map(Type::String, Type::Any)));

static USER: LazyLock<Environment> = LazyLock::new(|| {
    let strings = || Type::list(Type::String);
    let fields = [
        ("username", Type::String),
        ("uid", Type::String),
        ("groups", strings()),
        ("extra", Type::map(Type::String, strings())),
    ];
    declare("user", Type::object("kubernetes.UserInfo", fields))
});

static CLAIMS_TYPE: LazyLock<Arc<str>> = LazyLock::new(|| Arc::from("kubernetes.claims"));

#[expect(clippy::expect_used, reason = "the names are constants, and every use is a test of them")]
fn declare(variable: &str, of: Type) -> Environment {
    Environment::kubernetes().variable(variable, of).build().expect("a single variable")
}

/// The environment with the variable `claims`, a map of which only the names are known.
pub fn claims_environment() -> &'static Environment {
    &CLAIMS
}

/// The environment with the variable `user`, which has the fields of `kubernetes.UserInfo`.
pub fn user_environment() -> &'static Environment {
    &USER
}

/// The value of `claims`: not a map, although it is declared as one.
pub fn claims_value(claims: &JsonMap<String, Json>) -> Value<'_> {
    Value::Object(Object::new(Arc::clone(&CLAIMS_TYPE), Map::Json(claims)))
}
