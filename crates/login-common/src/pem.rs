//! Reads the certificates of a PEM text (RFC 7468), each with its line number.
//! Never skips a damaged certificate: a block that looks like one and cannot be read is a fault.
//!
//! Text outside blocks, and blocks of other kinds, are skipped, as in kube-apiserver.

use std::fmt::{self, Write as _};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};

const DASHES: &[u8] = b"-----";
const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
/// RFC 7468 §2: characters per line.
const LINE: usize = 64;
const CERTIFICATE: &[u8] = b"CERTIFICATE";
/// Labels of certificates that OpenSSL reads and Go skips.
const OTHER_CERTIFICATES: [&[u8]; 2] = [b"TRUSTED CERTIFICATE", b"X509 CERTIFICATE"];

/// Why a PEM text is refused, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PemFault {
    /// Line number, from 1.
    pub line: u64,
    /// What is wrong with the line; never its content.
    pub message: &'static str,
}

impl fmt::Display for PemFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for PemFault {}

/// Returns all certificates, each with the line on which it begins. An empty list is no error.
pub fn certificates(text: &[u8]) -> Result<Vec<(u64, CertificateDer<'static>)>, PemFault> {
    let mut certificates = Vec::new();
    let mut open: Option<Block<'_>> = None;
    for (line, number) in text.split(|byte| *byte == b'\n').zip(1_u64..) {
        let line = line.trim_ascii_end();
        let fault = |message| Err(PemFault { line: number, message });
        match &mut open {
            None if line.starts_with(BEGIN) => match label(line, BEGIN) {
                Some(label) if OTHER_CERTIFICATES.contains(&label) => {
                    return fault("is no `CERTIFICATE`; `openssl x509` makes it one");
                }
                Some(label) => open = Some(Block { label, line: number, lines: Vec::new() }),
                None => return fault("is not `-----BEGIN …-----` alone on its line"),
            },
            None if holds(line, BEGIN) => {
                return fault("has something before `-----BEGIN`, which must begin its line");
            }
            None if holds(line, END) => return fault("ends what has not begun"),
            Some(block) if line.starts_with(END) => {
                let label = label(line, END);
                if label.is_none() {
                    return fault("is not `-----END …-----` alone on its line");
                }
                if label != Some(block.label) {
                    return fault("ends something else than what has begun");
                }
                if block.label == CERTIFICATE {
                    certificates.push((block.line, block.certificate()?));
                }
                open = None;
            }
            Some(_) if holds(line, DASHES) => {
                return fault("stands inside a block that has not ended");
            }
            Some(block) if block.label == CERTIFICATE => {
                if line.contains(&b':') {
                    return fault("is a header, which no certificate has");
                }
                let is_base64 = |byte: &u8| {
                    byte.is_ascii_alphanumeric()
                        || matches!(byte, b'+' | b'/' | b'=' | b' ' | b'\t')
                };
                if !line.iter().all(is_base64) {
                    return fault("is no base64");
                }
                block.lines.push(line);
            }
            None | Some(_) => {}
        }
    }
    match open {
        Some(block) => Err(PemFault { line: block.line, message: "begins what does not end" }),
        None => Ok(certificates),
    }
}

/// Renders only these certificates as PEM; anything else in the source (a private key, notes) is
/// left out.
pub fn text_of<'c>(certificates: impl IntoIterator<Item = &'c CertificateDer<'static>>) -> String {
    let mut text = String::new();
    for certificate in certificates {
        text.push_str("-----BEGIN CERTIFICATE-----\n");
        let mut rest = STANDARD.encode(certificate);
        while !rest.is_empty() {
            let behind = rest.split_off(rest.len().min(LINE));
            let _ = writeln!(text, "{rest}");
            rest = behind;
        }
        text.push_str("-----END CERTIFICATE-----\n");
    }
    text
}

struct Block<'t> {
    label: &'t [u8],
    line: u64,
    lines: Vec<&'t [u8]>,
}

impl Block<'_> {
    fn certificate(&self) -> Result<CertificateDer<'static>, PemFault> {
        let content = self.lines.iter().flat_map(|line| line.iter());
        let content = content.copied().filter(|byte| !matches!(byte, b' ' | b'\t'));
        let mut pem = b"-----BEGIN CERTIFICATE-----\n".to_vec();
        pem.extend(content);
        pem.extend(b"\n-----END CERTIFICATE-----\n");
        let read = CertificateDer::from_pem_slice(&pem).ok().filter(|der| !der.is_empty());
        read.ok_or(PemFault { line: self.line, message: "begins what is no base64" })
    }
}

/// The label between `marker` and the dashes at the end of `line`, if the line has nothing else.
fn label<'l>(line: &'l [u8], marker: &[u8]) -> Option<&'l [u8]> {
    let label = line.strip_prefix(marker)?.strip_suffix(DASHES)?;
    (!holds(label, DASHES)).then_some(label)
}

