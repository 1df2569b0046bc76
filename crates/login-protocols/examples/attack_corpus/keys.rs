//! The keys of the attacked issuer and of the attacker, valid, invalid and weak.
//! Never writes a private key.

use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    rsa::{KeyPair as RsaKeyPair, KeySize},
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
        ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair as _,
        RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RsaEncoding,
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{claims, encode, header, with};

pub(crate) struct Keys {
    rsa: RsaKeyPair,
    rsa_bound: RsaKeyPair,
    p256: EcdsaKeyPair,
    p384: EcdsaKeyPair,
    p521: EcdsaKeyPair,
    leaked: EcdsaKeyPair,
    for_encryption: EcdsaKeyPair,
    pub(crate) attacker: EcdsaKeyPair,
    pub(crate) attacker_rsa: RsaKeyPair,
}

/// The key that signs, and the algorithm.
#[derive(Clone, Copy)]
pub(crate) enum Signer {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    /// Signs with the key that is bound to RS256.
    BoundPs256,
    Es256,
    Es384,
    Es512,
    /// Its private half was published.
    Leaked,
    /// Published with `use: enc`.
    Encryption,
    Attacker,
    AttackerRsa,
}

impl Keys {
    pub(crate) fn generate() -> Self {
        let rsa = || RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let ec =
            |algorithm: &'static EcdsaSigningAlgorithm| EcdsaKeyPair::generate(algorithm).unwrap();
        let p256 = || ec(&ECDSA_P256_SHA256_FIXED_SIGNING);
        Self {
            rsa: rsa(),
            rsa_bound: rsa(),
            p256: p256(),
            p384: ec(&ECDSA_P384_SHA384_FIXED_SIGNING),
            p521: ec(&ECDSA_P521_SHA512_FIXED_SIGNING),
            leaked: p256(),
            for_encryption: p256(),
            attacker: p256(),
            attacker_rsa: rsa(),
        }
    }

    /// The issuer's key set: five valid keys, and many that must not be used.
    pub(crate) fn published(&self) -> Vec<Value> {
        let p256 = self.jwk(Signer::Es256);
        let mut x = self.coordinate();
        // Another letter in the middle: almost always off the curve, which the case that is signed
        // for it verifies.
        let other = if x.as_bytes().get(20) == Some(&b'A') { "B" } else { "A" };
        x.replace_range(20..21, other);
        vec![
            with(self.jwk(Signer::Rs256), &json!({ "kid": "rsa" })),
            with(self.jwk(Signer::BoundPs256), &json!({ "kid": "rs256-only", "alg": "RS256" })),
            with(p256.clone(), &json!({ "kid": "p256" })),
            with(self.jwk(Signer::Es384), &json!({ "kid": "p384" })),
            with(self.jwk(Signer::Es512), &json!({ "kid": "p521" })),
            // Two keys with one `kid`, neither of them the attacker's.
            with(p256.clone(), &json!({ "kid": "same" })),
            with(self.jwk(Signer::Es384), &json!({ "kid": "same", "alg": "ES384" })),
            // From here on: keys that must not be used.
            with(self.jwk(Signer::Leaked), &json!({ "kid": "leaked", "d": encode([1; 32]) })),
            with(self.jwk(Signer::Encryption), &json!({ "kid": "encryption", "use": "enc" })),
            json!({ "kty": "oct", "kid": "oct", "alg": "HS256", "k": encode(SHARED) }),
            json!({ "kty": "OKP", "crv": "Ed25519", "kid": "okp", "x": encode([7; 32]) }),
            json!({ "kty": "RSA", "kid": "weak", "n": encode(weak_modulus()), "e": "AQAB" }),
            json!({ "kty": "RSA", "kid": "exponent-one", "n": encode(OTHER_MODULUS), "e": "AQ" }),
            with(p256.clone(), &json!({ "kid": "off-curve", "x": x })),
            with(p256, &json!({ "kid": "wrong-curve", "crv": "P-384" })),
        ]
    }

    /// The public key with only the members that its type requires.
    pub(crate) fn jwk(&self, signer: Signer) -> Value {
        match self.pair(signer) {
            Pair::Rsa(pair, _) => {
                json!({ "kty": "RSA", "n": encode(modulus(pair)), "e": "AQAB" })
            }
            Pair::Ec(pair, curve) => {
                let point = pair.public_key().as_ref();
                let (x, y) = point.get(1..).unwrap().split_at(point.len() / 2);
                json!({ "kty": "EC", "crv": curve, "x": encode(x), "y": encode(y) })
            }
        }
    }

    /// `x` of the P-256 key.
    pub(crate) fn coordinate(&self) -> String {
        let jwk = self.jwk(Signer::Es256);
        jwk.get("x").and_then(Value::as_str).unwrap().to_owned()
    }

