//! One request on its way to a host, its framing checked and written anew.

use secrecy::zeroize::Zeroizing;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

use super::incoming::Incoming;
use super::relay::Progress;
use crate::http::{Body, Fault, Framing, Piece, write};
use crate::limits;

/// Why a request did not go out whole.
pub(super) enum NotSent {
    /// Its body is malformed.
    Fault(Fault),
    /// Its body is too long to put a value in.
    TooLong,
    /// The client is gone.
    Client,
    /// The host takes no more. It may have answered.
    Host,
}

/// Reads a whole body of at most `limits::BODY` bytes.
pub(super) async fn whole(
    client: &mut Incoming<impl AsyncRead + Unpin>,
    framing: Framing,
) -> Result<Zeroizing<Vec<u8>>, NotSent> {
    // Its place is reserved: growing would leave copies of values.
    let mut whole = Zeroizing::new(Vec::with_capacity(limits::BODY));
    let mut body = Body::new(framing);
    loop {
        let (piece, count) = body.take(client.bytes()).map_err(NotSent::Fault)?;
        let is_empty = match piece {
            Piece::Data(data) if whole.len() + data.len() > limits::BODY => {
                return Err(NotSent::TooLong);
            }
            Piece::Data(data) => {
                whole.extend_from_slice(data);
                false
            }
            Piece::Nothing => true,
            Piece::End => {
                client.take(count);
                return Ok(whole);
            }
        };
        client.take(count);
        if is_empty && client.read().await.map_err(|_| NotSent::Client)? == 0 {
            return Err(NotSent::Client);
        }
    }
}

/// Sends a head, and the body behind it: a whole one, or what the client sends.
pub(super) async fn send(
    client: &mut Incoming<impl AsyncRead + Unpin>,
    host: &mut (impl AsyncWrite + Unpin),
    (head, whole): (&[u8], Option<&[u8]>),
    framing: Framing,
    progress: &Progress,
) -> Result<(), NotSent> {
    let is_chunked = framing == Framing::Chunked;
    if let Some(whole) = whole {
        let mut text = Zeroizing::new(Vec::with_capacity(head.len() + whole.len() + 64));
        text.extend_from_slice(head);
        put(whole, is_chunked, &mut text);
        if is_chunked {
            write::last_chunk(&[], &mut text).map_err(NotSent::Fault)?;
        }
        flush(host, &text).await?;
        progress.is_sent.set(true);
        return Ok(());
    }
    let (mut body, mut out) = (Body::new(framing), Vec::new());
    if body.is_done() {
        progress.is_sent.set(true);
    }
    flush(host, head).await?;
    while !body.is_done() || is_chunked {
        let (piece, count) = body.take(client.bytes()).map_err(NotSent::Fault)?;
        match piece {
            Piece::Data(data) => {
                put(data, is_chunked, &mut out);
                client.take(count);
                continue;
            }
            Piece::Nothing => client.take(count),
            Piece::End => {
                client.take(count);
                if is_chunked {
                    // Without trailers: nothing may come after the judgement.
                    write::last_chunk(&[], &mut out).map_err(NotSent::Fault)?;
                }
                break;
            }
        }
        flush(host, &out).await?;
        out.clear();
        match client.read().await {
            Ok(0) | Err(_) => return Err(NotSent::Client),
            Ok(_) => {}
        }
    }
    flush(host, &out).await?;
    progress.is_sent.set(true);
    Ok(())
}

fn put(data: &[u8], is_chunked: bool, out: &mut Vec<u8>) {
    if is_chunked { write::chunk(data, out) } else { out.extend_from_slice(data) }
}

async fn flush(host: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> Result<(), NotSent> {
    if bytes.is_empty() {
        return Ok(());
    }
    host.write_all(bytes).await.map_err(|_| NotSent::Host)?;
    host.flush().await.map_err(|_| NotSent::Host)
}
