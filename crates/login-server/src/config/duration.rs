//! Durations as Kubernetes writes them: `10m`, `1h30m`, `45s`.
//! Never accepts a number without its unit.

use std::time::Duration;

/// Whole hours, minutes and seconds, each at most once and in this order.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let mut seconds: u64 = 0;
    let mut rest = text;
    let mut units = [('h', 3600), ('m', 60), ('s', 1)].into_iter();
    while !rest.is_empty() {
        let end = rest.find(|letter: char| !letter.is_ascii_digit())?;
        let (digits, after) = rest.split_at_checked(end)?;
        let number: u64 = digits.parse().ok()?;
        let unit = after.chars().next()?;
        let (_, factor) = units.find(|(name, _)| *name == unit)?;
        seconds = seconds.checked_add(number.checked_mul(factor)?)?;
        rest = after.get(1..)?;
    }
    (!text.is_empty()).then(|| Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_needed_and_fall() {
        for (text, seconds) in [("10m", 600), ("1h30m", 5400), ("45s", 45), ("1h0m1s", 3601)] {
            assert_eq!(parse(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "10", "m", "-1s", "1s1m", "1m1m", "1d", "1.5h", "10 m", "1ms"] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse("99999999999999999999h"), None);
        assert_eq!(parse("9999999999999999999h"), None);
    }
}
