//! One response: read strictly, decoded, painted, written anew, and passed on as it comes.

use std::cell::Cell;
use std::pin::pin;
use std::sync::Arc;

use cast_mask::Plan;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

use super::incoming::{Incoming, NoHead};
use super::wait::now;
use crate::http::{Body, Fault, Framing, Head, Piece, Request, Response, write};
use crate::limits;
use crate::take_out::Paint;
use crate::take_out::coding::{Decode, Next, Undecodable, decoder};
use crate::take_out::scrub::{self, Scrub};

/// What became of a response.
pub(super) enum Relayed {
    /// It was passed on whole. The connections may be kept.
    Kept,
    /// It was passed on whole, and says that the connection ends.
    Closes,
    /// It was 101.
    Upgraded,
    /// There is no response that can be passed on, and nothing of one was.
    Bad(Fault),
    /// The host has ended without a byte.
    Nothing,
    /// It broke off: on either side, or because it cannot be decoded.
    Broken,
}

/// What the other half of an exchange knows and wants to know.
pub(super) struct Progress {
    /// The request went out whole.
    pub(super) is_sent: Cell<bool>,
    /// The final response has begun.
    pub(super) has_begun: Cell<bool>,
}

/// Passes on the response to `request`, after any interim ones.
pub(super) async fn relay<R, W>(
    host: &mut Incoming<R>,
    client: &mut W,
    plan: &Arc<Plan>,
    request: &Request,
    progress: &Progress,
) -> Relayed
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    for _ in 0..=limits::INTERIM_RESPONSES {
        let bytes = match host.head(limits::HEAD).await {
            Ok(bytes) => bytes,
            Err(NoHead::Nothing) => return Relayed::Nothing,
            Err(NoHead::Broken) if host.bytes().is_empty() => return Relayed::Nothing,
            Err(NoHead::Broken) => return Relayed::Bad(Fault::Cut),
            Err(NoHead::Fault(fault)) => return Relayed::Bad(fault),
        };
        let read = Head::read(&bytes).and_then(|head| Ok((Response::read(&head, &request.sent)?, head)));
        let (response, head) = match read {
            Ok(read) => read,
            Err(fault) => return Relayed::Bad(fault),
        };
        let is_kept = progress.is_sent.get() && !request.is_last(response.status);
        let closes = response.closes || request.closes || !is_kept;
        let mut text = Vec::new();
        write::response(&head, &response, closes, &mut text);
        scrub::whole(plan, &mut text);
        if response.is_interim() || response.status == 101 {
            if client.write_all(&text).await.is_err() || client.flush().await.is_err() {
                return Relayed::Broken;
            }
            if response.status == 101 {
                return Relayed::Upgraded;
            }
            continue;
        }
        let mut relay = Relay {
            decoder: decoder(response.coding),
            scrub: Scrub::new(plan),
            is_chunked: response.relayed() == Framing::Chunked,
            out: text,
            text: Vec::new(),
            painted: Vec::new(),
            client,
            progress,
        };
        return match relay.body(host, response.framing, plan).await {
            // Nothing went out, so cast can still answer.
            Err(Stop::Fault(fault)) if !progress.has_begun.get() => Relayed::Bad(fault),
            // What is held goes with it: who asks for a response can have it cut.
            Err(_) => Relayed::Broken,
            Ok(()) if closes => Relayed::Closes,
            Ok(()) => Relayed::Kept,
        };
    }
    Relayed::Bad(Fault::HeadTooLong)
}

/// Why a response broke off.
enum Stop {
    /// The host's fault.
    Fault(Fault),
    /// The client takes no more.
    Client,
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Undecodable> for Stop {
    fn from(_: Undecodable) -> Self {
        Self::Fault(Fault::Coding)
    }
}

/// The body of a response on its way.
struct Relay<'a, W> {
    decoder: Option<Box<dyn Decode>>,
    scrub: Scrub,
    is_chunked: bool,
    /// What is to be written next: at most one decoded piece and its framing.
    out: Vec<u8>,
    /// What a step decoded, and what of it is to become a chunk. Kept empty, for their room: a large body has many.
    text: Vec<u8>,
    painted: Vec<u8>,
    client: &'a mut W,
    progress: &'a Progress,
}

