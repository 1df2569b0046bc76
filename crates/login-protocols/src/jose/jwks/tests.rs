//! Tests of key sets: which keys are accepted, and which one is used for a token.
//! Never lets an earlier fault hide that a kind of key is unsupported.

use serde_json::{Value, json};

use super::{KeySet, KeySetError, MAX_CANDIDATES};
use crate::jose::{
    Algorithm, CompactJws, KeyProblem, SignatureError, SigningKey, base64url,
    test_issuer::{self, jwk, key_set, signed, verify, with},
};

#[test]
fn a_key_serves_only_the_algorithms_of_its_type_and_curve() {
    let rsa = &Algorithm::ALL[..6];
    for key in [Algorithm::Rs256, Algorithm::Es256, Algorithm::Es384, Algorithm::Es512] {
        let keys = key_set(&[jwk(key, json!({ "kid": "k" }))]);
        for algorithm in Algorithm::ALL {
            let fits = key == algorithm || (key == Algorithm::Rs256 && rsa.contains(&algorithm));
            let expected = if fits { Ok(()) } else { Err(SignatureError::OtherAlgorithm) };
            assert_eq!(verify(&signed(algorithm, Some("k")), &keys), expected, "{algorithm}");
        }
    }
}

#[test]
fn the_alg_of_a_key_binds_it() {
    let keys = key_set(&[jwk(Algorithm::Rs256, json!({ "kid": "k", "alg": "PS256" }))]);
    assert_eq!(verify(&signed(Algorithm::Ps256, Some("k")), &keys), Ok(()));
    for algorithm in [Algorithm::Rs256, Algorithm::Ps384] {
        let token = signed(algorithm, Some("k"));
        assert_eq!(verify(&token, &keys), Err(SignatureError::OtherAlgorithm), "{algorithm}");
    }
}

#[test]
fn keys_are_found_by_exact_kid_and_only_unknown_ones_are_worth_a_fetch() {
    use SignatureError::{NoSuchKey, OtherAlgorithm};
    let keys = key_set(&[
        jwk(Algorithm::Rs256, json!({ "kid": "rsa" })),
        jwk(Algorithm::Es256, json!({ "kid": "p256" })),
        jwk(Algorithm::Es384, json!({})),
    ]);
    for (algorithm, kid, expected) in [
        (Algorithm::Rs256, Some("rsa"), Ok(())),
        (Algorithm::Es256, Some("p256"), Ok(())),
        (Algorithm::Es256, Some("rsa"), Err(OtherAlgorithm)),
        (Algorithm::Rs256, Some("RSA"), Err(NoSuchKey)),
        (Algorithm::Rs256, Some(""), Ok(())),
        (Algorithm::Es384, Some("p384"), Err(NoSuchKey)),
        (Algorithm::Es384, None, Ok(())),
        (Algorithm::Es256, None, Ok(())),
        (Algorithm::Es512, None, Err(NoSuchKey)),
    ] {
        let token = signed(algorithm, kid);
        let token = CompactJws::parse(&token).unwrap();
        assert_eq!(token.verify(&keys), expected, "{algorithm} {kid:?}");
        let known = expected != Err(NoSuchKey);
        assert_eq!(keys.has_key_for(token.header()), known, "{algorithm} {kid:?}");
    }
    assert_eq!(verify(&signed(Algorithm::Rs256, None), &KeySet::empty()), Err(NoSuchKey));
}

#[test]
fn a_token_without_kid_is_tried_with_all_keys_of_its_algorithm() {
    let other = || SigningKey::generate().unwrap().public_jwk();
    let own = jwk(Algorithm::Es256, json!({ "kid": "own" }));
    let unfit = jwk(Algorithm::Rs256, json!({ "kid": "rsa" }));
    for kid in [None, Some("")] {
        let token = signed(Algorithm::Es256, kid);
        for keys in [
            key_set(&[own.clone(), other()]),
            key_set(&[other(), unfit.clone(), own.clone()]),
            key_set(&[own.clone(), own.clone()]),
        ] {
            assert_eq!(verify(&token, &keys), Ok(()));
        }
        let others = key_set(&[other(), other(), unfit.clone()]);
        assert_eq!(verify(&token, &others), Err(SignatureError::Mismatch));
        assert!(others.has_key_for(CompactJws::parse(&token).unwrap().header()));
        let none = key_set(std::slice::from_ref(&unfit));
        assert_eq!(verify(&token, &none), Err(SignatureError::NoSuchKey));
    }
}

