//! Counts the requests of one connection, and detects a peer that does not read its responses.
//! Never uses a timer per request: one timer per connection reads these counts regularly.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Frame, SizeHint};

/// Counts the requests of one connection.
#[derive(Debug, Default)]
pub(super) struct Activity {
    begun: AtomicU64,
    open: AtomicU64,
}

impl Activity {
    pub(super) fn begin(self: &Arc<Self>) -> UnderWay {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.open.fetch_add(1, Ordering::Relaxed);
        UnderWay(Arc::clone(self))
    }

    /// Requests since the connection was opened.
    pub(super) fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }

    /// Requests whose response has not been handed over completely.
    pub(super) fn open(&self) -> u64 {
        self.open.load(Ordering::Relaxed)
    }
}

/// A request that has begun. Dropping it ends the request, for whatever reason.
#[derive(Debug)]
pub(super) struct UnderWay(Arc<Activity>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The body of a response. Its request is over when the peer has room for all of it.
pub(super) struct Answer {
    body: Full<Bytes>,
    _under_way: UnderWay,
}

impl Answer {
    pub(super) const fn new(body: Full<Bytes>, under_way: UnderWay) -> Self {
        Self { body, _under_way: under_way }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// What to do with a connection when its timer fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// It is in use.
    Keep,
    /// It is idle: ask the peer to close.
    Farewell,
    /// It is of no use: close it.
    Cut,
}

/// Judges a connection by its activity, each time its timer fires.
#[derive(Debug, Default)]
pub(super) struct Watch {
    seen: u64,
    was_told: bool,
    stuck: Duration,
    quiet: u32,
}

impl Watch {
    /// `may_idle`: the peer shows in another way that it is alive. `passed`: the time since the
    /// last call. The connection is cut if a response is open and no request begins for longer than
    /// `longest`.
    pub(super) fn judge(
        &mut self,
        activity: &Activity,
        may_idle: bool,
        passed: Duration,
        longest: Duration,
    ) -> Patience {
        let (begun, open) = (activity.begun(), activity.open());
        let is_new = begun != std::mem::replace(&mut self.seen, begun);
        if begun == 0 {
            return Patience::Cut;
        }
        self.stuck = if is_new || open == 0 { Duration::ZERO } else { self.stuck + passed };
        if longest < self.stuck {
            return Patience::Cut;
        }
        if is_new || open > 0 || may_idle {
            return Patience::Keep;
        }
        if std::mem::replace(&mut self.was_told, true) { Patience::Cut } else { Patience::Farewell }
    }

    /// Whether a connection that was asked to close, since the server shuts down, may be cut: after
    /// two idle looks in a row, since a response that was ready just before the first has left by
    /// the second.
    pub(super) fn is_over(&mut self, activity: &Activity) -> bool {
        self.quiet = if activity.open() == 0 { self.quiet + 1 } else { 0 };
        2 <= self.quiet
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHILE: Duration = Duration::from_secs(10);
    const LONGEST: Duration = Duration::from_secs(25);

    fn judge(watch: &mut Watch, activity: &Activity, may_idle: bool) -> Patience {
        watch.judge(activity, may_idle, WHILE, LONGEST)
    }

    #[test]
    fn whoever_never_asks_is_cut_and_whoever_stops_asking_is_told_first() {
        let activity = Arc::new(Activity::default());
        assert_eq!(judge(&mut Watch::default(), &activity, true), Patience::Cut);
        let mut watch = Watch::default();
        drop(activity.begin());
        let judged = [(); 3].map(|()| judge(&mut watch, &activity, false));
        assert_eq!(judged, [Patience::Keep, Patience::Farewell, Patience::Cut]);
        assert_eq!(judge(&mut watch, &activity, true), Patience::Keep);
    }

    #[test]
    fn an_answer_that_nobody_takes_is_given_up() {
        let activity = Arc::new(Activity::default());
        let mut watch = Watch::default();
        let _open = activity.begin();
        let judged = [(); 4].map(|()| judge(&mut watch, &activity, true));
        assert_eq!(judged, [Patience::Keep, Patience::Keep, Patience::Keep, Patience::Cut]);
        drop(activity.begin());
        assert_eq!(judge(&mut watch, &activity, true), Patience::Keep);
    }

    #[test]
    fn the_end_comes_after_two_quiet_moments() {
        let activity = Arc::new(Activity::default());
        let mut watch = Watch::default();
        assert!(!watch.is_over(&activity));
        let open = activity.begin();
        assert!(!watch.is_over(&activity));
        drop(open);
        assert!(!watch.is_over(&activity) && watch.is_over(&activity));
    }
}
