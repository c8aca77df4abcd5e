//! A connection that became a WebSocket. What the client sends passes as it is; what the host sends is painted frame by
//! frame. When one side ends, so does the other.

use std::sync::Arc;

use cast_mask::Plan;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

use super::incoming::Incoming;
use super::wait::first;
use crate::take_out::scrub::Scrub;
use crate::take_out::websocket::Frames;

/// Passes frames until either side has ended.
pub(super) async fn pass<R, W, S, V>(
    (client, to_client): (&mut Incoming<R>, &mut W),
    (host, to_host): (&mut Incoming<S>, &mut V),
    plan: &Arc<Plan>,
) where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
    S: AsyncRead + Unpin,
    V: AsyncWrite + Unpin,
{
    first(down(host, to_client, plan), up(client, to_host)).await;
}

async fn up(client: &mut Incoming<impl AsyncRead + Unpin>, host: &mut (impl AsyncWrite + Unpin)) -> Option<()> {
    while client.has_more().await.ok()? {
        let count = client.bytes().len();
        write(host, client.bytes()).await?;
        client.take(count);
    }
    None
}

async fn down(
    host: &mut Incoming<impl AsyncRead + Unpin>,
    client: &mut (impl AsyncWrite + Unpin),
    plan: &Arc<Plan>,
) -> Option<()> {
    let (mut frames, mut out) = (Frames::new(Scrub::new(plan), Scrub::new(plan)), Vec::new());
    loop {
        // What may be the beginning of a value waits for the next byte or the end of the message. A connection that ends before takes it along.
        if !host.has_more().await.ok()? {
            return None;
        }
        let count = host.bytes().len();
        let result = frames.take(host.bytes(), &mut out);
        host.take(count);
        write(client, &out).await?;
        out.clear();
        result.ok()?;
    }
}

async fn write(stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> Option<()> {
    stream.write_all(bytes).await.ok()?;
    stream.flush().await.ok()
}
