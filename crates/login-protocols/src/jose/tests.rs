//! Tests across the files of `jose`: published examples, another library, and all invalid keys.
//! Never relies only on signatures that this code made.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{
    Algorithm, CompactJws, JoseError, KeySet, SignatureError, SigningKey, SigningKeyError,
    base64url,
    jwk::VerificationKey,
    public_key_set,
    test_issuer::{self, PAYLOAD, jwk, key_set, signed, verify},
    thumbprint,
};

/// The payload of RFC 7515 A.2 and A.3.
const RFC_7515_PAYLOAD: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt\
     cGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

#[test]
fn rfc_7515_a_2_rs256_verifies() {
    let key = json!({
        "kty": "RSA",
        "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEz\
              P1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf6\
              3kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5Zw\
              Kh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRW\
              yuXpoQ",
        "e": "AQAB",
    });
    let token = format!(
        "eyJhbGciOiJSUzI1NiJ9.{RFC_7515_PAYLOAD}.\
         cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2\
         Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjt\
         QBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6\
         IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
    );
    let parsed = CompactJws::parse(&token).unwrap();
    assert_eq!(parsed.verify(&key_set(&[key])), Ok(()));
    assert_eq!(parsed.unverified_claims().issuer(), Some("joe"));
}

#[test]
fn rfc_7515_a_3_es256_verifies() {
    let key = json!({
        "kty": "EC", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    });
    let token = format!(
        "eyJhbGciOiJFUzI1NiJ9.{RFC_7515_PAYLOAD}.\
         DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
    );
    assert_eq!(verify(&token, &key_set(&[key])), Ok(()));
}

#[test]
fn rfc_7515_a_4_es512_verifies() {
    let key = json!({
        "kty": "EC", "crv": "P-521",
        "x": "AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceq\
              wQGk",
        "y": "ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3k\
              yMj2",
    });
    let input = "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA";
    let signature = "AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34\
                     XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbS\
                     W9ERBXukOXolLzeO_Jn";
    // The example's payload is `Payload`, which is no JSON object of claims; its signature is
    // valid.
    let token = format!("{input}.{signature}");
    assert!(matches!(CompactJws::parse(&token), Err(JoseError::Payload(_))));
    let signature = base64url::decode(signature).unwrap();
    let key = VerificationKey::parse(&key).unwrap();
    assert!(key.verifies(Algorithm::Es512, input.as_bytes(), &signature));
    assert!(!key.verifies(Algorithm::Es512, b"eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZB", &signature));
}

