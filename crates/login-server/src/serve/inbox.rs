//! Counts the room for request bodies that have not arrived completely.
//! Never holds their bytes.
//!
//! A body may be as slow as its deadline allows, and an HTTP/2 connection may have hundreds of
//! them. When there is no room, the body that has been arriving for longest is given up, so that
//! bodies which never arrive displace each other and not the ones that arrive at once.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

/// See the head of this file.
#[derive(Debug)]
pub(crate) struct Inbox {
    capacity: usize,
    expected: Mutex<Expected>,
}

#[derive(Debug, Default)]
struct Expected {
    next: u64,
    bytes: usize,
    bodies: BTreeMap<u64, (usize, Arc<Notify>)>,
}

/// One body that is arriving.
#[derive(Debug)]
pub(crate) struct Parcel {
    inbox: Arc<Inbox>,
    number: u64,
    given_up: Arc<Notify>,
}

impl Inbox {
    pub(super) fn new(capacity: usize) -> Arc<Self> {
        Arc::new(Self { capacity, expected: Mutex::default() })
    }

    /// Registers a body of which nothing has been buffered.
    pub(crate) fn expect(self: &Arc<Self>) -> Parcel {
        let given_up = Arc::new(Notify::new());
        let mut expected = self.lock();
        let number = expected.next;
        expected.next += 1;
        expected.bodies.insert(number, (0, Arc::clone(&given_up)));
        drop(expected);
        Parcel { inbox: Arc::clone(self), number, given_up }
    }

    /// A panic elsewhere leaves only whole entries: nothing here panics half way.
    fn lock(&self) -> MutexGuard<'_, Expected> {
        self.expected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Expected {
    fn forget(&mut self, number: u64) -> Option<Arc<Notify>> {
        let (bytes, given_up) = self.bodies.remove(&number)?;
        self.bytes -= bytes;
        Some(given_up)
    }
}

impl Parcel {
    /// Call this before buffering `bytes` more. It notifies the bodies that have to make room.
    pub(crate) fn grow(&self, bytes: usize) {
        let mut expected = self.inbox.lock();
        let Some((size, _)) = expected.bodies.get_mut(&self.number) else { return };
        *size += bytes;
        expected.bytes += bytes;
        while self.inbox.capacity < expected.bytes {
            let Some(oldest) = expected.bodies.keys().next().copied() else { return };
            if let Some(given_up) = expected.forget(oldest) {
                given_up.notify_one();
            }
        }
    }

    /// Ends when this body has to make room.
    pub(crate) async fn given_up(&self) {
        self.given_up.notified().await;
    }
}

impl Drop for Parcel {
    fn drop(&mut self) {
        self.inbox.lock().forget(self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use super::*;

    async fn is_given_up(parcel: &Parcel) -> bool {
        tokio::select! {
            biased;
            () = parcel.given_up() => true,
            () = ready(()) => false,
        }
    }

    #[tokio::test]
    async fn the_longest_on_its_way_makes_room() {
        let inbox = Inbox::new(100);
        let parcels = [(); 3].map(|()| inbox.expect());
        let grow = |index: usize, bytes| parcels[index].grow(bytes);
        grow(1, 50);
        grow(0, 50);
        for parcel in &parcels {
            assert!(!is_given_up(parcel).await);
        }
        grow(2, 1);
        assert!(is_given_up(&parcels[0]).await && !is_given_up(&parcels[1]).await);
        // A body that was given up is not counted.
        grow(0, 1_000);
        assert_eq!(inbox.lock().bytes, 51);
        grow(2, 101);
        assert!(is_given_up(&parcels[1]).await && is_given_up(&parcels[2]).await);
        drop(parcels);
        let expected = inbox.lock();
        assert_eq!((expected.bytes, expected.bodies.len()), (0, 0));
    }
}
