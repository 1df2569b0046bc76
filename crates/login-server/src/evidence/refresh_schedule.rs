//! When an issuer may be asked for its keys: the interval, the time between refreshes, and the
//! circuit breaker. Pure: the time is an argument.
//! Never lets a review wait for an issuer that has failed, and never asks twice at the same time.

use std::time::Duration;

use tokio::time::Instant;

/// The intervals, back-offs and limits of fetching.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeySetIntervals {
    /// Tokens that no key in use verifies cause at most one fetch per issuer in this time, besides
    /// background fetches.
    pub interval: Duration,
    /// When to refresh a key set whose issuer does not say how long it is fresh.
    pub refresh: Duration,
    /// The background task refreshes no key set earlier than this, whatever its issuer says.
    pub shortest_refresh: Duration,
    /// Nor later than this.
    pub longest_refresh: Duration,
    /// The pause after the first failure; it doubles with each further one.
    pub first_back_off: Duration,
    /// The longest pause between two tries while the issuer is down and no review needs it.
    pub longest_back_off: Duration,
    /// The longest pause while reviews need it, or needed it within the last minute.
    pub awaited_back_off: Duration,
    /// How long a token that no key verifies is remembered.
    pub doubt_memory: Duration,
    /// Per request to an issuer, from connect to the last byte.
    pub timeout: Duration,
}

impl Default for KeySetIntervals {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(10),
            refresh: Duration::from_mins(5),
            shortest_refresh: Duration::from_mins(1),
            longest_refresh: Duration::from_hours(24),
            first_back_off: Duration::from_secs(1),
            longest_back_off: Duration::from_mins(1),
            // Together with a try before it that runs into both its timeouts, less than half a
            // minute.
            awaited_back_off: Duration::from_secs(8),
            doubt_memory: Duration::from_mins(1),
            timeout: Duration::from_secs(10),
        }
    }
}

/// How long a review counts that needed the issuer.
const NEED: Duration = Duration::from_mins(1);

/// Whether requests go to an issuer at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Circuit {
    /// Its last answer was good, or it was never asked.
    Closed,
    /// It failed, and one request is under way to see whether it is back.
    Probing,
    /// It failed, and gets no requests for a while.
    Open,
}

impl Circuit {
    /// A stable name for logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Probing => "probing",
            Self::Open => "open",
        }
    }
}

/// What a review that needs newer keys does now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Begin {
    /// Fetch.
    Mine,
    /// Wait for the fetch under way.
    Others,
    /// Neither: the issuer was asked moments ago, or does not answer.
    TooSoon,
}

/// The state of one issuer.
#[derive(Debug)]
pub(super) struct RefreshSchedule {
    fetching: bool,
    last_started: Option<Instant>,
    last_ended: Option<Instant>,
    last_for_key: Option<Instant>,
    failures: u32,
    /// A review that needs another fetch arrived after the latest one began.
    is_awaited: bool,
    last_needed: Option<Instant>,
    /// When the background task fetches next.
    due: Option<Instant>,
    /// Keeps issuers, and servers with the same issuers, from asking in the same second.
    spread: u32,
}

impl RefreshSchedule {
    /// `spread` is any number that differs between issuers and processes.
    pub(super) const fn new(spread: u32) -> Self {
        Self {
            fetching: false,
            last_started: None,
            last_ended: None,
            last_for_key: None,
            failures: 0,
            is_awaited: false,
            last_needed: None,
            due: None,
            spread: spread % 32,
        }
    }

    /// For a review that finds no keys in use.
    pub(super) fn begin_for_keys(&mut self, intervals: &KeySetIntervals, now: Instant) -> Begin {
        self.begin_for_review(self.last_started, intervals, now)
    }

    /// For a review whose token no key in use verifies. The key may be new, so earlier background
    /// fetches do not count.
    pub(super) fn begin_for_key(&mut self, intervals: &KeySetIntervals, now: Instant) -> Begin {
        let begin = self.begin_for_review(self.last_for_key, intervals, now);
        if begin == Begin::Mine {
            self.last_for_key = Some(now);
        } else {
            // The response of the fetch under way may be older than this token.
            self.is_awaited = true;
        }
        begin
    }

    fn begin_for_review(
        &mut self,
        last: Option<Instant>,
        intervals: &KeySetIntervals,
        now: Instant,
    ) -> Begin {
        let last_succeeded = self.failures == 0;
        self.last_needed = Some(now);
        if self.fetching {
            // A review that joins the probe of a hanging issuer would hang with it.
            return if last_succeeded { Begin::Others } else { Begin::TooSoon };
        }
        let is_open = !last_succeeded && self.due.is_some_and(|due| now < due);
        let is_too_soon = last.is_some_and(|begun| now < begun + intervals.interval);
        if is_open || is_too_soon {
            self.is_awaited = true;
            self.hurry(intervals);
            return Begin::TooSoon;
        }
        self.begin(now);
        Begin::Mine
    }

