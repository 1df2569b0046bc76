//! The signals that end a run early, whatever it is waiting for.
//! Never installed on the cached path, where the default (die at once) is right.
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

/// What a shell says of a program that Ctrl-C has ended.
const INTERRUPTED: i32 = 130;

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
                signals.next().await;
                // First: whoever is told may be through before the next line.
                let is_heard =
                    *watcher.listening.lock().unwrap_or_else(PoisonError::into_inner) > 0;
                watcher.cancelled.send_replace(true);
                if is_heard {
                    tokio::select! {
                        () = tokio::time::sleep(GRACE) => {}
                        () = signals.next() => {}
                    }
                }
                end();
            });
        };
        std::thread::Builder::new().name("signals".to_owned()).spawn(listen).ok()?;
        is_ready.recv().ok()?;
        Some(watcher)
    })
}

#[expect(clippy::exit, reason = "as the signal itself would; the main thread hears nothing")]
fn end() -> ! {
    exit(INTERRUPTED)
}

#[cfg(unix)]
struct Signals(Vec<tokio::signal::unix::Signal>);

#[cfg(unix)]
impl Signals {
    /// Where one cannot be listened for, it kills us, which is as good.
    fn install() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        Self(kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect())
    }

    async fn next(&mut self) {
        std::future::poll_fn(|context| {
            let mut polled = self.0.iter_mut().map(|signal| signal.poll_recv(context));
            if polled.any(|polled| matches!(polled, std::task::Poll::Ready(Some(())))) {
                std::task::Poll::Ready(())
            } else {
                std::task::Poll::Pending
            }
        })
        .await;
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn install() -> Self {
        Self
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
