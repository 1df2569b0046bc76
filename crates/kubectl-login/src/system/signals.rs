//! The signals that end a run early, whatever it is waiting for.
//! Never installed on the cached path, where the default (die at once) is right; never listens for
//! what was ignored at the start: `nohup`, and shells for what runs in the background, mean that.
//!
//! A thread of its own listens: the program's one other thread may be in a call that knows nothing
//! of signals, such as a keyring's or a lock's.

use std::{
    process::exit,
    sync::{Mutex, OnceLock, PoisonError},
    time::Duration,
};

use tokio::sync::watch;

/// How long work that was told may take to end by itself.
const GRACE: Duration = Duration::from_secs(3);

/// What a shell says of a program that a signal has ended: this and the signal's number.
const ENDED_BY: i32 = 128;

struct Watcher {
    cancelled: watch::Sender<bool>,
    /// How much work is under way that listens.
    listening: Mutex<usize>,
}

static WATCHER: OnceLock<Option<&'static Watcher>> = OnceLock::new();

/// While this value is there, a signal does not end the process at once.
#[derive(Debug)]
pub struct Listening(());

impl Listening {
    /// From now on.
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

/// Waits for Ctrl-C, or for the request to terminate or the hang-up of the terminal.
pub async fn cancelled() {
    let Some(watcher) = watcher() else {
        // Without a thread the signal kills us, which is as good.
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
                // First: whoever is told may be through before the next line.
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
    /// Where one cannot be listened for, it kills us, which is as good.
    fn install() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        let ignored = ignored();
        let wanted = kinds.into_iter().filter(|kind| !is_in(ignored, kind.as_raw_value()));
        Self(wanted.filter_map(|kind| Some((kind.as_raw_value(), signal(kind).ok()?))).collect())
    }

    /// The number of the first that comes.
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

/// The set of signals that are ignored, as far as the system tells: other systems than Linux have
/// no file that does.
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
