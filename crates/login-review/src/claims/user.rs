//! The variable `user` of `userValidationRules`.
//! Never a computed map: names within `extra` are escaped in expressions
//! (`user.extra.example__dot__com__slash__tenant`), and only maps of JSON unescape them.

use kubernetes_cel::{Value, value::Map};
use login_common::Identity;
use serde_json::{Map as JsonMap, Value as Json};

/// The fields of `kubernetes.UserInfo`; always all of them, even empty ones.
#[derive(Clone, Debug)]
pub struct UserFields(JsonMap<String, Json>);

impl UserFields {
    /// The fields of `user`.
    pub fn new(user: &Identity) -> Self {
        let extra = user.extra.iter().map(|(key, values)| (key.clone(), Json::from(&**values)));
        let fields = [
            ("username", Json::from(&*user.username)),
            ("uid", Json::from(&*user.uid)),
            ("groups", Json::from(&*user.groups)),
            ("extra", Json::Object(extra.collect())),
        ];
        Self(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// The value of `user`; the environment makes it an object of its type.
    pub fn value(&self) -> Value<'_> {
        Value::Map(Map::Json(&self.0))
    }
}
