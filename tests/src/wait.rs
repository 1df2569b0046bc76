//! Waits for something to become true in real time.
//! Never waits without a limit.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

const PAUSE: Duration = Duration::from_millis(20);

/// Calls `check` repeatedly until it returns a value; fails after `limit`.
pub fn until<T>(
    what: &str,
    limit: Duration,
    mut check: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let start = Instant::now();
    loop {
        if let Some(value) = check()? {
            return Ok(value);
        }
        if start.elapsed() > limit {
            bail!("waited {limit:?} for {what}");
        }
        thread::sleep(PAUSE);
    }
}

/// Lets real time pass, for a rule about time itself.
pub fn pass(time: Duration) {
    thread::sleep(time);
}
