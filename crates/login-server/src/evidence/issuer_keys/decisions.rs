//! All decisions about one issuer's keys: which set is in use and for how long, when the issuer is
//! asked, and what the keys prove about a token that none of them verifies. Pure: the time is an
//! argument.
//! Never lets one token cause the refusal of another, and never uses a set for longer than its
//! maximum age.

use std::time::Duration;

use login_common::UnixTime;
use tokio::time::Instant;

use crate::evidence::{
    doubts::{Doubts, TokenName},
    refresh_schedule::{Begin, Circuit, KeySetIntervals, RefreshSchedule},
};

/// A key set and when its issuer last confirmed it. Its age is measured by the monotonic clock; the
/// wall clock is for reports, and for the next process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InUse<K> {
    pub(crate) keys: K,
    pub(super) confirmed: Confirmation,
}

/// When an issuer confirmed a set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Confirmation {
    pub(super) wall: UnixTime,
    measured_at: Instant,
    age_then: Duration,
}

impl Confirmation {
    /// Confirmed `age` before `now`, when the wall clock showed `wall`.
    pub(super) const fn of_age(age: Duration, wall: UnixTime, now: Instant) -> Self {
        Self { wall, measured_at: now, age_then: age }
    }

    /// Confirmed when the wall clock showed `wall`; it shows `shown` now. Both are whole seconds,
    /// so almost one more may have passed.
    pub(super) fn by_wall(wall: UnixTime, shown: UnixTime, now: Instant) -> Self {
        Self::of_age(shown.since(wall) + Duration::from_secs(1), wall, now)
    }

    pub(super) fn age(&self, now: Instant) -> Duration {
        self.age_then.saturating_add(now.saturating_duration_since(self.measured_at))
    }
}

/// Why a review needs the issuer.
#[derive(Clone, Copy, Debug)]
pub(super) enum KeyNeed {
    /// There are no keys in use.
    Keys,
    /// No key in use verifies this token.
    Other(TokenName),
}

/// What the review does next.
#[derive(Debug)]
pub(super) enum NextStep {
    /// Fetch, wait for the end, and then ask for the knowledge.
    Fetch(Wish),
    /// Wait for the end of the fetch under way, and then ask for the knowledge.
    Wait(Wish),
    /// Continue at once.
    Answer(Knowledge),
}

/// A waiting review.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    /// The event number at which its token was first seen.
    seen: u64,
}

/// What the keys in use prove for a review.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Knowledge {
    /// The issuer was asked after the token arrived: it did not sign what its keys do not verify.
    Confirmed,
    /// The issuer may have published another key since it was last asked.
    Unconfirmed,
    /// The issuer cannot be asked.
    Unavailable,
}

/// How a fetch ended.
#[derive(Debug)]
pub(super) enum Ending<K> {
    /// With these keys, new or unchanged, and how long they are fresh.
    Keys(K, Option<Duration>),
    /// Without keys.
    Nothing,
}

/// See the head of this file.
#[derive(Debug)]
pub(super) struct Decisions<K> {
    intervals: KeySetIntervals,
    schedule: RefreshSchedule,
    doubts: Doubts,
    max_age: Duration,
    in_use: Option<InUse<K>>,
    last_confirmed: Option<Confirmation>,
    /// Counts events: tokens that arrive, fetches that begin.
    events: u64,
    /// The event number of the latest fetch, and when it began by both clocks.
    begun: Option<(u64, Instant, UnixTime)>,
    /// The event number of the latest fetch that brought keys.
    last_good: Option<u64>,
}

impl<K: Clone> Decisions<K> {
    pub(super) fn new(intervals: KeySetIntervals, max_age: Duration, spread: u32) -> Self {
        Self {
            intervals,
            schedule: RefreshSchedule::new(spread),
            doubts: Doubts::default(),
            max_age,
            in_use: None,
            last_confirmed: None,
            events: 0,
            begun: None,
            last_good: None,
        }
    }

    /// Starts with keys that were not fetched.
    pub(super) fn start_with(&mut self, keys: K, confirmed: Confirmation, now: Instant) {
        self.last_confirmed = Some(confirmed);
        if confirmed.age(now) < self.max_age {
            self.in_use = Some(InUse { keys, confirmed });
        }
    }