impl<W: AsyncWrite + Unpin> Relay<'_, W> {
    async fn body<R: AsyncRead + Unpin>(
        &mut self,
        host: &mut Incoming<R>,
        framing: Framing,
        plan: &Arc<Plan>,
    ) -> Result<(), Stop> {
        let mut body = Body::new(framing);
        loop {
            loop {
                let (piece, count) = body.take(host.bytes())?;
                let is_empty = match piece {
                    Piece::Data(data) => {
                        self.data(data, false).await?;
                        false
                    }
                    Piece::Nothing => true,
                    Piece::End => {
                        host.take(count);
                        // The end may stand within a value, where CMD has moved it: a length in letters, say, and not in bytes.
                        if matches!(framing, Framing::Length(1..) | Framing::Chunked) && has_surplus(host).await {
                            return Err(Fault::Surplus.into());
                        }
                        return self.end(body.trailers(), plan).await;
                    }
                };
                host.take(count);
                if is_empty {
                    break;
                }
            }
            self.flush().await?;
            if self.read(host).await? == 0 {
                body.end()?;
                return self.end(&[], plan).await;
            }
        }
    }

    /// Reads once more. Before it waits, all that the host has said goes out, but for what may be the beginning of a value: that waits for the next
    /// byte, or for the end of the body, however long. A silence is no end. Who asks for a response can choose what stands where a host, the network or
    /// cast itself pauses.
    async fn read<R: AsyncRead + Unpin>(&mut self, host: &mut Incoming<R>) -> Result<usize, Stop> {
        if let Some(read) = now(pin!(host.read())).await {
            return read.map_err(|_| Fault::Cut.into());
        }
        self.data(&[], true).await?;
        self.flush().await?;
        host.read().await.map_err(|_| Fault::Cut.into())
    }

    /// Decodes and paints bytes of the body.
    async fn data(&mut self, mut data: &[u8], is_idle: bool) -> Result<(), Stop> {
        loop {
            let next = match &mut self.decoder {
                None => {
                    self.painted(|scrub, out| scrub.take(data, out));
                    Next::Input
                }
                Some(decoder) => {
                    let mut text = std::mem::take(&mut self.text);
                    let next = decoder.step(&mut data, is_idle, &mut text)?;
                    self.painted(|scrub, out| scrub.take(&text, out));
                    text.clear();
                    self.text = text;
                    next
                }
            };
            if next == Next::Input {
                return Ok(());
            }
            if self.out.len() >= limits::PIECE {
                self.flush().await?;
            }
        }
    }

    /// The body is whole: writes what is held, and the trailers.
    async fn end(&mut self, trailers: &[u8], plan: &Arc<Plan>) -> Result<(), Stop> {
        self.data(&[], true).await?;
        if let Some(decoder) = &self.decoder {
            decoder.end()?;
        }
        self.painted(Scrub::end);
        if self.is_chunked {
            let mut last = Vec::new();
            write::last_chunk(trailers, &mut last)?;
            scrub::whole(plan, &mut last);
            self.out.append(&mut last);
        }
        self.flush().await
    }

    /// Puts what the painter gives to what is to be written.
    fn painted(&mut self, paint: impl FnOnce(&mut Scrub, &mut Vec<u8>)) {
        if self.is_chunked {
            paint(&mut self.scrub, &mut self.painted);
            write::chunk(&self.painted, &mut self.out);
            self.painted.clear();
        } else {
            paint(&mut self.scrub, &mut self.out);
        }
    }

    async fn flush(&mut self) -> Result<(), Stop> {
        if !self.out.is_empty() {
            self.progress.has_begun.set(true);
            self.client.write_all(&self.out).await.map_err(|_| Stop::Client)?;
            self.client.flush().await.map_err(|_| Stop::Client)?;
            self.out.clear();
        }
        Ok(())
    }
}

/// Whether the host has said more than its response by now.
async fn has_surplus<R: AsyncRead + Unpin>(host: &mut Incoming<R>) -> bool {
    !host.bytes().is_empty() || matches!(now(pin!(host.read())).await, Some(Ok(1..)))
}
