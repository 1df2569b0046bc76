//! Turns a panic in a handler into a value that can be answered.
//! Never lets a panic reach the connection, on which other requests may be open.

use std::{
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::Poll,
};

/// The work panicked. The panic hook has already written the message to stderr.
#[derive(Debug, PartialEq, Eq)]
pub struct Panicked;

/// Runs `work` until it ends or panics. The caller pins it, so that it is not moved.
pub async fn guarded<T>(mut work: Pin<&mut impl Future<Output = T>>) -> Result<T, Panicked> {
    poll_fn(|context| {
        // After a panic the future is dropped and never polled again, so that no code sees what it
        // left half done; shared state is behind atomics and locks that ignore poison.
        match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(done)) => Poll::Ready(Ok(done)),
            Err(_) => Poll::Ready(Err(Panicked)),
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_value_and_all_else_passes() {
        assert_eq!(guarded(pin!(async { 7 })).await, Ok(7));
        let late = async {
            tokio::task::yield_now().await;
            panic!("on purpose")
        };
        assert_eq!(guarded(pin!(late)).await, Err(Panicked));
    }
}