    pub(super) const fn intervals(&self) -> &KeySetIntervals {
        &self.intervals
    }

    pub(super) const fn in_use(&self) -> Option<&InUse<K>> {
        self.in_use.as_ref()
    }

    pub(super) const fn last_confirmed(&self) -> Option<Confirmation> {
        self.last_confirmed
    }

    /// Changes the maximum age, which may be shorter than before.
    pub(super) fn limit(&mut self, max_age: Duration) {
        self.max_age = max_age;
        self.schedule.limit(max_age);
    }

    /// Returns the name of a token in `doubts`.
    pub(super) fn name(&self, parts: &[&str]) -> TokenName {
        self.doubts.name(parts)
    }

    /// What a review does that has no keys, or none that verifies its token.
    pub(super) fn want(&mut self, wanted: KeyNeed, wall: UnixTime, now: Instant) -> NextStep {
        self.events += 1;
        let place = self.events;
        let (seen, begin) = match wanted {
            KeyNeed::Keys => (0, self.schedule.begin_for_keys(&self.intervals, now)),
            KeyNeed::Other(name) => {
                let memory = self.intervals.doubt_memory;
                let seen = self.doubts.first_seen(name, place, now, memory);
                (seen, self.schedule.begin_for_key(&self.intervals, now))
            }
        };
        let wish = Wish { seen };
        match begin {
            Begin::Mine => {
                self.begun = Some((place, now, wall));
                NextStep::Fetch(wish)
            }
            Begin::Others => NextStep::Wait(wish),
            Begin::TooSoon => NextStep::Answer(self.knowledge(wish)),
        }
    }

    /// What is known after the wait, or without one.
    pub(super) fn knowledge(&self, wish: Wish) -> Knowledge {
        if self.schedule.failures() > 0 {
            Knowledge::Unavailable
        } else if self.last_good.is_some_and(|begun| wish.seen <= begun) {
            Knowledge::Confirmed
        } else {
            Knowledge::Unconfirmed
        }
    }

    /// Whether the background task fetches now.
    pub(super) fn begin_in_background(&mut self, wall: UnixTime, now: Instant) -> bool {
        let begins = self.schedule.begin_in_background(now);
        if begins {
            self.events += 1;
            self.begun = Some((self.events, now, wall));
        }
        begins
    }

    /// Ends the use of a set that is too old; returns whether there was one.
    pub(super) fn retire(&mut self, now: Instant) -> bool {
        let is_over =
            self.in_use.as_ref().is_some_and(|set| self.max_age <= set.confirmed.age(now));
        if is_over {
            self.in_use = None;
            self.schedule.hasten();
        }
        is_over
    }

    /// When the background task wakes up next: for a fetch that is due, or at the end of the set.
    pub(super) fn wake(&self, now: Instant) -> Option<Instant> {
        let rest = self
            .in_use
            .as_ref()
            .map(|set| self.max_age.saturating_sub(set.confirmed.age(now)))
            .and_then(|rest| now.checked_add(rest));
        [rest, self.schedule.due()].into_iter().flatten().min()
    }

    /// A fetch has ended. Its keys count from when it began: keys that the issuer withdrew since
    /// may still be among them.
    pub(super) fn ended(&mut self, fetched: Ending<K>, now: Instant) {
        match (fetched, self.begun) {
            (Ending::Keys(keys, lifetime), Some((place, at, wall))) => {
                let confirmed = Confirmation::of_age(Duration::ZERO, wall, at);
                self.last_confirmed = Some(confirmed);
                self.in_use = Some(InUse { keys, confirmed });
                self.last_good = Some(place);
                self.schedule.succeeded(&self.intervals, lifetime, self.max_age, now);
            }
            (Ending::Nothing, _) | (Ending::Keys(..), None) => {
                self.schedule.failed(&self.intervals, now);
            }
        }
    }

    pub(super) const fn failures(&self) -> u32 {
        self.schedule.failures()
    }

    pub(super) const fn circuit(&self) -> Circuit {
        self.schedule.circuit()
    }
}
