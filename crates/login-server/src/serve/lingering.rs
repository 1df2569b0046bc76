//! A socket that, after its last response, still reads what the peer sends.
//! Never reads for long, and never stores a byte of it.
//!
//! Closing a socket with unread bytes sends a reset, and a reset may overtake the response: a
//! client that writes a long body sees the reset before it reads why the body is refused (RFC 9112
//! §9.6). So our side is closed first, and the rest is read and discarded.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::watch,
    time::{Instant, Sleep, sleep_until},
};

use super::Phase;

/// How many bytes are read, and for how long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    pub(super) time: Duration,
    pub(super) bytes: usize,
}

/// See the head of this file.
#[derive(Debug)]
pub(super) struct Lingering<S> {
    stream: S,
    patience: Patience,
    phase: watch::Receiver<Phase>,
    farewell: Option<Farewell>,
}

#[derive(Debug)]
struct Farewell {
    until: Pin<Box<Sleep>>,
    left: usize,
}

impl<S> Lingering<S> {
    /// While the server drains, no connection lingers.
    pub(super) const fn new(stream: S, patience: Patience, phase: watch::Receiver<Phase>) -> Self {
        Self { stream, patience, phase, farewell: None }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Lingering<S> {
    fn poll_rest(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(farewell) = &mut self.farewell else { return Poll::Ready(()) };
        let mut room = [0; 4096];
        while farewell.left > 0 && farewell.until.as_mut().poll(context).is_pending() {
            let mut buffer = ReadBuf::new(&mut room);
            match ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {
                    farewell.left = farewell.left.saturating_sub(buffer.filled().len());
                }
                // The peer has closed its side, or the connection broke.
                Ok(()) | Err(_) => break,
            }
        }
        Poll::Ready(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Lingering<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Lingering<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.farewell.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
            if *self.phase.borrow() != Phase::Serving {
                return Poll::Ready(Ok(()));
            }
            self.farewell = Some(Farewell {
                until: Box::pin(sleep_until(Instant::now() + self.patience.time)),
                left: self.patience.bytes,
            });
        }
        self.poll_rest(context).map(Ok)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    const LONG: Duration = Duration::from_hours(1);

    fn lingering<S>(stream: S, time: Duration, bytes: usize, phase: Phase) -> Lingering<S> {
        let (_, watching) = watch::channel(phase);
        Lingering::new(stream, Patience { time, bytes }, watching)
    }

    #[tokio::test]
    async fn what_comes_after_the_last_word_is_taken_until_the_peer_ends() {
        let (mut peer, ours) = duplex(16);
        let mut ours = lingering(ours, LONG, 1 << 20, Phase::Serving);
        let closing = async {
            ours.write_all(b"no").await.unwrap();
            ours.shutdown().await.unwrap();
        };
        let speaking = async {
            // More than the pipe holds, so that it passes only if it is read.
            peer.write_all(&[b'x'; 10_000]).await.unwrap();
            let mut said = String::new();
            peer.read_to_string(&mut said).await.unwrap();
            peer.shutdown().await.unwrap();
            said
        };
        assert_eq!(tokio::join!(closing, speaking).1, "no");
    }

    #[tokio::test]
    async fn no_more_is_taken_than_there_is_patience_for() {
        let (mut peer, ours) = duplex(64);
        let mut ours = lingering(ours, LONG, 1_000, Phase::Serving);
        let speaking = async { while peer.write_all(&[b'x'; 64]).await.is_ok() {} };
        let closing = async {
            ours.shutdown().await.unwrap();
            drop(ours);
        };
        tokio::join!(closing, speaking);
    }

    #[tokio::test]
    async fn a_peer_that_says_nothing_is_left_after_a_while_and_at_once_at_the_end() {
        let (_peer, ours) = duplex(64);
        let short = Duration::from_millis(1);
        lingering(ours, short, 1_000, Phase::Serving).shutdown().await.unwrap();
        let (_peer, ours) = duplex(64);
        lingering(ours, LONG, 1_000, Phase::Draining).shutdown().await.unwrap();
    }
}
