//! Counts connections, and decides which one goes when there is no room for another.
//! Never drops the connection of an admitted caller, and never touches a socket.
//!
//! An unauthenticated client can hold a connection open for as long as it answers pings. So a new
//! connection always gets in, and the oldest one that was never admitted makes room: a flood
//! displaces itself, and a caller needs no more than the time of one handshake to be safe from it.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::Notify;

use crate::config::Limits;

/// The connections of one listener.
#[derive(Debug)]
pub(super) struct Places {
    /// Connections at the same moment.
    all: usize,
    /// Of them, connections that are not admitted; the rest is reserved for admitted ones.
    strangers: usize,
    /// Of the connections that are not admitted, those from one source.
    of_source: usize,
    taken: Mutex<Taken>,
    has_changed: Notify,
}

#[derive(Debug, Default)]
struct Taken {
    next: u64,
    open: usize,
    /// In the order of arrival, without those that were asked to go.
    strangers: BTreeMap<u64, Arc<Seat>>,
    by_source: HashMap<IpAddr, BTreeSet<u64>>,
}

#[derive(Debug)]
struct Seat {
    number: u64,
    source: IpAddr,
    is_admitted: AtomicBool,
    must_go: Notify,
}

/// A connection that counts until this is dropped.
#[derive(Debug)]
pub(super) struct Occupied(Place);

/// The place of a connection; it is marked here when the caller is admitted.
#[derive(Clone, Debug)]
pub struct Place {
    places: Arc<Places>,
    seat: Arc<Seat>,
}

impl Places {
    pub(super) fn new(limits: &Limits) -> Arc<Self> {
        let all = limits.connections.max(1);
        let strangers = all.saturating_sub(limits.reserved_connections).max(1);
        Arc::new(Self {
            all,
            strangers,
            of_source: limits.connections_of_source.clamp(1, strangers),
            taken: Mutex::default(),
            has_changed: Notify::new(),
        })
    }

    /// Ends when another connection may be accepted: there is room, or a connection that can make
    /// room.
    pub(super) async fn room(&self) {
        self.changed(|taken| self.has_room(taken)).await;
    }

    /// Ends when no other connection may be accepted.
    pub(super) async fn no_room(&self) {
        self.changed(|taken| !self.has_room(taken)).await;
    }

    fn has_room(&self, taken: &Taken) -> bool {
        taken.open < self.all || (taken.open == self.all && !taken.strangers.is_empty())
    }

    /// Ends when every connection has ended.
    pub(super) async fn empty(&self) {
        self.changed(|taken| taken.open == 0).await;
    }

    async fn changed(&self, is_met: impl Fn(&Taken) -> bool) {
        loop {
            let change = self.has_changed.notified();
            if is_met(&self.lock()) {
                return;
            }
            change.await;
        }
    }

    /// A place for a connection from `source`, and whether another one has to make room for it.
    pub(super) fn take(self: &Arc<Self>, source: IpAddr) -> (Occupied, bool) {
        let source = network(source);
        let mut taken = self.lock();
        let own = taken.by_source.get(&source);
        let oldest = if own.is_some_and(|own| self.of_source <= own.len()) {
            own.and_then(BTreeSet::first).copied()
        } else if self.strangers <= taken.strangers.len() || self.all <= taken.open {
            taken.strangers.keys().next().copied()
        } else {
            None
        };
        let leaving = oldest.and_then(|oldest| taken.forget(oldest));
        if let Some(leaving) = &leaving {
            leaving.must_go.notify_one();
        }
        let number = taken.next;
        let seat = Arc::new(Seat {
            number,
            source,
            is_admitted: AtomicBool::new(false),
            must_go: Notify::new(),
        });
        taken.next += 1;
        taken.open += 1;
        taken.strangers.insert(number, Arc::clone(&seat));
        taken.by_source.entry(source).or_default().insert(number);
        drop(taken);
        (Occupied(Place { places: Arc::clone(self), seat }), leaving.is_some())
    }

    /// A panic elsewhere leaves only whole entries: nothing here panics half way.
    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    fn forget(&mut self, number: u64) -> Option<Arc<Seat>> {
        let seat = self.strangers.remove(&number)?;
        if let Some(own) = self.by_source.get_mut(&seat.source) {
            own.remove(&number);
            if own.is_empty() {
                self.by_source.remove(&seat.source);
            }
        }
        Some(seat)
    }
}

impl Place {
    /// Admits the caller: its connection is not dropped for others from now on.
    pub fn admit(&self) {
        if self.seat.is_admitted.swap(true, Ordering::Relaxed) {
            return;
        }
        self.places.lock().forget(self.seat.number);
        // A task that counted on this connection to make room must look again.
        self.places.has_changed.notify_waiters();
    }

