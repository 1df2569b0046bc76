//! Real connections that fail, and the explanations of their errors.

use std::{sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use url::Url;

use super::*;
use crate::outgoing::{Connections, Outgoing};

/// The explanation for a request to `url` with a timeout of 300 ms.
async fn said(url: &str) -> (String, Progress) {
    let outgoing = Outgoing::new(None, Duration::from_millis(300), Connections::OneEach);
    let url = Url::parse(url).unwrap();
    let error = outgoing.client(&url).unwrap().get(url).send().await.unwrap_err();
    let fault = TransportFault::from(error);
    (fault.to_string(), fault.progress())
}

/// Accepts connections; then closes them, sends something that is neither TLS nor HTTP, or nothing.
async fn listening(says: Option<&'static [u8]>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let Some(words) = says else {
                kept.push(stream);
                continue;
            };
            let mut asked = [0; 1024];
            let _ = stream.read(&mut asked).await;
            let _ = stream.write_all(words).await;
        }
    });
    address
}

#[tokio::test]
async fn whether_a_question_arrived_is_known() {
    let silent = listening(None).await;
    let hanging_up = listening(Some(b"")).await;
    let talking = listening(Some(b"220 mail.example ESMTP\r\n")).await;
    let gone = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().to_string()
    };
    for (url, expected, progress) in [
        (format!("http://{gone}/"), "Connection refused", Progress::Connecting),
        (format!("http://{silent}/"), "no whole answer came in time", Progress::Asking),
        (format!("http://{hanging_up}/"), "onnection", Progress::Asking),
        (format!("https://{gone}/"), "Connection refused", Progress::Connecting),
        (format!("https://{silent}/"), "no connection came about in time", Progress::Connecting),
        (format!("https://{talking}/"), "it does not speak TLS there", Progress::Connecting),
    ] {
        let (words, at) = said(&url).await;
        assert!(words.contains(expected), "{url}: {words}");
        assert_eq!(at, progress, "{url}: {words}");
    }
}

#[test]
fn no_fault_of_tls_is_told_in_the_words_of_a_library() {
    let alert = TlsError::AlertReceived;
    let other = |fault: PathError| CertificateError::Other(rustls::OtherError(Arc::new(fault)));
    for fault in [
        alert(AlertDescription::CertificateRequired),
        alert(AlertDescription::HandshakeFailure),
        alert(AlertDescription::UnrecognisedName),
        alert(AlertDescription::InternalError),
        TlsError::NoApplicationProtocol,
        TlsError::DecryptError,
        TlsError::General("No CA certificates were loaded from the system".to_owned()),
        CertificateError::UnknownIssuer.into(),
        CertificateError::BadSignature.into(),
        CertificateError::BadEncoding.into(),
        CertificateError::Revoked.into(),
        CertificateError::UnhandledCriticalExtension.into(),
        CertificateError::InvalidPurpose.into(),
        CertificateError::ApplicationVerificationFailure.into(),
        other(PathError::CaUsedAsEndEntity).into(),
        other(PathError::EndEntityUsedAsCa).into(),
        other(PathError::NameConstraintViolation).into(),
        other(PathError::PathLenConstraintViolated).into(),
        other(PathError::UnsupportedCertVersion).into(),
        other(PathError::MaximumPathDepthExceeded).into(),
    ] {
        let words = of_tls(&fault);
        let is_camel = |word: &str| {
            let inner = word.trim_matches(|letter: char| !letter.is_alphabetic());
            inner.chars().skip(1).any(char::is_uppercase) && inner.chars().any(char::is_lowercase)
        };
        let raw: Vec<&str> = words.split(' ').filter(|word| is_camel(word)).collect();
        assert!(raw.is_empty() && !words.contains("Error"), "{fault:?}: {words}");
    }
}
