//! Our JSON parser, compared with serde_json's.
//! Never accepts that one document means two things, or that a document is refused for another
//! reason than a repeated key, its depth or its end.

use login_common::strict_json::{MAX_DEPTH, object};
use serde_json::Value;

/// One input.
pub fn run(data: &[u8]) {
    let theirs = serde_json::from_slice::<Value>(data);
    match (object(data), theirs) {
        (Ok(ours), Ok(theirs)) => assert_eq!(Value::Object(ours.into_map()), theirs),
        (Ok(_), Err(error)) => panic!("serde_json refuses what we read: {error}"),
        (Err(error), Ok(Value::Object(_))) => {
            let why = error.to_string();
            let known = ["twice", "more than once", "duplicate", "deep", "nest", "depth"];
            assert!(known.iter().any(|word| why.contains(word)), "refused, {MAX_DEPTH}: {why}");
        }
        (Err(_), _) => {}
    }
}
