//! Slows down guessing: counts attempts by name, by network and by user code.
//! Never grows without bound, never blocks a user for longer than its cap.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use login_common::UnixTime;

/// The limits of one kind of attempt.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Attempts before the first wait.
    free: u32,
    /// Maximum wait; waits begin at one second and double.
    cap: Duration,
    /// A count is cleared after this long without an attempt.
    memory: Duration,
    /// Maximum number of keys with a count.
    entries: usize,
}

impl Limits {
    /// By user name. The cap is low, since any caller who knows a name can lock its owner out.
    pub(crate) const USER: Self = Self::of(5, Duration::from_mins(1));
    /// By network. The users of an office that share one address mistype more often than one user.
    pub(crate) const SOURCE: Self = Self::of(20, Duration::from_mins(5));
    /// By network, for user codes (RFC 8628 §5.1).
    pub(crate) const USER_CODE: Self = Self::of(10, Duration::from_mins(5));

    const fn of(free: u32, cap: Duration) -> Self {
        Self { free, cap, memory: Duration::from_mins(15), entries: 10_000 }
    }

    fn wait_after(self, failures: u32) -> Duration {
        let Some(over) = failures.checked_sub(self.free) else { return Duration::ZERO };
        Duration::from_secs(1u64.checked_shl(over).unwrap_or(u64::MAX)).min(self.cap)
    }
}

/// The counts of one kind.
pub(crate) struct Throttle {
    limits: Limits,
    counts: Mutex<HashMap<String, Count>>,
}

#[derive(Clone, Copy)]
struct Count {
    failures: u32,
    latest: UnixTime,
}

impl Throttle {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, counts: Mutex::new(HashMap::new()) }
    }

    /// Counts an attempt as failed before it is made, so that concurrent ones cannot bypass the
    /// limit; [`Throttle::forgive`] undoes that. `Err` is the time of the next attempt allowed.
    pub(crate) fn admit(&self, key: &str, now: UnixTime) -> Result<(), UnixTime> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut count = counts.get(key).copied().unwrap_or(Count { failures: 0, latest: now });
        // A clock that was set back must not lengthen a wait.
        count.latest = count.latest.min(now);
        if count.latest.plus(self.limits.memory) <= now {
            count.failures = 0;
        }
        let open_again = count.latest.plus(self.limits.wait_after(count.failures));
        if now < open_again {
            return Err(open_again);
        }
        if counts.len() >= self.limits.entries && !counts.contains_key(key) {
            make_room(&mut counts, self.limits.memory, now);
        }
        let failures = count.failures.saturating_add(1);
        counts.insert(key.to_owned(), Count { failures, latest: now });
        Ok(())
    }

    /// The attempt succeeded: clears all failures of this name.
    pub(crate) fn forget(&self, key: &str) {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    /// The attempt succeeded: undoes its own count only. Otherwise the owner of one account could
    /// clear their failed guesses at others.
    pub(crate) fn forgive(&self, key: &str) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(key) {
            count.failures = count.failures.saturating_sub(1);
        }
    }
}

/// Removes stale counts; if there are none, the one with the fewest failures, so that a flood of
/// made-up names does not evict the count of the name under attack.
fn make_room(counts: &mut HashMap<String, Count>, memory: Duration, now: UnixTime) {
    let before = counts.len();
    counts.retain(|_, count| now < count.latest.plus(memory));
    if counts.len() < before {
        return;
    }
    let least = counts
        .iter()
        .min_by_key(|(_, count)| (count.failures, count.latest))
        .map(|(key, _)| key.clone());
    if let Some(key) = least {
        counts.remove(&key);
    }
}

/// The network of one subscriber: an IPv4 address, or an IPv6 /64.
pub(crate) fn network_of(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> UnixTime {
        UnixTime::from_seconds(seconds)
    }

    #[test]
    fn waits_double_up_to_the_cap_and_are_forgotten_in_the_end() {
        let throttle = Throttle::new(Limits::USER);
        for _ in 0..5 {
            assert_eq!(throttle.admit("alice", at(0)), Ok(()));
        }
        let mut now = 0;
        let mut waits = Vec::new();
        for _ in 0..8 {
            let Err(until) = throttle.admit("alice", at(now)) else { panic!("no wait at {now}") };
            waits.push(until.as_seconds() - now);
            now = until.as_seconds();
            assert_eq!(throttle.admit("alice", at(now)), Ok(()));
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(throttle.admit("bob", at(now)), Ok(()));
        for _ in 0..5 {
            assert_eq!(throttle.admit("alice", at(now + 900)), Ok(()));
        }
    }

    #[test]
    fn a_right_attempt_clears_a_name_but_only_itself_for_a_network() {
        let throttle = Throttle::new(Limits::USER);
        for _ in 0..5 {
            throttle.admit("k", at(0)).unwrap();
        }
        throttle.forgive("k");
        assert_eq!(throttle.admit("k", at(0)), Ok(()));
        assert!(throttle.admit("k", at(0)).is_err());
        throttle.forget("k");
        assert_eq!(throttle.admit("k", at(0)), Ok(()));
    }

    #[test]
    fn a_flood_of_names_is_bounded_and_does_not_push_out_the_attacked_one() {
        let throttle = Throttle::new(Limits { entries: 100, ..Limits::USER });
        for _ in 0..5 {
            throttle.admit("alice", at(0)).unwrap();
        }
        for number in 0..1000 {
            throttle.admit(&format!("made-up-{number}"), at(0)).unwrap();
        }
        assert_eq!(throttle.counts.lock().unwrap().len(), 100);
        assert!(throttle.admit("alice", at(0)).is_err());
    }

    #[test]
    fn a_clock_set_back_does_not_lengthen_a_wait() {
        let throttle = Throttle::new(Limits::USER);
        for _ in 0..6 {
            let _ = throttle.admit("alice", at(1_000_000));
        }
        assert_eq!(throttle.admit("alice", at(0)), Err(at(1)));
    }

    #[test]
    fn one_subscriber_is_one_network() {
        let network = |text: &str| network_of(text.parse().unwrap()).to_string();
        assert_eq!(network("192.0.2.7"), "192.0.2.7");
        assert_eq!(network("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
    }
}
