//! A moment in whole seconds since the Unix epoch, and its RFC 3339 text.
//! Never reads the clock: the caller passes `now`.

use std::{fmt, time::Duration};

use jiff::Timestamp;
use thiserror::Error;

/// Seconds since 1970-01-01T00:00:00Z. Arithmetic saturates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(i64);

/// The text is not an RFC 3339 date and time with an offset.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{text}` is not an RFC 3339 time such as `2026-01-31T12:00:00Z`")]
pub struct NotATime {
    text: String,
}

impl UnixTime {
    /// The moment `seconds` after the epoch.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Seconds since the epoch.
    pub const fn as_seconds(self) -> i64 {
        self.0
    }

    /// This time plus `duration`; fractions of a second are dropped.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add_unsigned(duration.as_secs()))
    }

    /// This time minus `duration`; fractions of a second are dropped.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub_unsigned(duration.as_secs()))
    }

    /// The time elapsed since `earlier`; zero if `earlier` is not before this.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_secs(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// `2026-01-31T12:00:00Z`: UTC, whole seconds. Times outside jiff's range are clamped to it,
    /// since no credential lives that long.
    pub fn to_rfc3339(self) -> String {
        let end = if self.0 < 0 { Timestamp::MIN } else { Timestamp::MAX };
        format!("{:.0}", Timestamp::from_second(self.0).unwrap_or(end))
    }

    /// Parses an RFC 3339 text, as Kubernetes' `metav1.Time` does: any offset, fractions dropped.
    pub fn parse_rfc3339(text: &str) -> Result<Self, NotATime> {
        text.parse::<Timestamp>()
            .map(|moment| Self(moment.as_second()))
            .map_err(|_| NotATime { text: text.chars().take(64).collect() })
    }
}

impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc3339_is_utc_with_whole_seconds_and_reads_back() {
        let moment = UnixTime::from_seconds(1_769_860_800);
        assert_eq!(moment.to_rfc3339(), "2026-01-31T12:00:00Z");
        assert_eq!(UnixTime::parse_rfc3339("2026-01-31T12:00:00Z"), Ok(moment));
        assert_eq!(UnixTime::parse_rfc3339("2026-01-31T13:00:00.9+01:00"), Ok(moment));
        assert!(UnixTime::parse_rfc3339("").is_err());
        assert!(UnixTime::parse_rfc3339("2026-01-31").is_err());
    }

    #[test]
    fn arithmetic_saturates_and_never_goes_below_zero_apart() {
        let end = UnixTime::from_seconds(i64::MAX);
        assert_eq!(end.plus(Duration::from_secs(u64::MAX)), end);
        assert_eq!(UnixTime::from_seconds(5).since(UnixTime::from_seconds(9)), Duration::ZERO);
        assert_eq!(
            UnixTime::from_seconds(9).since(UnixTime::from_seconds(5)),
            Duration::from_secs(4)
        );
        assert!(!end.to_rfc3339().is_empty());
    }
}
