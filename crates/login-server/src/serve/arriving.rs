//! The body of a request; what the handler does not read is received all the same.
//! Never stores a byte of that rest, and never receives it for long.
//!
//! HTTP/2 only. A response before the end of the request is allowed (RFC 9113 §8.1), but if the
//! stream is reset while the client still writes, some clients report the reset and not the
//! response (curl before 8). Over HTTP/1.1 the connection lingers (`lingering`).

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Version, header};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::timeout;

use super::{inbox::Inbox, lingering::Patience};

/// See the head of this file.
#[derive(Debug)]
pub struct Arriving {
    body: Option<Incoming>,
    rest: Option<Patience>,
    inbox: Arc<Inbox>,
}

impl Arriving {
    /// Wraps the body of the request.
    pub(super) fn of(
        request: Request<Incoming>,
        patience: Patience,
        inbox: Arc<Inbox>,
    ) -> Request<Self> {
        // A client that waits for "100 Continue" has not begun to write.
        let is_written =
            request.version() == Version::HTTP_2 && !request.headers().contains_key(header::EXPECT);
        let rest = is_written.then_some(patience);
        request.map(|body| Self { body: Some(body), rest, inbox })
    }

    /// The room in which this body is counted.
    pub(crate) const fn inbox(&self) -> &Arc<Inbox> {
        &self.inbox
    }
}

impl Body for Arriving {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let frame = Pin::new(body).poll_frame(context);
        if matches!(frame, Poll::Ready(None | Some(Err(_)))) {
            self.rest = None;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map(Incoming::size_hint).unwrap_or_default()
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        let (Some(mut body), Some(patience)) = (self.body.take(), self.rest.take()) else { return };
        if body.is_end_stream() {
            return;
        }
        // At most as many at once as a connection has streams; each ends with its connection.
        tokio::spawn(timeout(patience.time, async move {
            let mut taken = 0;
            while taken < patience.bytes {
                let Some(Ok(frame)) = body.frame().await else { return };
                taken += frame.data_ref().map_or(0, Bytes::len);
            }
        }));
    }
}
