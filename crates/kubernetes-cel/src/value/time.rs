//! Durations and timestamps with the ranges that Go gives them.
//! Never knows a time zone beyond an offset (`standard/times.rs`) or the current time.

use std::cmp::Ordering;

/// Nanoseconds, as Go's `time.Duration`: about 292 years in either direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration {
    /// Both directions.
    pub nanoseconds: i64,
}

/// A point in time between the years 1 and 9999.
#[derive(Clone, Copy, Debug)]
pub struct Timestamp {
    /// Since 1970-01-01T00:00:00Z.
    seconds: i64,
    nanoseconds: u32,
    /// Seconds east of UTC, as in the text it was parsed from; it is no part of the point in time.
    offset: i32,
}

const NANOSECONDS: i128 = 1_000_000_000;

impl Timestamp {
    /// The beginning of the year 1.
    pub const EARLIEST: Timestamp =
        Timestamp { seconds: -62_135_596_800, nanoseconds: 0, offset: 0 };
    const LATEST: i64 = 253_402_300_799;

    /// None outside of the years 1 to 9999.
    pub fn new(seconds: i64, nanoseconds: u32) -> Option<Timestamp> {
        ((Timestamp::EARLIEST.seconds..=Timestamp::LATEST).contains(&seconds)
            && i128::from(nanoseconds) < NANOSECONDS)
            .then_some(Timestamp { seconds, nanoseconds, offset: 0 })
    }

    /// The same point, shown with this offset in seconds.
    #[must_use]
    pub fn shown_with(self, offset: i32) -> Timestamp {
        Timestamp { offset, ..self }
    }

    /// Whole seconds since 1970.
    pub fn seconds(self) -> i64 {
        self.seconds
    }

    /// What is beyond the whole seconds.
    pub fn nanoseconds(self) -> u32 {
        self.nanoseconds
    }

    /// Seconds east of UTC, as in the text it was parsed from.
    pub fn offset(self) -> i32 {
        self.offset
    }

    fn total(self) -> i128 {
        i128::from(self.seconds) * NANOSECONDS + i128::from(self.nanoseconds)
    }

    fn moved(self, nanoseconds: i128) -> Option<Timestamp> {
        let total = self.total() + nanoseconds;
        let moved = Timestamp::new(
            i64::try_from(total.div_euclid(NANOSECONDS)).ok()?,
            u32::try_from(total.rem_euclid(NANOSECONDS)).ok()?,
        )?;
        Some(moved.shown_with(self.offset))
    }

    /// None outside of the range.
    pub fn checked_add(self, duration: Duration) -> Option<Timestamp> {
        self.moved(i128::from(duration.nanoseconds))
    }

    /// None outside of the range.
    pub fn checked_sub(self, duration: Duration) -> Option<Timestamp> {
        self.moved(i128::from(duration.nanoseconds.checked_neg()?))
    }

    /// The duration since the earlier one.
    pub fn since(self, earlier: Timestamp) -> Option<Duration> {
        i64::try_from(self.total() - earlier.total())
            .ok()
            .map(|nanoseconds| Duration { nanoseconds })
    }
}

impl Ord for Timestamp {
    fn cmp(&self, other: &Timestamp) -> Ordering {
        (self.seconds, self.nanoseconds).cmp(&(other.seconds, other.nanoseconds))
    }
}

impl PartialOrd for Timestamp {
    fn partial_cmp(&self, other: &Timestamp) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Timestamp {
    fn eq(&self, other: &Timestamp) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Timestamp {}
