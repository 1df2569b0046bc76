//! Creates a static token: one line for the file in `staticTokens.hashedFile`, and the token
//! itself.
//! Never writes the token where the line goes: the file holds its digest only.

use clap::Args;
use located_yaml::write;
use login_common::{Secret, UnixTime};
use login_review::{
    Guard, StaticTokens, TokenDigest,
    config::{Faults, static_tokens::Reading},
};

use crate::{
    report::{Failure, remark},
    system::{clock::Clock, random::RandomNumbers},
};

/// Makes leaked tokens easy to search for.
const PREFIX: &str = "kls_";

#[derive(Args, Debug)]
pub(crate) struct StaticToken {
    /// Who the token stands for, as Kubernetes sees the name
    #[arg(long, value_name = "NAME")]
    user: String,
    /// An identity that stays when the name changes
    #[arg(long, value_name = "TEXT", default_value = "")]
    uid: String,
    /// The groups of that user
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    groups: Vec<String>,
    /// When the token ends, such as `2026-12-31T12:00:00Z`; without it, when its line is removed
    #[arg(long, value_name = "TIME")]
    not_after: Option<String>,
}

impl StaticToken {
    /// Returns the line for stdout; prints the token to stderr, once.
    pub(crate) fn render(&self) -> Result<String, Failure> {
        let numbers = RandomNumbers::new()
            .and_then(|numbers| Ok([numbers.next()?, numbers.next()?]))
            .map_err(|_| Failure::runtime("the system's random source failed"))?;
        let [first, second] = numbers;
        let token = Secret::new(format!("{PREFIX}{first:032x}{second:032x}"));
        let line = self.line(TokenDigest::of(token.expose()))?;
        remark(&format!("the token, which is shown this once: {}", token.expose()));
        Ok(line)
    }

    fn line(&self, digest: TokenDigest) -> Result<String, Failure> {
        let groups: Vec<String> = self.groups.iter().map(|group| quoted(group)).collect();
        let end = match &self.not_after {
            None => String::new(),
            Some(text) => {
                let end = UnixTime::parse_rfc3339(text).map_err(|fault| {
                    Failure::configuration("`--not-after` is not a time").because(&fault)
                })?;
                if end <= Clock::HOST.now() {
                    return Err(Failure::configuration("`--not-after` has passed"));
                }
                format!(", notAfter: \"{end}\"")
            }
        };
        let line = format!(
            "- {{token: {}, user: {}, uid: {}, groups: [{}]{end}}}\n",
            quoted(&digest.to_text()),
            quoted(&self.user),
            quoted(&self.uid),
            groups.join(", ")
        );
        read_back(&line)?;
        Ok(line)
    }
}

/// Checks the line as the server reads it, since one bad line makes the whole file fail.
fn read_back(line: &str) -> Result<(), Failure> {
    let guard = Guard::default();
    let mut reading = Reading { tokens: StaticTokens::default(), guard: &guard };
    let (mut faults, mut warnings) = (Faults::new("the line"), Faults::new("the line"));
    reading.hashed(line, &mut faults, &mut warnings);
    let mut problems = faults.into_problems();
    // A reserved name is only a warning in a file, but such a token would be useless.
    problems.append(&mut warnings.into_problems());
    if problems.is_empty() {
        return Ok(());
    }
    let refused = Failure::configuration("the server would refuse such a line");
    let causes = problems.iter().map(ToString::to_string).collect();
    Err(Failure { causes, ..refused })
}

/// Commas and colons are syntax inside braces, so every text that is not a plain word is quoted.
fn quoted(text: &str) -> String {
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        write::scalar(text)
    } else {
        write::quoted(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(user: &str, groups: &[&str], not_after: Option<&str>) -> Result<String, Failure> {
        StaticToken {
            user: user.to_owned(),
            uid: "u 1".to_owned(),
            groups: groups.iter().map(ToString::to_string).collect(),
            not_after: not_after.map(str::to_owned),
        }
        .line(TokenDigest::of("token"))
    }

    #[test]
    fn a_line_reads_back() {
        for (user, groups) in [
            ("glass", &["admins", "on-call"][..]),
            ("a: {b}", &["x,y", "[z]", "\"q\"", "yes"]),
            ("ü", &[]),
            ("42", &["007"]),
        ] {
            let text = line(user, groups, Some("2027-01-01T01:00:00+01:00")).unwrap();
            let guard = Guard::default();
            let mut reading = Reading { tokens: StaticTokens::default(), guard: &guard };
            let mut faults = Faults::new("f");
            reading.hashed(&text, &mut faults, &mut Faults::new("f"));
            assert!(faults.is_empty(), "{text}: {faults:?}");
            let found = reading.tokens.find(&TokenDigest::of("token")).unwrap();
            assert_eq!((found.username.as_str(), found.uid.as_str()), (user, "u 1"));
            assert_eq!(found.groups, groups);
            let end = UnixTime::parse_rfc3339("2027-01-01T00:00:00Z").unwrap();
            assert_eq!(found.not_after, Some(end));
        }
        assert!(!line("a", &[], None).unwrap().contains("notAfter"));
    }

    #[test]
    fn what_would_not_count_is_refused() {
        for (user, groups, not_after) in [
            (" ", &[][..], None),
            ("a", &[], Some("tomorrow")),
            ("a", &[], Some("2020-01-01T00:00:00Z")),
            ("system:admin", &[], None),
            ("a\u{7}", &[], None),
            ("a", &["system:masters"], None),
        ] {
            assert!(line(user, groups, not_after).is_err(), "{user:?} {groups:?} {not_after:?}");
        }
        assert!(line(&"a".repeat(10_000), &[], None).is_err());
    }
}
