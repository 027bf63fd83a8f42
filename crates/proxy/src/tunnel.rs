//! Joins two upgraded connections and copies both ways until one side closes, silence lasts too
//! long, or the caller says so. It carries bytes and does not read WebSocket frames. RFC 6455 §1.5.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::OwnedSemaphorePermit;

use crate::activity::LastActivity;
use crate::body::Ends;
use crate::limits;

/// Starts the copying in a task of its own. It begins when both sides have switched.
pub(crate) fn open(
    client: OnUpgrade,
    upstream: OnUpgrade,
    silence: Duration,
    mut ends: Ends,
    permit: Arc<OwnedSemaphorePermit>,
) {
    tokio::spawn(async move {
        let activity = Arc::new(LastActivity::new());
        let tunnel = async {
            let both = async { tokio::try_join!(client, upstream) };
            let (client, upstream) = match tokio::time::timeout(limits::TUNNEL_SWITCH, both).await {
                Ok(Ok(both)) => both,
                Ok(Err(error)) => return tracing::debug!(%error, "tunnel not opened"),
                Err(_) => return tracing::debug!("tunnel not opened: a side did not switch"),
            };
            activity.touch();
            copy(client, upstream, &activity).await;
        };
        tokio::select! {
            biased;
            () = &mut ends => tracing::debug!("tunnel ended by the caller"),
            () = tunnel => {}
            () = activity.silent_for(silence) => tracing::debug!("tunnel silent for too long"),
        }
        drop(permit);
    });
}

async fn copy(client: Upgraded, upstream: Upgraded, activity: &Arc<LastActivity>) {
    let mut client = Marked { io: TokioIo::new(client), activity: Arc::clone(activity) };
    let mut upstream = Marked { io: TokioIo::new(upstream), activity: Arc::clone(activity) };
    let bytes = limits::TUNNEL_BUFFER_BYTES;
    let copied = tokio::io::copy_bidirectional_with_sizes(&mut client, &mut upstream, bytes, bytes).await;
    if let Err(error) = copied {
        tracing::debug!(%error, "tunnel broke off");
    }
}

/// Marks every read as a sign of life.
struct Marked {
    io: TokioIo<Upgraded>,
    activity: Arc<LastActivity>,
}

impl AsyncRead for Marked {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        ready!(Pin::new(&mut self.io).poll_read(cx, buffer))?;
        self.activity.touch();
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Marked {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
