//! A certificate in DER, as a client presents it: its common name and its validity.
//! Never accepts a name that the bytes do not contain.

use login_server::tls::certificate::{common_name, validity};
use rustls_pki_types::CertificateDer;

/// One input.
pub fn run(data: &[u8]) {
    let certificate = CertificateDer::from(data);
    let _ = validity(&certificate);
    if let Some(name) = common_name(&certificate) {
        // Names in other encodings than ASCII and UTF-8 are transcoded.
        let is_there = data.windows(name.len().max(1)).any(|window| window == name.as_bytes());
        assert!(name.is_empty() || is_there || !name.is_ascii(), "{name:?}");
    }
}