#[test]
fn keys_of_one_name_are_tried_up_to_sixteen() {
    let own = jwk(Algorithm::Es256, json!({ "kid": "same" }));
    let other = || with(SigningKey::generate().unwrap().public_jwk(), json!({ "kid": "same" }));
    let unfit = jwk(Algorithm::Rs256, json!({ "kid": "same" }));
    let token = signed(Algorithm::Es256, Some("same"));
    // A key for another algorithm does not count towards the sixteen.
    let mut keys: Vec<Value> = (0..MAX_CANDIDATES - 1).map(|_| other()).collect();
    keys.insert(3, unfit);
    keys.push(own);
    assert_eq!(verify(&token, &key_set(&keys)), Ok(()));
    keys.insert(0, other());
    assert_eq!(verify(&token, &key_set(&keys)), Err(SignatureError::Ambiguous));
    let forged = key_set(&[other(), other()]);
    assert_eq!(verify(&token, &forged), Err(SignatureError::Mismatch));
}

#[test]
fn null_and_empty_members_are_absent() {
    let token = signed(Algorithm::Rs256, None);
    let null = Value::Null;
    for members in [
        json!({ "alg": null, "use": null, "key_ops": null, "kid": null, "d": null, "k": null }),
        json!({ "p": null, "q": null, "dp": null, "dq": null, "qi": null, "oth": null }),
        json!({ "alg": "", "use": "", "kid": "", "key_ops": [] }),
        json!({ "x5c": null, "x5t": null, "x5u": 5 }),
        json!({ "use": "jwt-svid" }),
        json!({ "key_ops": ["sign", "verify"] }),
        json!({ "kid": "k".repeat(1024) }),
    ] {
        let mut key = test_issuer::bare_jwk(Algorithm::Rs256);
        let own = key.as_object_mut().unwrap();
        own.extend(members.as_object().unwrap().clone());
        let has_name = members["kid"].as_str().is_some_and(|kid| !kid.is_empty());
        let set = KeySet::parse(json!({ "keys": [key] }).to_string().as_bytes()).unwrap();
        assert_eq!(verify(&token, &set), Ok(()), "{members}");
        assert_eq!(set.has_key_id(&"k".repeat(1024)), has_name, "{members}");
    }
    for (name, expected) in [
        ("kty", KeyProblem::Malformed("kty")),
        ("n", KeyProblem::Malformed("n")),
        ("e", KeyProblem::Malformed("e")),
    ] {
        let mut key = test_issuer::bare_jwk(Algorithm::Rs256);
        key[name] = null.clone();
        let good = jwk(Algorithm::Es256, json!({}));
        assert_eq!(key_set(&[key, good]).problems(), [expected], "{name}");
    }
}

#[test]
fn a_token_that_names_a_key_which_is_left_out_is_told_why() {
    let weak = jwk(Algorithm::Rs256, json!({ "kid": "weak", "n": base64url::encode([0xff; 128]) }));
    let keys = key_set(&[
        weak,
        jwk(Algorithm::Es256, json!({ "kid": "enc", "use": "enc" })),
        jwk(Algorithm::Es256, json!({ "kid": "both", "use": "enc" })),
        jwk(Algorithm::Es256, json!({ "kid": "both" })),
    ]);
    for (kid, expected) in [
        ("weak", Err(SignatureError::Unusable(KeyProblem::Strength))),
        ("enc", Err(SignatureError::Unusable(KeyProblem::Use))),
        ("both", Ok(())),
        ("other", Err(SignatureError::NoSuchKey)),
    ] {
        assert_eq!(verify(&signed(Algorithm::Es256, Some(kid)), &keys), expected, "{kid}");
    }
    let left_out: Vec<_> = keys.left_out().collect();
    let expected = [
        (Some("weak"), KeyProblem::Strength),
        (Some("enc"), KeyProblem::Use),
        (Some("both"), KeyProblem::Use),
    ];
    assert_eq!(left_out, expected);
}

