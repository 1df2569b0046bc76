//! Limits the open connections of a listener, and decides which one is closed when there is no
//! room.
//! Never closes a connection that has sent its request; silent ones go first.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::task::AbortHandle;

/// More than the runtime accepts before it lets connections run (128 at a time): no connection is
/// closed before it could send its request, however many arrive at once.
const MAX_CONNECTIONS: usize = 256;

/// The open connections, oldest first.
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

    /// Takes a slot for the task that `start` spawns. If all are taken, the oldest silent
    /// connection is closed; if all have sent their request, the new connection is refused.
    pub(super) fn take(&self, start: impl FnOnce(u64) -> AbortHandle) {
        let mut taken = self.lock();
        if taken.slots.len() >= MAX_CONNECTIONS {
            let silent = taken.slots.iter().position(|slot| !slot.has_spoken);
            let Some(oldest) = silent.and_then(|index| taken.slots.remove(index)) else { return };
            oldest.task.abort();
        }
        let number = taken.next;
        taken.next += 1;
        // The task cannot free its slot earlier: it runs on this thread, or waits for the lock.
        let task = start(number);
        taken.slots.push_back(Slot { number, has_spoken: false, task });
    }

    /// Marks that the connection has sent its request.
    pub(super) fn has_spoken(&self, number: u64) {
        if let Some(slot) = self.lock().slots.iter_mut().find(|slot| slot.number == number) {
            slot.has_spoken = true;
        }
    }

    /// Frees the slot of a closed connection.
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