#[test]
fn rfc_7638_names_keys_by_their_required_members() {
    let key = json!({
        "kty": "RSA",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tS\
              oc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65\
              YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyr\
              dkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzK\
              nqDKgw",
        "e": "AQAB", "alg": "RS256", "kid": "2011-04-29",
    });
    assert_eq!(thumbprint(&key).unwrap(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    assert_eq!(thumbprint(&json!({ "kty": "RSA", "n": "AQAB" })), None);
    assert_eq!(thumbprint(&json!({ "kty": "oct", "k": "AQAB" })), None);
}

/// The name of an algorithm in `jsonwebtoken`, which has no ES512.
fn oracle_algorithm(algorithm: Algorithm) -> Option<jsonwebtoken::Algorithm> {
    algorithm.as_str().parse().ok()
}

fn oracle_verifies(token: &str, algorithm: Algorithm, jwk: Value) -> bool {
    let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_value(jwk).unwrap();
    let key = jsonwebtoken::DecodingKey::from_jwk(&jwk).unwrap();
    let mut checks = jsonwebtoken::Validation::new(oracle_algorithm(algorithm).unwrap());
    checks.validate_aud = false;
    jsonwebtoken::decode::<Map<String, Value>>(token, &key, &checks).is_ok()
}

#[test]
fn another_library_and_we_accept_the_same_tokens_and_refuse_the_same() {
    let algorithms = Algorithm::ALL.into_iter().filter(|a| oracle_algorithm(*a).is_some());
    assert_eq!(algorithms.clone().count(), 8);
    for algorithm in algorithms {
        let pkcs8 = test_issuer::pkcs8(algorithm);
        let pem = format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            STANDARD.encode(pkcs8)
        );
        let key = match algorithm {
            Algorithm::Es256 | Algorithm::Es384 | Algorithm::Es512 => {
                jsonwebtoken::EncodingKey::from_ec_pem(pem.as_bytes()).unwrap()
            }
            _ => jsonwebtoken::EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap(),
        };
        let header = jsonwebtoken::Header::new(oracle_algorithm(algorithm).unwrap());
        let claims: Value = serde_json::from_str(PAYLOAD).unwrap();
        let theirs = jsonwebtoken::encode(&header, &claims, &key).unwrap();
        let keys = key_set(&[jwk(algorithm, json!({}))]);
        assert_eq!(verify(&theirs, &keys), Ok(()), "{algorithm}");

        let ours = signed(algorithm, None);
        assert!(oracle_verifies(&ours, algorithm, jwk(algorithm, json!({}))), "{algorithm}");
        assert_eq!(verify(&ours, &keys), Ok(()), "{algorithm}");

        let swapped =
            format!("{}.{}", ours.rsplit_once('.').unwrap().0, theirs.rsplit_once('.').unwrap().1);
        assert!(!oracle_verifies(&swapped, algorithm, jwk(algorithm, json!({}))), "{algorithm}");
        assert_eq!(verify(&swapped, &keys), Err(SignatureError::Mismatch), "{algorithm}");
    }
}

#[test]
fn another_library_verifies_what_our_signing_key_signs() {
    let key = SigningKey::generate().unwrap();
    let token = key.sign("at+jwt", &serde_json::from_str(PAYLOAD).unwrap()).unwrap();
    assert!(oracle_verifies(&token, Algorithm::Es256, key.public_jwk()));
    let header = jsonwebtoken::decode_header(&token).unwrap();
    assert_eq!(
        (header.typ.as_deref(), header.kid.as_deref()),
        (Some("at+jwt"), Some(key.key_id()))
    );
    let other = SigningKey::generate().unwrap();
    assert!(!oracle_verifies(&token, Algorithm::Es256, other.public_jwk()));
}

#[test]
fn a_signing_key_survives_storage_and_names_itself_alike() {
    let key = SigningKey::generate().unwrap();
    let again = SigningKey::from_pkcs8(&key.to_pkcs8()).unwrap();
    assert_eq!(again.public_jwk(), key.public_jwk());
    assert_eq!(thumbprint(&key.public_jwk()).as_deref(), Some(key.key_id()));
    let keys = KeySet::parse(public_key_set(&[&key]).to_string().as_bytes()).unwrap();
    let token = again.sign("JWT", &json!({ "iss": "x" })).unwrap();
    assert_eq!(verify(&token, &keys), Ok(()));
    assert_eq!(key.sign("JWT", &json!([])), Err(SigningKeyError::Claims));
    assert_eq!(
        SigningKey::from_pkcs8(&test_issuer::pkcs8(Algorithm::Es384)).unwrap_err(),
        SigningKeyError::Pkcs8
    );
    assert_eq!(SigningKey::from_pkcs8(b"not a key").unwrap_err(), SigningKeyError::Pkcs8);
    let shown = format!("{key:?}");
    assert!(shown.contains(key.key_id()) && !shown.contains("pkcs8"), "{shown}");
}

#[test]
fn no_bit_of_a_token_can_be_flipped() {
    for algorithm in [Algorithm::Es256, Algorithm::Rs256, Algorithm::Ps256] {
        let keys = key_set(&[jwk(algorithm, json!({ "kid": "k" }))]);
        let token = signed(algorithm, Some("k"));
        assert_eq!(verify(&token, &keys), Ok(()));
        let mut tried = 0;
        for position in 0..token.len() * 8 {
            let mut bytes = token.clone().into_bytes();
            bytes[position / 8] ^= 1 << (position % 8);
            let Ok(flipped) = String::from_utf8(bytes) else { continue };
            tried += 1;
            let accepted = CompactJws::parse(&flipped).is_ok_and(|jws| jws.verify(&keys).is_ok());
            assert!(!accepted, "{algorithm}: bit {position}");
        }
        assert_eq!(tried, token.len() * 7);
    }
}

#[test]
fn a_signature_of_wrong_length_or_form_does_not_verify() {
    let keys = key_set(&[jwk(Algorithm::Es256, json!({}))]);
    let token = signed(Algorithm::Es256, None);
    let (input, signature) = token.rsplit_once('.').unwrap();
    let bytes = base64url::decode(signature).unwrap();
    let zeros = vec![0; 64];
    // RFC 7518 §3.4 requires both numbers at full length, which rules out DER.
    let der = [&[0x30, 68, 2, 32][..], &bytes[..32], &[2, 32], &bytes[32..]].concat();
    for bad in [&[][..], &bytes[..63], &[&bytes[..], &[0]].concat(), &zeros, &der] {
        let token = format!("{input}.{}", base64url::encode(bad));
        assert_eq!(verify(&token, &keys), Err(SignatureError::Mismatch));
    }
}

#[test]
fn debug_shows_nothing_that_could_be_used() {
    let token = signed(Algorithm::Es256, Some("k"));
    let shown = format!("{:?}", CompactJws::parse(&token).unwrap());
    assert!(shown.contains("Es256"), "{shown}");
    for part in token.split('.') {
        assert!(!shown.contains(part), "{shown}");
    }
    assert!(!shown.contains("id.example.com"), "{shown}");
}

proptest! {
    #[test]
    fn the_parser_never_panics(text in ".{0,300}") {
        drop(CompactJws::parse(&text));
    }

    #[test]
    fn the_parser_never_panics_on_what_looks_like_a_token(
        header in "[{}\\[\\]\":,algkidE256RSnone0-9 .\\\\u]{0,60}",
        payload in "[{}\\[\\]\":,isexpaud0-9e+.\\-]{0,60}",
        signature in "[A-Za-z0-9_=.-]{0,100}",
    ) {
        let parts = [header, payload].map(base64url::encode);
        let token = format!("{}.{}.{signature}", parts[0], parts[1]);
        if let Ok(jws) = CompactJws::parse(&token) {
            prop_assert!(jws.verify(&KeySet::empty()).is_err());
        }
    }

    #[test]
    fn key_set_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(KeySet::parse(&bytes).is_err());
    }

    #[test]
    fn what_is_signed_reads_back_whatever_the_claims(
        claims in proptest::collection::btree_map(".{0,12}", ".{0,40}", 0..8),
    ) {
        let key = SigningKey::generate().unwrap();
        let claims = json!(claims);
        let token = key.sign("JWT", &claims).unwrap();
        let keys = key_set(&[key.public_jwk()]);
        let jws = CompactJws::parse(&token).unwrap();
        prop_assert_eq!(jws.verify(&keys), Ok(()));
        prop_assert_eq!(Some(jws.unverified_claims().as_map()), claims.as_object());
    }
}
