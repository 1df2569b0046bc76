//! The details beside each step: lifetimes, limits, what is configured.
//! Never shows a claim's value except times: the others are personal data.

use std::time::Duration;

use login_common::UnixTime;
use login_protocols::{jose::CompactJws, oidc::Claims};
use login_review::{IssuerPolicy, Outage, Reason, Verdict};

use super::{
    advice::{self, Network},
    examine::{Check, End, Examination},
    stage::Stage,
};
use crate::evidence::key_sets::IssuerReport;

/// What is known besides the examination.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) token_length: usize,
    pub(super) max_token_length: usize,
    pub(super) issuer: Option<&'a IssuerPolicy>,
    pub(super) now: UnixTime,
    pub(super) network: Network,
    pub(super) keys: Option<&'a IssuerReport<'a>>,
}

impl Context<'_> {
    /// Why the issuer's keys are unknown, if they were fetched.
    pub(super) fn why_no_keys(&self, outage: Outage) -> Option<&str> {
        let report = self.keys.filter(|_| outage == Outage::KeysUnavailable)?;
        report.last_error.as_deref()
    }

    /// Why keys of the set are not used, key by key.
    fn left_out(&self) -> Option<&str> {
        self.keys.map(|report| report.left_out.as_str()).filter(|reasons| !reasons.is_empty())
    }
}

/// The details of `check`.
pub(super) fn of(check: Check, examined: &Examination<'_>, context: Context<'_>) -> String {
    match check.end {
        End::NotReached => String::new(),
        End::Failed(reason) => {
            let more =
                of_reason(reason, examined, context).or_else(|| times(check, examined, context));
            match more {
                Some(more) => format!("{}: {more}", advice::of(reason).what),
                None => advice::of(reason).what.to_owned(),
            }
        }
        End::CannotTell => {
            let outage = match &examined.verdict {
                Verdict::CannotTell(outage) => *outage,
                Verdict::Accepted { .. } | Verdict::Refused(_) => Outage::KeysUnavailable,
            };
            let what = advice::of_outage(outage, context.network).what;
            match (context.why_no_keys(outage), examined.keys) {
                (Some(why), _) => format!("{what}: {why}"),
                (None, Some(_)) if outage == Outage::KeysUnavailable => {
                    "none of the keys that are known here verifies it, and the issuer may have \
                     others by now"
                        .to_owned()
                }
                (None, _) => what.to_owned(),
            }
        }
        End::Passed => passed(check, examined, context).unwrap_or_default(),
    }
}

/// What in this token is the reason: which claim, limit, key or expression, or the message of which
/// rule.
fn of_reason(reason: Reason, examined: &Examination<'_>, context: Context<'_>) -> Option<String> {
    let claims = || examined.jws.as_ref().map(CompactJws::unverified_claims);
    match reason {
        Reason::TooLong => {
            let Context { token_length, max_token_length, .. } = context;
            Some(format!("it has {token_length} bytes, and {max_token_length} are allowed"))
        }
        Reason::Header | Reason::Malformed | Reason::Algorithm => {
            Some(examined.fault.as_ref()?.to_string())
        }
        Reason::Claims => Some(format!("`{}`", malformed_claim(claims()?)?)),
        Reason::UnknownKey => Some(format!("of its keys {}", context.left_out()?)),
        Reason::UnusableKey => Some(examined.key_problem?.to_string()),
        Reason::RequiredClaim => context.issuer?.refusing_claim(claims()?),
        Reason::Expression | Reason::ExpressionCost | Reason::ClaimRule | Reason::UserRule => {
            Some(context.issuer?.refusing_expression(claims()?)?.said)
        }
        _ => None,
    }
}

/// The first claim, in the order of a review, that violates its definition.
pub(super) fn malformed_claim(claims: &Claims) -> Option<&'static str> {
    let mut moments = ["nbf", "iat", "exp"].into_iter();
    moments
        .find(|name| claims.checked_moment(name).is_err())
        .or_else(|| claims.checked_audiences().is_err().then_some("aud"))
}

fn times(check: Check, examined: &Examination<'_>, context: Context<'_>) -> Option<String> {
    let jws = examined.jws.as_ref().filter(|_| check.stage == Stage::Times)?;
    let said = lifetime(jws, context.now);
    (!said.is_empty()).then_some(said)
}

fn passed(check: Check, examined: &Examination<'_>, context: Context<'_>) -> Option<String> {
    let header = examined.jws.as_ref().map(CompactJws::header);
    Some(match check.stage {
        Stage::Shape => {
            let has_header = |check: &Check| {
                check.stage == Stage::Header && !matches!(check.end, End::NotReached)
            };
            let what = match header {
                Some(_) => "a signed JWT of",
                None if examined.checks.iter().any(has_header) => "three parts, as a JWT has, of",
                None => "an opaque token of",
            };
            let Context { token_length, max_token_length, .. } = context;
            format!("{what} {token_length} bytes, {max_token_length} are allowed")
        }
        Stage::Header => {
            let header = header?;
            let key = header.key_id.as_deref().map(shown);
            let key = key.map_or("names no key".to_owned(), |key| format!("names key `{key}`"));
            format!("{}, {key}", header.algorithm)
        }
        Stage::Issuer => format!("`{}` is configured", context.issuer?.issuer),
        Stage::Keys => {
            let known = match examined.keys? {
                1 => "1 key is known".to_owned(),
                count => format!("{count} keys are known"),
            };
            match context.left_out() {
                Some(reasons) => format!("{known}; of others {reasons}"),
                None => known,
            }
        }
        Stage::Algorithm => format!("{} is accepted from this issuer", header?.algorithm),
        Stage::Times => times(check, examined, context)?,
        Stage::Audience => {
            format!("it is for one of `{}`", context.issuer?.audiences.join("`, `"))
        }
        _ => return None,
    })
}

fn lifetime(jws: &CompactJws<'_>, now: UnixTime) -> String {
    let claims = jws.unverified_claims();
    let said = [
        ("iat", "issued", "issued"),
        ("nbf", "valid since", "valid"),
        ("exp", "expired", "expires"),
    ]
    .into_iter()
    .filter_map(|(name, past, future)| {
        let moment = claims.moment(name)?;
        Some(if moment <= now {
            format!("{past} {} ago", span(now.since(moment)))
        } else {
            format!("{future} in {}", span(moment.since(now)))
        })
    });
    said.collect::<Vec<_>>().join(", ")
}

/// `3 min`, `2 h 5 min`, `4 days`: at most the two largest units.
pub(super) fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, _, _) if minutes % 60 == 0 => format!("{hours} h"),
        (0, _, _) => format!("{hours} h {} min", minutes % 60),
        (1, _, _) => "1 day".to_owned(),
        _ => format!("{days} days"),
    }
}

/// A text from the token, made harmless for a terminal.
pub(super) fn shown(text: &str) -> String {
    text.chars()
        .take(64)
        .map(|c| {
            if c.is_control()
                || "\u{202a}\u{202b}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}".contains(c)
            {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_told_in_the_units_that_matter() {
        for (seconds, expected) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (3_599, "59 min"),
            (3_600, "1 h"),
            (3_660, "1 h 1 min"),
            (86_400, "1 day"),
            (400_000, "4 days"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), expected);
        }
    }

    #[test]
    fn what_the_maker_wrote_does_not_command_a_terminal() {
        assert_eq!(shown("k\u{1b}[31m\u{202e}x"), "k\u{fffd}[31m\u{fffd}x");
        assert_eq!(shown(&"x".repeat(100)).len(), 64);
    }
}