#[test]
fn a_thousand_keys_are_taken() {
    let other = jwk(Algorithm::Rs256, json!({ "kid": "other" }));
    let mut keys = vec![other; 999];
    keys.push(jwk(Algorithm::Es256, json!({ "kid": "own" })));
    let keys = key_set(&keys);
    assert_eq!(keys.len(), 1000);
    assert_eq!(verify(&signed(Algorithm::Es256, Some("own")), &keys), Ok(()));
}

#[test]
fn bad_keys_are_skipped_and_counted() {
    use Algorithm::{Es256, Rs256};
    use KeyProblem::{Malformed, Operations, Point, Private, Strength, Type, Use};
    let number = |length: usize, last: u8| {
        let mut bytes = vec![0xff; length];
        *bytes.last_mut().unwrap() = last;
        base64url::encode(bytes)
    };
    let flipped = |name: &str| {
        let text = test_issuer::bare_jwk(Es256)[name].as_str().unwrap().to_owned();
        let mut bytes = base64url::decode(&text).unwrap();
        bytes[7] ^= 1;
        base64url::encode(bytes)
    };
    let bad = [
        (json!("not an object"), Malformed("keys")),
        (jwk(Rs256, json!({ "kty": null })), Malformed("kty")),
        (jwk(Rs256, json!({ "kty": 7 })), Malformed("kty")),
        (jwk(Rs256, json!({ "kty": "rsa" })), Type),
        (json!({ "kty": "oct", "k": "AAAA" }), Type),
        (json!({ "kty": "OKP", "crv": "Ed25519", "x": "AAAA" }), Type),
        (jwk(Rs256, json!({ "kid": 1 })), Malformed("kid")),
        (jwk(Rs256, json!({ "kid": "k".repeat(1025) })), Malformed("kid")),
        (jwk(Rs256, json!({ "use": "enc" })), Use),
        (jwk(Rs256, json!({ "use": ["sig"] })), Malformed("use")),
        (jwk(Rs256, json!({ "key_ops": ["encrypt", "sign"] })), Operations),
        (jwk(Rs256, json!({ "key_ops": "verify" })), Malformed("key_ops")),
        (jwk(Rs256, json!({ "alg": "RSA-OAEP" })), KeyProblem::Algorithm),
        (jwk(Rs256, json!({ "alg": "HS256" })), KeyProblem::Algorithm),
        (jwk(Rs256, json!({ "alg": "ES256" })), KeyProblem::Algorithm),
        (jwk(Es256, json!({ "alg": "RS256" })), KeyProblem::Algorithm),
        (jwk(Es256, json!({ "alg": "ES384" })), KeyProblem::Algorithm),
        (jwk(Rs256, json!({ "d": "AQAB" })), Private),
        (jwk(Rs256, json!({ "p": "AQAB" })), Private),
        (jwk(Es256, json!({ "d": "AQAB" })), Private),
        (jwk(Rs256, json!({ "k": "AQAB" })), Private),
        (jwk(Rs256, json!({ "n": null })), Malformed("n")),
        (jwk(Rs256, json!({ "n": "AQAB=" })), Malformed("n")),
        (jwk(Rs256, json!({ "n": "" })), Strength),
        (jwk(Rs256, json!({ "n": number(128, 0xff) })), Strength),
        (jwk(Rs256, json!({ "n": number(255, 0xff) })), Strength),
        (jwk(Rs256, json!({ "n": number(1025, 0xff) })), Strength),
        (jwk(Rs256, json!({ "n": number(256, 0xfe) })), Strength),
        (jwk(Rs256, json!({ "e": null })), Malformed("e")),
        (jwk(Rs256, json!({ "e": "AQ" })), Strength),
        (jwk(Rs256, json!({ "e": "Ag" })), Strength),
        (jwk(Rs256, json!({ "e": "" })), Strength),
        (jwk(Rs256, json!({ "e": base64url::encode([1, 0, 0, 0, 1]) })), Strength),
        (jwk(Rs256, json!({ "e": number(256, 0xff) })), Strength),
        (jwk(Es256, json!({ "crv": null })), Malformed("crv")),
        (jwk(Es256, json!({ "crv": "secp256k1" })), Type),
        (jwk(Es256, json!({ "crv": "P-384" })), Malformed("x")),
        (jwk(Es256, json!({ "x": null })), Malformed("x")),
        (jwk(Es256, json!({ "y": "AAAA" })), Malformed("y")),
        (jwk(Es256, json!({ "y": flipped("y") })), Point),
        (jwk(Es256, json!({ "x": flipped("x") })), Point),
    ];
    let mut keys: Vec<Value> = bad.iter().map(|(key, _)| key.clone()).collect();
    keys.insert(20, jwk(Es256, json!({ "kid": "good", "use": "sig", "key_ops": ["verify"] })));
    let set = key_set(&keys);
    for ((key, expected), found) in bad.iter().zip(set.problems()) {
        assert_eq!(found, expected, "{key}");
    }
    assert_eq!((set.len(), set.skipped()), (1, bad.len()));
    assert_eq!(verify(&signed(Es256, Some("good")), &set), Ok(()));
    assert_eq!(
        format!("{set:?}"),
        format!("KeySet {{ kids: [\"good\"], skipped: {}, .. }}", bad.len())
    );
}

