//! Files of static tokens: kube-apiserver's CSV, and YAML with hashes.
//! Never accepts a user with a reserved name, or two users for one token.

use login_review::{
    Guard, StaticTokens,
    config::{Faults, static_tokens::Reading},
};

use super::{check_lines, lines};

/// One input, in both formats.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let guard = Guard::default();
    for format in [Format::Csv, Format::Hashed] {
        let mut reading = Reading { tokens: StaticTokens::default(), guard: &guard };
        let (mut faults, mut warnings) = (Faults::new("f"), Faults::new("f"));
        match format {
            Format::Csv => reading.csv(text, &mut faults, &mut warnings),
            Format::Hashed => reading.hashed(text, &mut faults, &mut warnings),
        }
        // Each token takes a line of its own.
        let tokens = u64::try_from(reading.tokens.len()).unwrap_or(u64::MAX);
        assert!(tokens <= lines(text) || matches!(format, Format::Hashed), "{tokens} tokens");
        check_lines(text, &faults.into_problems());
        check_lines(text, &warnings.into_problems());
    }
}

#[derive(Clone, Copy)]
enum Format {
    Csv,
    Hashed,
}