    /// The uncompressed point of the P-256 key.
    pub(crate) fn point(&self) -> Vec<u8> {
        self.p256.public_key().as_ref().to_vec()
    }

    pub(crate) fn rsa_modulus(&self) -> Vec<u8> {
        modulus(&self.rsa)
    }

    /// The RSA key as `SubjectPublicKeyInfo` (RFC 5280 §4.1).
    pub(crate) fn rsa_der(&self) -> Vec<u8> {
        let key = self.rsa.public_key().as_ref();
        // Sequence, algorithm rsaEncryption with NULL, bit string: lengths of a 2048-bit key.
        let mut der = vec![0x30, 0x82, 0x01, 0x22, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86];
        der.extend([0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00, 0x03, 0x82, 0x01, 0x0f, 0x00]);
        der.extend(key);
        der
    }

    pub(crate) fn rsa_pem(&self) -> String {
        let text = STANDARD.encode(self.rsa_der());
        let lines: Vec<String> = text
            .as_bytes()
            .chunks(64)
            .map(|line| String::from_utf8(line.to_vec()).unwrap())
            .collect();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
    }

    fn pair(&self, signer: Signer) -> Pair<'_> {
        match signer {
            Signer::Rs256 => Pair::Rsa(&self.rsa, &RSA_PKCS1_SHA256),
            Signer::Rs384 => Pair::Rsa(&self.rsa, &RSA_PKCS1_SHA384),
            Signer::Rs512 => Pair::Rsa(&self.rsa, &RSA_PKCS1_SHA512),
            Signer::Ps256 => Pair::Rsa(&self.rsa, &RSA_PSS_SHA256),
            Signer::BoundPs256 => Pair::Rsa(&self.rsa_bound, &RSA_PSS_SHA256),
            Signer::Es256 => Pair::Ec(&self.p256, "P-256"),
            Signer::Es384 => Pair::Ec(&self.p384, "P-384"),
            Signer::Es512 => Pair::Ec(&self.p521, "P-521"),
            Signer::Leaked => Pair::Ec(&self.leaked, "P-256"),
            Signer::Encryption => Pair::Ec(&self.for_encryption, "P-256"),
            Signer::Attacker => Pair::Ec(&self.attacker, "P-256"),
            Signer::AttackerRsa => Pair::Rsa(&self.attacker_rsa, &RSA_PKCS1_SHA256),
        }
    }

    /// The raw signature of any bytes.
    pub(crate) fn signature(&self, signer: Signer, input: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self.pair(signer) {
            Pair::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &random, input, &mut signature).unwrap();
                signature
            }
            Pair::Ec(pair, _) => pair.sign(&random, input).unwrap().as_ref().to_vec(),
        }
    }

    /// Signs parts that are already encoded, correctly or not.
    pub(crate) fn sign_encoded(&self, signer: Signer, header: &str, payload: &str) -> String {
        let input = format!("{header}.{payload}");
        let signature = encode(self.signature(signer, input.as_bytes()));
        format!("{input}.{signature}")
    }

    pub(crate) fn sign(&self, signer: Signer, header: &str, payload: &str) -> String {
        self.sign_encoded(signer, &encode(header), &encode(payload))
    }

    /// A token of the issuer with a modified header.
    pub(crate) fn with_header(&self, members: &Value) -> String {
        self.sign(Signer::Es256, &header(members), &claims(&json!({})))
    }

    /// A token of the issuer with modified claims.
    pub(crate) fn with_claims(&self, members: &Value) -> String {
        self.sign(Signer::Es256, &header(&json!({})), &claims(members))
    }

    pub(crate) fn good(&self) -> String {
        self.with_header(&json!({}))
    }
}

enum Pair<'k> {
    Rsa(&'k RsaKeyPair, &'static dyn RsaEncoding),
    Ec(&'k EcdsaKeyPair, &'static str),
}

/// The `k` of a symmetric key that the issuer publishes by mistake.
pub(crate) const SHARED: [u8; 32] = *b"everybody can read this shared k";

pub(crate) fn mac(algorithm: hmac::Algorithm, key: &[u8], header: &Value) -> String {
    let input = format!("{}.{}", encode(header.to_string()), encode(claims(&json!({}))));
    let tag = hmac::sign(&hmac::Key::new(algorithm, key), input.as_bytes());
    format!("{input}.{}", encode(tag))
}

fn modulus(pair: &RsaKeyPair) -> Vec<u8> {
    // RFC 8017 A.1.1, 2048 bits: a sequence header of 4 bytes, an integer header of 4, a zero for
    // the sign, the modulus.
    pair.public_key().as_ref().get(9..265).unwrap().to_vec()
}

/// 2048 bits, odd; with exponent 1 a signature needs no private key.
pub(crate) const OTHER_MODULUS: [u8; 256] = [0xd5; 256];

/// 1024 bits, odd.
fn weak_modulus() -> Vec<u8> {
    vec![0xc3; 128]
}