#[test]
fn a_modulus_with_the_leading_zero_of_some_libraries_is_still_a_key() {
    let n = test_issuer::bare_jwk(Algorithm::Rs256)["n"].as_str().unwrap().to_owned();
    let n = [&[0][..], &base64url::decode(&n).unwrap()].concat();
    let keys = key_set(&[jwk(Algorithm::Rs256, json!({ "n": base64url::encode(n) }))]);
    assert_eq!(verify(&signed(Algorithm::Rs256, None), &keys), Ok(()));
}

#[test]
fn documents_without_usable_keys_are_errors_and_never_sets() {
    let parse = |text: &str| KeySet::parse(text.as_bytes()).unwrap_err();
    assert!(matches!(parse(""), KeySetError::Json(_)));
    assert!(matches!(parse("[]"), KeySetError::Json(_)));
    assert!(matches!(parse("<html>"), KeySetError::Json(_)));
    assert!(matches!(parse(r#"{"keys":[],"keys":[]}"#), KeySetError::Json(_)));
    assert!(matches!(parse(r#"{"keys":[{"kid":"a","kid":"b"}]}"#), KeySetError::Json(_)));
    assert!(matches!(parse("{}"), KeySetError::NoKeys));
    assert!(matches!(parse(r#"{"keys":{}}"#), KeySetError::NoKeys));
    assert!(matches!(parse(r#"{"keys":[]}"#), KeySetError::NoUsableKey { skipped: 0, .. }));
    assert!(matches!(parse(r#"{"keys":[{},1]}"#), KeySetError::NoUsableKey { skipped: 2, .. }));
    let many = vec![test_issuer::bare_jwk(Algorithm::Es256); 1001];
    assert!(matches!(parse(&json!({ "keys": many }).to_string()), KeySetError::TooManyKeys(1001)));
    assert!(matches!(parse(&" ".repeat(1024 * 1024 + 1)), KeySetError::TooLong));
}

#[test]
fn the_reasons_name_each_key_and_have_an_end() {
    let key = |name: &str| json!({ "kty": "oct", "kid": name, "k": "AA" });
    let set = json!({ "keys": [key("a"), key("b\u{1b}[31m"), { "kty": "RSA", "use": "enc" }] });
    let fault = KeySet::parse(set.to_string().as_bytes()).unwrap_err().to_string();
    assert_eq!(
        fault,
        "none of the 3 keys of the key set can verify a token: `a`: the key type or curve is not \
         supported; `b\\u{1b}[31m`: the key type or curve is not supported; one without `kid`: \
         `use` is neither `sig` nor `jwt-svid`"
    );
    let many: Vec<Value> = (0..20).map(|_| key(&"k".repeat(200))).collect();
    let fault = KeySet::parse(json!({ "keys": many }).to_string().as_bytes()).unwrap_err();
    let fault = fault.to_string();
    assert!(fault.ends_with("; and more") && fault.len() < 1200, "{fault}");
}