    /// Whether the caller was ever admitted.
    pub(super) fn is_admitted(&self) -> bool {
        self.seat.is_admitted.load(Ordering::Relaxed)
    }

    /// Ends when the connection has to make room.
    pub(super) async fn must_go(&self) {
        self.seat.must_go.notified().await;
    }

    /// A place with no other beside it.
    #[cfg(test)]
    pub(crate) fn only() -> Self {
        Places::new(&Limits::default()).take(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST)).0.place()
    }
}

impl Occupied {
    pub(super) fn place(&self) -> Place {
        self.0.clone()
    }
}

impl Drop for Occupied {
    fn drop(&mut self) {
        let Place { places, seat } = &self.0;
        let mut taken = places.lock();
        taken.forget(seat.number);
        taken.open -= 1;
        drop(taken);
        places.has_changed.notify_waiters();
    }
}

/// The unit that counts as one source: a client with one IPv6 address has 2⁶⁴ of them.
fn network(source: IpAddr) -> IpAddr {
    match source {
        IpAddr::V4(_) => source,
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::{Future, ready},
        net::Ipv4Addr,
        pin::pin,
    };

    use super::*;

    fn places(connections: usize, reserved: usize, of_source: usize) -> Arc<Places> {
        Places::new(&Limits {
            connections,
            reserved_connections: reserved,
            connections_of_source: of_source,
            ..Limits::default()
        })
    }

    fn address(last: u8) -> IpAddr {
        IpAddr::V4(Ipv4Addr::new(192, 0, 2, last))
    }

    /// Whether `work` is ready at once.
    async fn is_done(work: impl Future<Output = ()>) -> bool {
        tokio::select! {
            biased;
            () = work => true,
            () = ready(()) => false,
        }
    }

    async fn told(all: &[Occupied]) -> Vec<usize> {
        let mut told = Vec::new();
        for (index, occupied) in all.iter().enumerate() {
            if is_done(occupied.0.must_go()).await {
                told.push(index);
            }
        }
        told
    }

    #[tokio::test]
    async fn the_oldest_that_was_never_admitted_makes_room() {
        let places = places(6, 3, 100);
        let mut all: Vec<_> = (0..3).map(|last| places.take(address(last)).0).collect();
        all[0].place().admit();
        assert_eq!(told(&all).await, [0; 0]);
        // Two connections that are not admitted are there, a third has room, and the fourth and
        // fifth do not.
        for (expected, last) in [(&[][..], 4), (&[1], 5), (&[2], 6)] {
            let (occupied, is_full) = places.take(address(last));
            assert_eq!(is_full, !expected.is_empty());
            all.push(occupied);
            assert_eq!(told(&all).await, expected);
        }
    }

    #[tokio::test]
    async fn one_source_displaces_itself_only_and_a_network_is_one_source() {
        let places = places(100, 10, 2);
        let six = |text: &str| text.parse::<IpAddr>().unwrap();
        let mut all = vec![places.take(address(1)).0, places.take(six("2001:db8::1")).0];
        for last in [2, 2, 2, 2] {
            all.push(places.take(address(last)).0);
        }
        assert_eq!(told(&all).await, [2, 3]);
        all.push(places.take(six("2001:db8::ffff:2")).0);
        all.push(places.take(six("2001:db8:0:1::1")).0);
        assert_eq!(told(&all).await, [0; 0]);
        all.push(places.take(six("2001:db8::3")).0);
        assert_eq!(told(&all).await, [1]);
    }

    #[tokio::test]
    async fn admitted_callers_may_take_every_place_and_then_others_wait() {
        let places = places(2, 1, 100);
        let first = places.take(address(1)).0;
        first.place().admit();
        assert!(is_done(places.room()).await);
        let second = places.take(address(2)).0;
        // It can be asked to go, so there is room for one more.
        assert!(is_done(places.room()).await);
        second.place().admit();
        let mut room = pin!(places.room());
        assert!(!is_done(room.as_mut()).await && is_done(places.no_room()).await);
        drop(first);
        assert!(is_done(room).await);
        assert!(!is_done(places.empty()).await);
        drop(second);
        assert!(is_done(places.empty()).await);
        let taken = places.lock();
        assert!(taken.strangers.is_empty() && taken.by_source.is_empty());
    }

    #[tokio::test]
    async fn nobody_is_accepted_before_the_one_who_was_told_has_gone() {
        let places = places(2, 0, 100);
        let (first, _) = places.take(address(1));
        let _second = places.take(address(2));
        let _third = places.take(address(3));
        assert!(is_done(first.0.must_go()).await && !is_done(places.room()).await);
        // Too late, but harmless: it goes all the same.
        first.place().admit();
        assert!(!is_done(places.room()).await);
        drop(first);
        assert!(is_done(places.room()).await);
    }
}