    /// Brings the next fetch forward to the earliest moment that is allowed for reviews that need
    /// it.
    fn hurry(&mut self, intervals: &KeySetIntervals) {
        let earliest = if self.failures == 0 {
            self.last_for_key.or(self.last_started).map(|begun| begun + intervals.interval)
        } else {
            self.last_ended.map(|ended| ended + intervals.awaited_back_off)
        };
        self.due = match (self.due, earliest) {
            (Some(due), Some(earliest)) => Some(due.min(earliest)),
            (due, _) => due,
        };
    }

    /// Whether the background task fetches now.
    pub(super) fn begin_in_background(&mut self, now: Instant) -> bool {
        let is_due = !self.fetching && self.due.is_none_or(|due| due <= now);
        if is_due {
            if self.is_awaited {
                self.last_for_key = Some(now);
            }
            self.begin(now);
        }
        is_due
    }

    /// No keys are in use any more: an issuer that has not failed is asked at once.
    pub(super) const fn hasten(&mut self) {
        if self.failures == 0 {
            self.due = None;
        }
    }

    /// Changes the maximum age, which may be shorter than before.
    pub(super) fn limit(&mut self, max_age: Duration) {
        let latest = self.last_started.and_then(|begun| begun.checked_add(max_age / 2));
        if self.failures == 0
            && let (Some(due), Some(latest)) = (self.due, latest)
        {
            self.due = Some(due.min(latest));
        }
    }

    const fn begin(&mut self, now: Instant) {
        self.fetching = true;
        self.is_awaited = false;
        self.last_started = Some(now);
    }

    /// The fetch brought a usable key set that is fresh for `lifetime` and used for `max_age`.
    pub(super) fn succeeded(
        &mut self,
        intervals: &KeySetIntervals,
        lifetime: Option<Duration>,
        max_age: Duration,
        now: Instant,
    ) {
        self.fetching = false;
        self.last_ended = Some(now);
        self.failures = 0;
        let lifetime = lifetime.unwrap_or(intervals.refresh);
        let lifetime = lifetime.clamp(intervals.shortest_refresh, intervals.longest_refresh);
        // Leaves half of the maximum age for an issuer that does not answer.
        let lifetime = lifetime.min(max_age / 2);
        // Between three quarters and seven eighths of it: before it ends, and spread over time.
        self.due = Some(now + lifetime / 4 * 3 + lifetime / 256 * self.spread);
        if self.is_awaited {
            self.hurry(intervals);
        }
    }

    /// The fetch brought no keys.
    pub(super) fn failed(&mut self, intervals: &KeySetIntervals, now: Instant) {
        self.fetching = false;
        self.last_ended = Some(now);
        self.failures = self.failures.saturating_add(1);
        let doubled = intervals.first_back_off.saturating_mul(1 << (self.failures - 1).min(16));
        let pause = doubled.min(intervals.longest_back_off);
        // The first retry is as early as possible; the spread grows with the pause.
        self.due = Some(now + pause - pause / 128 * self.spread);
        // A caller without a verdict comes again.
        if self.last_needed.is_some_and(|needed| now <= needed + NEED) {
            self.hurry(intervals);
        }
    }

    /// When the background task fetches next; `None` while a fetch is under way.
    pub(super) fn due(&self) -> Option<Instant> {
        if self.fetching { None } else { self.due }
    }

    /// Fetches that failed since the last good one.
    pub(super) const fn failures(&self) -> u32 {
        self.failures
    }

