//! Handles the signals that end a run early, whatever it is waiting for.
//! Never installed on the cached path, where the default (terminate at once) is right; never
//! handles signals that were ignored at the start: `nohup`, and shells for background jobs, do that
//! on purpose.
//!
//! A separate thread listens: the main thread may be in a blocking call that signals do not
//! interrupt, such as a keyring's or a lock's.

use std::{
    process::exit,
    sync::{Mutex, OnceLock, PoisonError},
    time::Duration,
};

use tokio::sync::watch;

/// How long work may take to finish after it was notified.
const GRACE: Duration = Duration::from_secs(3);

/// The exit code that shells use for a signal: this plus the signal's number.
const ENDED_BY: i32 = 128;

struct Watcher {
    cancelled: watch::Sender<bool>,
    /// The number of `Listening` values.
    listening: Mutex<usize>,
}

static WATCHER: OnceLock<Option<&'static Watcher>> = OnceLock::new();

/// While such a value exists, a signal does not end the process at once.
#[derive(Debug)]
pub struct Listening(());

impl Listening {
    /// Starts listening.
    pub fn begin() -> Self {
        if let Some(watcher) = watcher() {
            *watcher.listening.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        }
        Self(())
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        if let Some(watcher) = watcher() {
            *watcher.listening.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        }
    }
}

/// Waits for Ctrl-C, a request to terminate, or the hang-up of the terminal.
pub async fn cancelled() {
    let Some(watcher) = watcher() else {
        // Without the thread, the signal's default action ends the process, which is just as good.
        return std::future::pending().await;
    };
    if watcher.cancelled.subscribe().wait_for(|is_cancelled| *is_cancelled).await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn watcher() -> Option<&'static Watcher> {
    *WATCHER.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
        let (cancelled, _) = watch::channel(false);
        let watcher: &'static Watcher =
            Box::leak(Box::new(Watcher { cancelled, listening: Mutex::new(0) }));
        let (ready, is_ready) = std::sync::mpsc::channel();
        let listen = move || {
            runtime.block_on(async {
                let mut signals = Signals::install();
                let _ = ready.send(());
                let signal = signals.next().await;
                // Read before the notification: a notified listener may finish, and drop its value,
                // at once.
                let is_heard =
                    *watcher.listening.lock().unwrap_or_else(PoisonError::into_inner) > 0;
                watcher.cancelled.send_replace(true);
                if is_heard {
                    tokio::select! {
                        () = tokio::time::sleep(GRACE) => {}
                        _ = signals.next() => {}
                    }
                }
                end(ENDED_BY + signal);
            });
        };
        std::thread::Builder::new().name("signals".to_owned()).spawn(listen).ok()?;
        is_ready.recv().ok()?;
        Some(watcher)
    })
}

#[expect(clippy::exit, reason = "as the signal itself would; the main thread hears nothing")]
fn end(code: i32) -> ! {
    exit(code)
}

#[cfg(unix)]
struct Signals(Vec<(i32, tokio::signal::unix::Signal)>);

#[cfg(unix)]
impl Signals {
    /// A signal whose handler cannot be installed keeps its default action, which is just as good.
    fn install() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        let ignored = ignored();
        let wanted = kinds.into_iter().filter(|kind| !is_in(ignored, kind.as_raw_value()));
        Self(wanted.filter_map(|kind| Some((kind.as_raw_value(), signal(kind).ok()?))).collect())
    }

    /// The number of the first signal that arrives.
    async fn next(&mut self) -> i32 {
        use std::task::Poll;
        std::future::poll_fn(|context| {
            let mut polled = self.0.iter_mut();
            polled
                .find_map(|(number, signal)| match signal.poll_recv(context) {
                    Poll::Ready(Some(())) => Some(Poll::Ready(*number)),
                    _ => None,
                })
                .unwrap_or(Poll::Pending)
        })
        .await
    }
}

/// The set of ignored signals, as far as the system reports it: only Linux has a file for that.
#[cfg(unix)]
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    ignored_in(&status)
}

/// proc_pid_status(5): `SigIgn` is a mask in hexadecimal.
#[cfg(unix)]
fn ignored_in(status: &str) -> u64 {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default()
}

#[cfg(unix)]
fn is_in(set: u64, signal: i32) -> bool {
    u32::try_from(signal - 1).is_ok_and(|bit| set.checked_shr(bit).unwrap_or_default() & 1 == 1)
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn install() -> Self {
        Self
    }

    async fn next(&mut self) -> i32 {
        const INTERRUPT: i32 = 2;
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        INTERRUPT
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn what_was_ignored_at_the_start_is_known_by_its_number() {
        let status = "Name:\tkubectl-login\nSigBlk:\tffffffffffffffff\n\
                      SigIgn:\t0000000000001003\nSigCgt:\t0000000000000000\n";
        let ignored = ignored_in(status);
        let known: Vec<i32> = (-1..70).filter(|signal| is_in(ignored, *signal)).collect();
        assert_eq!(known, [1, 2, 13]);
        assert_eq!(ignored_in(""), 0);
        assert_eq!(ignored_in("SigIgn:\tnonsense"), 0);
    }
}
