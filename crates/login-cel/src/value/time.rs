//! Durations and timestamps with the ranges that Go gives them.
//!
//! Never here: zones (`standard/time.rs`) and the clock.

/// Nanoseconds, as Go's `time.Duration`: about 292 years in either direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration {
    /// Both directions.
    pub nanoseconds: i64,
}

/// A point in time between the years 1 and 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp {
    /// Since 1970-01-01T00:00:00Z.
    seconds: i64,
    nanoseconds: u32,
}

const EARLIEST: i64 = -62_135_596_800;
const LATEST: i64 = 253_402_300_799;
const NANOSECONDS: i128 = 1_000_000_000;

impl Timestamp {
    /// None outside of the years 1 to 9999.
    pub fn new(seconds: i64, nanoseconds: u32) -> Option<Timestamp> {
        ((EARLIEST..=LATEST).contains(&seconds) && i128::from(nanoseconds) < NANOSECONDS)
            .then_some(Timestamp { seconds, nanoseconds })
    }

    /// Whole seconds since 1970.
    pub fn seconds(self) -> i64 {
        self.seconds
    }

    /// What is beyond the whole seconds.
    pub fn nanoseconds(self) -> u32 {
        self.nanoseconds
    }

    fn total(self) -> i128 {
        i128::from(self.seconds) * NANOSECONDS + i128::from(self.nanoseconds)
    }

    /// None outside of the range.
    pub fn checked_add(self, duration: Duration) -> Option<Timestamp> {
        let total = self.total() + i128::from(duration.nanoseconds);
        Timestamp::new(
            i64::try_from(total.div_euclid(NANOSECONDS)).ok()?,
            u32::try_from(total.rem_euclid(NANOSECONDS)).ok()?,
        )
    }

    /// None outside of the range.
    pub fn checked_sub(self, duration: Duration) -> Option<Timestamp> {
        let total = self.total() - i128::from(duration.nanoseconds);
        Timestamp::new(
            i64::try_from(total.div_euclid(NANOSECONDS)).ok()?,
            u32::try_from(total.rem_euclid(NANOSECONDS)).ok()?,
        )
    }

    /// How long ago the earlier one was.
    pub fn since(self, earlier: Timestamp) -> Option<Duration> {
        i64::try_from(self.total() - earlier.total())
            .ok()
            .map(|nanoseconds| Duration { nanoseconds })
    }
}
