//! How many connections a listener holds open, and which one goes when there is no room.
//! Never closes one that has said what it came for, as long as another is silent.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::task::AbortHandle;

/// More than the runtime accepts before it lets connections speak (128 at a time): none is closed
/// unheard, however many come at once.
const MAX_CONNECTIONS: usize = 256;

/// The connections that are open, oldest first.
#[derive(Default)]
pub(super) struct Slots(Mutex<Taken>);

#[derive(Default)]
struct Taken {
    next: u64,
    slots: VecDeque<Slot>,
}

struct Slot {
    number: u64,
    has_spoken: bool,
    task: AbortHandle,
}

impl Slots {
    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a slot for what `start` starts; the oldest that is silent goes where all are taken,
    /// and the newcomer where all have spoken.
    pub(super) fn take(&self, start: impl FnOnce(u64) -> AbortHandle) {
        let mut taken = self.lock();
        if taken.slots.len() >= MAX_CONNECTIONS {
            let silent = taken.slots.iter().position(|slot| !slot.has_spoken);
            let Some(oldest) = silent.and_then(|index| taken.slots.remove(index)) else { return };
            oldest.task.abort();
        }
        let number = taken.next;
        taken.next += 1;
        // The task cannot run before this returns: one thread runs them all, or waits for the lock.
        let task = start(number);
        taken.slots.push_back(Slot { number, has_spoken: false, task });
    }

    /// The connection has said what it came for.
    pub(super) fn has_spoken(&self, number: u64) {
        if let Some(slot) = self.lock().slots.iter_mut().find(|slot| slot.number == number) {
            slot.has_spoken = true;
        }
    }

    /// The connection has ended.
    pub(super) fn free(&self, number: u64) {
        self.lock().slots.retain(|slot| slot.number != number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_oldest_silent_connection_makes_room() {
        let slots = Slots::default();
        let numbers = || slots.lock().slots.iter().map(|slot| slot.number).collect::<Vec<_>>();
        let connect = || {
            slots.take(|_| tokio::spawn(std::future::pending::<()>()).abort_handle());
        };
        (0..MAX_CONNECTIONS).for_each(|_| connect());
        slots.has_spoken(0);
        connect();
        assert_eq!(numbers().len(), MAX_CONNECTIONS);
        assert!(numbers().contains(&0) && !numbers().contains(&1));
        slots.free(0);
        assert_eq!(numbers().len(), MAX_CONNECTIONS - 1);
        (0..1000).for_each(|_| connect());
        assert_eq!(numbers().len(), MAX_CONNECTIONS);
        for number in numbers() {
            slots.has_spoken(number);
        }
        let before = numbers();
        connect();
        assert_eq!(numbers(), before);
        slots.lock().slots.iter().for_each(|slot| slot.task.abort());
    }
}