    pub(super) const fn circuit(&self) -> Circuit {
        match (self.failures, self.fetching) {
            (0, _) => Circuit::Closed,
            (_, true) => Circuit::Probing,
            (_, false) => Circuit::Open,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVALS: fn() -> KeySetIntervals = KeySetIntervals::default;

    const DAY: Duration = Duration::from_hours(24);

    fn seconds(number: u64) -> Duration {
        Duration::from_secs(number)
    }

    /// After a good fetch at `now`.
    fn good(now: Instant) -> RefreshSchedule {
        let mut schedule = RefreshSchedule::new(0);
        assert_eq!(schedule.begin_for_key(&INTERVALS(), now), Begin::Mine);
        schedule.succeeded(&INTERVALS(), None, DAY, now);
        schedule
    }

    #[test]
    fn reviews_cause_one_fetch_per_interval_and_share_it() {
        let now = Instant::now();
        let mut schedule = RefreshSchedule::new(0);
        assert_eq!(schedule.begin_for_key(&INTERVALS(), now), Begin::Mine);
        assert_eq!(schedule.begin_for_key(&INTERVALS(), now), Begin::Others);
        assert!(!schedule.begin_in_background(now));
        schedule.succeeded(&INTERVALS(), None, DAY, now);
        assert_eq!(schedule.begin_for_key(&INTERVALS(), now + seconds(9)), Begin::TooSoon);
        assert_eq!(schedule.begin_for_key(&INTERVALS(), now + seconds(10)), Begin::Mine);
    }

    // W28: a key may be published just after a background fetch.
    #[test]
    fn a_key_may_be_asked_for_right_after_the_background_asked() {
        let now = Instant::now();
        let mut schedule = RefreshSchedule::new(0);
        assert!(schedule.begin_in_background(now));
        schedule.succeeded(&INTERVALS(), None, DAY, now);
        assert_eq!(schedule.begin_for_keys(&INTERVALS(), now), Begin::TooSoon);
        assert_eq!(schedule.begin_for_key(&INTERVALS(), now), Begin::Mine);
        schedule.succeeded(&INTERVALS(), None, DAY, now);
        assert_eq!(schedule.begin_for_key(&INTERVALS(), now), Begin::TooSoon);
    }

    #[test]
    fn the_background_asks_before_the_end_of_the_lifetime_within_bounds() {
        for (lifetime, spread, expected) in [
            (None, 0, 225),
            (Some(400), 0, 300),
            (Some(256), 31, 192 + 31),
            (Some(0), 0, 45),
            (Some(10), 0, 45),
            (Some(365 * 86_400), 0, 64_800),
        ] {
            let now = Instant::now();
            let mut schedule = RefreshSchedule::new(spread);
            assert!(schedule.begin_in_background(now), "the first time is at once");
            schedule.succeeded(&INTERVALS(), lifetime.map(seconds), DAY * 2, now);
            assert_eq!(schedule.due(), Some(now + seconds(expected)), "{lifetime:?} {spread}");
            assert!(!schedule.begin_in_background(now + seconds(expected - 1)));
            assert!(schedule.begin_in_background(now + seconds(expected)));
        }
    }

    #[test]
    fn an_issuer_is_asked_well_before_its_keys_are_too_old() {
        for (lifetime, max_age, expected) in
            [(Some(86_400), 3600, 1350), (None, 60, 22), (Some(400), 3600, 300)]
        {
            let now = Instant::now();
            let mut schedule = RefreshSchedule::new(0);
            assert!(schedule.begin_in_background(now));
            schedule.succeeded(&INTERVALS(), lifetime.map(seconds), seconds(max_age), now);
            let due = schedule.due().unwrap().duration_since(now).as_secs();
            assert_eq!(due, expected, "{lifetime:?} {max_age}");
        }
    }

    #[test]
    fn a_shorter_age_brings_the_next_question_forward_and_no_other_puts_it_off() {
        let now = Instant::now();
        let mut schedule = good(now);
        schedule.limit(Duration::MAX);
        schedule.limit(DAY);
        assert_eq!(schedule.due(), Some(now + seconds(225)));
        schedule.limit(seconds(100));
        assert_eq!(schedule.due(), Some(now + seconds(50)));
        schedule.begin(now);
        schedule.failed(&INTERVALS(), now);
        schedule.limit(seconds(1));
        assert_eq!(schedule.due(), Some(now + seconds(1)), "the pause of a failure is its own");
    }

    #[test]
    fn the_pause_doubles_from_one_second_to_a_minute_and_ends_with_a_success() {
        let mut now = Instant::now();
        // Only the background task needs it.
        let mut schedule = RefreshSchedule::new(0);
        for pause in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
            schedule.begin(now);
            schedule.failed(&INTERVALS(), now);
            assert_eq!(schedule.due(), Some(now + seconds(pause)));
            now += seconds(pause);
        }
        assert_eq!((schedule.failures(), schedule.circuit()), (9, Circuit::Open));
        assert!(schedule.begin_in_background(now));
        assert_eq!(schedule.circuit(), Circuit::Probing);
        schedule.succeeded(&INTERVALS(), None, DAY, now);
        assert_eq!((schedule.failures(), schedule.circuit()), (0, Circuit::Closed));
    }

    #[test]
    fn an_issuer_whose_keys_are_too_old_is_asked_at_once_unless_it_failed() {
        let now = Instant::now();
        let mut schedule = good(now);
        assert!(!schedule.begin_in_background(now + seconds(1)));
        schedule.hasten();
        assert!(schedule.begin_in_background(now + seconds(1)));
        schedule.failed(&INTERVALS(), now + seconds(1));
        schedule.hasten();
        assert!(!schedule.begin_in_background(now + seconds(1)));
    }

    #[test]
    fn the_spread_shortens_a_pause_by_a_quarter_at_most() {
        let now = Instant::now();
        let mut schedule = RefreshSchedule::new(31);
        schedule.begin(now);
        schedule.failed(&INTERVALS(), now);
        let due = schedule.due().unwrap();
        assert!(now + Duration::from_millis(750) <= due && due < now + seconds(1));
    }

    #[test]
    fn a_doubt_is_settled_by_a_fetch_that_nobody_has_to_ask_for_again() {
        let now = Instant::now();
        let mut schedule = good(now);
        assert_eq!(schedule.due(), Some(now + seconds(225)));
        assert_eq!(schedule.begin_for_key(&INTERVALS(), now + seconds(1)), Begin::TooSoon);
        assert_eq!(schedule.due(), Some(now + seconds(10)));
        assert!(schedule.begin_in_background(now + seconds(10)));
        // A review that joins it arrived after it began, so its response does not settle that
        // token.
        assert_eq!(schedule.begin_for_key(&INTERVALS(), now + seconds(11)), Begin::Others);
        schedule.succeeded(&INTERVALS(), None, DAY, now + seconds(12));
        assert_eq!(schedule.due(), Some(now + seconds(20)));
        assert!(schedule.begin_in_background(now + seconds(20)));
        schedule.succeeded(&INTERVALS(), None, DAY, now + seconds(20));
        assert_eq!(schedule.due(), Some(now + seconds(245)), "nobody is in doubt any more");
        assert_eq!(schedule.begin_for_key(&INTERVALS(), now + seconds(29)), Begin::TooSoon);
    }

    #[test]
    fn an_issuer_that_is_needed_is_tried_again_within_eight_seconds() {
        let mut now = Instant::now();
        let mut schedule = RefreshSchedule::new(0);
        for _ in 0..9 {
            schedule.begin(now);
            schedule.failed(&INTERVALS(), now);
            now = schedule.due().unwrap();
        }
        schedule.begin(now);
        schedule.failed(&INTERVALS(), now);
        assert_eq!(schedule.due(), Some(now + seconds(60)), "nobody needs it");
        assert_eq!(schedule.begin_for_keys(&INTERVALS(), now + seconds(1)), Begin::TooSoon);
        assert_eq!(schedule.due(), Some(now + seconds(8)));
        assert!(schedule.begin_in_background(now + seconds(8)));
        // Reviews that arrive during the try count, too.
        assert_eq!(schedule.begin_for_key(&INTERVALS(), now + seconds(9)), Begin::TooSoon);
        schedule.failed(&INTERVALS(), now + seconds(18));
        assert_eq!(schedule.due(), Some(now + seconds(26)));
        schedule.begin(now + seconds(70));
        schedule.failed(&INTERVALS(), now + seconds(70));
        assert_eq!(schedule.due(), Some(now + seconds(130)), "nobody has come for a minute");
        assert_eq!(schedule.begin_for_keys(&INTERVALS(), now + seconds(100)), Begin::TooSoon);
        assert!(schedule.begin_in_background(now + seconds(100)), "longer ago than the pause");
    }

    #[test]
    fn no_review_waits_for_an_issuer_that_failed() {
        let now = Instant::now();
        let mut schedule = good(now - seconds(20));
        assert_eq!(schedule.begin_for_key(&INTERVALS(), now), Begin::Mine);
        schedule.failed(&INTERVALS(), now);
        assert_eq!(schedule.begin_for_key(&INTERVALS(), now), Begin::TooSoon, "left alone");
        assert!(schedule.begin_in_background(now + seconds(1)));
        assert_eq!(
            schedule.begin_for_key(&INTERVALS(), now + seconds(1)),
            Begin::TooSoon,
            "probed"
        );
        schedule.failed(&INTERVALS(), now + seconds(1));
        // The circuit is due after two seconds, but a review may not cause a fetch yet.
        assert_eq!(schedule.begin_for_key(&INTERVALS(), now + seconds(4)), Begin::TooSoon);
        assert_eq!(schedule.begin_for_key(&INTERVALS(), now + seconds(11)), Begin::Mine);
    }
}