fn holds(line: &[u8], marker: &[u8]) -> bool {
    line.windows(marker.len()).any(|part| part == marker)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "-----BEGIN CERTIFICATE-----\nAAAA\nBBBB\n-----END CERTIFICATE-----\n";

    fn read(text: &str) -> Result<usize, (u64, &'static str)> {
        certificates(text.as_bytes())
            .map(|found| found.len())
            .map_err(|fault| (fault.line, fault.message))
    }

    // Go's `encoding/pem` finds the same number in each.
    #[test]
    fn what_kube_apiserver_reads_is_read() {
        for (text, count) in [
            (String::new(), 0),
            ("no PEM at all\n".to_owned(), 0),
            (ONE.to_owned(), 1),
            (ONE.trim_end().to_owned(), 1),
            (format!("{ONE}{ONE}"), 2),
            (ONE.replace('\n', "\r\n"), 1),
            (ONE.replace('\n', " \t\n"), 1),
            (ONE.replace("BBBB", "B\tB B B"), 1),
            (ONE.replace("BBBB", "\t\nBBBB\n\n"), 1),
            (
                format!("Certificate:\n    Data: -- -\n# a comment\n{ONE}\n\nsubject=x\n{ONE}\t\n"),
                2,
            ),
            (
                format!("{ONE}-----BEGIN PRIVATE KEY-----\nx: !\n-----END PRIVATE KEY-----\n{ONE}"),
                2,
            ),
            (format!("\u{e9}\n{ONE}"), 1),
        ] {
            assert_eq!(read(&text), Ok(count), "{text}");
        }
        let lines: Vec<u64> = certificates(format!("x\n{ONE}\n{ONE}").as_bytes())
            .unwrap()
            .into_iter()
            .map(|(line, _)| line)
            .collect();
        assert_eq!(lines, [2, 7]);
    }

    #[test]
    fn what_is_written_holds_the_certificates_and_nothing_else() {
        let long = STANDARD.encode([7; 100]);
        let other = format!("-----BEGIN CERTIFICATE-----\n{long}\n-----END CERTIFICATE-----\n");
        let key = "-----BEGIN PRIVATE KEY-----\nHUSH\n-----END PRIVATE KEY-----\n";
        let read = certificates(format!("a note\n{ONE}{key}{other}").as_bytes()).unwrap();
        let text = text_of(read.iter().map(|(_, certificate)| certificate));
        let again = certificates(text.as_bytes()).unwrap();
        let content = |found: Vec<(u64, CertificateDer<'static>)>| {
            found.into_iter().map(|(_, certificate)| certificate).collect::<Vec<_>>()
        };
        assert_eq!(content(again), content(read));
        assert!(!text.contains("HUSH") && !text.contains("note"), "{text}");
        assert!(text.lines().all(|line| line.len() <= LINE), "{text}");
    }

    #[test]
    fn what_would_be_lost_in_silence_is_a_fault_at_its_line() {
        let glued = format!("{}{ONE}", ONE.trim_end());
        let alone = "is not `-----END …-----` alone on its line";
        let before = "has something before `-----BEGIN`, which must begin its line";
        for (text, line, message) in [
            (glued, 4, alone),
            (ONE.replace("-----END CERTIFICATE-----", "-----END CERTIFICATE----- x"), 4, alone),
            (
                ONE.replace("CERTIFICATE-----\nAAAA", "CERTIFICATE----- AAAA"),
                1,
                "is not `-----BEGIN …-----` alone on its line",
            ),
            (format!(" {ONE}"), 1, before),
            (format!("\u{feff}{ONE}"), 1, before),
            (format!("x\ny {ONE}"), 2, before),
            (ONE.replace("-----END", " -----END"), 4, "stands inside a block that has not ended"),
            (ONE.replace("-----END CERTIFICATE-----\n", ""), 1, "begins what does not end"),
            (
                ONE.replace("END CERTIFICATE-----\n", ""),
                4,
                "stands inside a block that has not ended",
            ),
            (format!("{ONE}AAAA\n-----END CERTIFICATE-----\n"), 6, "ends what has not begun"),
            (
                ONE.replace("END CERTIFICATE", "END PRIVATE KEY"),
                4,
                "ends something else than what has begun",
            ),
            (
                ONE.replace("-----END CERTIFICATE-----\n", ONE),
                4,
                "stands inside a block that has not ended",
            ),
            (ONE.replace("BBBB", "BB!B"), 3, "is no base64"),
            (ONE.replace("BBBB", "B"), 1, "begins what is no base64"),
            (ONE.replace("BBBB", "B===\nAAAA"), 1, "begins what is no base64"),
            (ONE.replace("AAAA\nBBBB\n", ""), 1, "begins what is no base64"),
            (
                ONE.replace("AAAA", "Proc-Type: 4\n\nAAAA"),
                2,
                "is a header, which no certificate has",
            ),
            (
                ONE.replace("CERTIFICATE", "TRUSTED CERTIFICATE"),
                1,
                "is no `CERTIFICATE`; `openssl x509` makes it one",
            ),
            (
                ONE.replace("CERTIFICATE", "X509 CERTIFICATE"),
                1,
                "is no `CERTIFICATE`; `openssl x509` makes it one",
            ),
        ] {
            assert_eq!(read(&text), Err((line, message)), "{text}");
        }
    }
}
