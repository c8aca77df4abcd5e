//! One brokered connection: TLS with the client, one connection to the host, and one request after another, each judged
//! before a byte of it goes there.

use std::cell::Cell;
use std::io;
use std::pin::pin;
use std::rc::Rc;

use rustls::server::Acceptor;
use secrecy::zeroize::Zeroizing;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::timeout;
use tokio_rustls::{LazyConfigAcceptor, client, server};

use super::incoming::{Incoming, NoHead};
use super::relay::{Progress, Relayed, relay};
use super::shared::{Host, Shared};
use super::stream::Early;
use super::upload::{self, NotSent};
use super::wait::{First, first};
use super::{upstream, websocket};
use crate::authority::HostIndex;
use crate::http::{Fault, Head, Request, write};
use crate::limits;
use crate::put_in::{Edits, judge};
use crate::refusal::Refusal;
use crate::tls::server::is_for;

type Client = server::TlsStream<Early>;
type Upstream = client::TlsStream<Early>;

/// One side of the connection.
struct Side<S> {
    incoming: Incoming<ReadHalf<S>>,
    out: WriteHalf<S>,
}

impl<S: AsyncRead + AsyncWrite> Side<S> {
    fn new(stream: S) -> Self {
        let (read, out) = split(stream);
        Self { incoming: Incoming::new(read, Vec::new()), out }
    }
}

/// The connection to the host.
enum Way {
    Dialing(Dialing),
    Open(Box<Side<Upstream>>),
    Failed(Refusal),
}

/// The attempt ends with the connection that it is for.
struct Dialing(JoinHandle<Result<Upstream, Refusal>>);

impl Drop for Dialing {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// How a connection goes on.
enum Then {
    /// With another request.
    Next,
    /// It ends in order.
    End,
    /// It is broken off, so that both sides see that something is missing.
    Break,
}

/// Serves a connection to a listed host until its end.
pub(super) async fn serve(shared: Rc<Shared>, index: HostIndex, stream: Early) {
    let Ok(host) = shared.host(index) else { return };
    let Some(stream) = handshake(&shared, host, stream).await else { return };
    let dialing = Dialing(spawn_local(upstream::connect(shared.clone(), host.authority.clone())));
    let (client, way) = (Side::new(stream), Way::Dialing(dialing));
    Connection { shared: &shared, host, client, way, is_first: true }.serve().await;
}

/// TLS with the client. A client that names another host is refused: there is no certificate for it.
async fn handshake(shared: &Shared, host: &Host, stream: Early) -> Option<Client> {
    let accept = async {
        let start = LazyConfigAcceptor::new(Acceptor::default(), stream).await.ok()?;
        if !is_for(start.client_hello().server_name(), host.authority.host()) {
            shared.tallies().refused(&host.authority);
        }
        start.into_stream(host.server.clone()).await.ok()
    };
    let mut stream = timeout(limits::TLS_TIME, accept).await.ok()??;
    stream.get_mut().1.set_buffer_limit(Some(limits::TLS_OUT));
    Some(stream)
}

struct Connection<'a> {
    shared: &'a Shared,
    host: &'a Host,
    client: Side<Client>,
    way: Way,
    /// No request was sent yet.
    is_first: bool,
}

impl Connection<'_> {
    async fn serve(mut self) {
        loop {
            let then = match self.next_head().await {
                Ok(head) => self.exchange(&head).await,
                Err(NoHead::Nothing) => Then::End,
                Err(NoHead::Broken) => Then::Break,
                Err(NoHead::Fault(fault)) => self.refuse(&fault.into()).await,
            };
            match then {
                // A request that does not wait for the response before it: what a careless host sends too much would be read as the response to it,
                // and CMD could choose that.
                Then::Next if !self.client.incoming.bytes().is_empty() => return self.end().await,
                Then::Next => {}
                Then::End => return self.end().await,
                Then::Break => return,
            }
        }
    }

    /// Waits for a request. In the meantime the connection to the host may come about; if the host ends it, there is no
    /// next request.
    async fn next_head(&mut self) -> Result<Vec<u8>, NoHead> {
        let client = &mut self.client.incoming;
        let waiting = async {
            loop {
                let more = client.has_more();
                match &mut self.way {
                    Way::Dialing(dialing) => match first(more, &mut dialing.0).await {
                        First::One(more) => return more,
                        First::Other(Ok(Ok(stream))) => self.way = Way::Open(Box::new(Side::new(stream))),
                        First::Other(Ok(Err(refusal))) => self.way = Way::Failed(refusal),
                        First::Other(Err(gone)) => return Err(io::Error::other(gone)),
                    },
                    Way::Failed(_) => return more.await,
                    // An answer to nothing, or the end: that counts first.
                    Way::Open(side) => match first(side.incoming.has_more(), more).await {
                        First::One(_) => return Ok(false),
                        First::Other(more) => return more,
                    },
                }
            }
        };
        match timeout(limits::IDLE_TIME, waiting).await {
            Ok(Ok(true)) => {}
            Ok(Ok(false)) | Err(_) => return Err(NoHead::Nothing),
            Ok(Err(_)) => return Err(NoHead::Broken),
        }
        let head = timeout(limits::HEAD_TIME, self.client.incoming.head(limits::HEAD)).await;
        head.unwrap_or(Err(NoHead::Broken))
    }

    /// One request and its response.
    async fn exchange(&mut self, bytes: &[u8]) -> Then {
        let head = match Head::read(bytes) {
            Ok(head) => head,
            Err(fault) => return self.refuse(&fault.into()).await,
        };
        let judged = Request::read(&head, &self.host.authority)
            .and_then(|request| Ok((judge(&request, &head, &self.host.permitted)?, request)));
        let (edits, request) = match judged {
            Ok(judged) => judged,
            Err(refusal) => return self.refuse(&refusal).await,
        };
        let body = match self.whole_body(&request, &edits).await {
            Ok(body) => body,
            Err(NotSent::TooLong) => return self.refuse(&Refusal::BodyTooLong).await,
            Err(NotSent::Fault(fault)) => return self.refuse(&fault.into()).await,
            Err(NotSent::Client | NotSent::Host) => return Then::Break,
        };
        if let Err(refusal) = self.open().await {
            return self.refuse(&refusal).await;
        }
        let mut text = Zeroizing::new(Vec::new());
        write::request(&head, &request, &self.host.authority, &edits.head, &mut text);
        self.shared.tallies().request(&self.host.authority);
        self.send(&request, &text, body.as_deref().map(Vec::as_slice)).await
    }

    /// Reads the whole body if a value may have to be put into it, and puts it in.
    async fn whole_body(&mut self, request: &Request, edits: &Edits) -> Result<Option<Zeroizing<Vec<u8>>>, NotSent> {
        let Some(kind) = edits.body else { return Ok(None) };
        if request.expects_continue && self.client.incoming.bytes().is_empty() {
            let go_on = async {
                self.client.out.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
                self.client.out.flush().await
            };
            go_on.await.map_err(|_| NotSent::Client)?;
        }
        let mut whole = upload::whole(&mut self.client.incoming, request.framing).await?;
        for edit in self.host.permitted.body(kind, &whole) {
            edit.apply(0, &mut whole);
        }
        Ok(Some(whole))
    }

    /// Waits for the connection to the host.
    async fn open(&mut self) -> Result<(), Refusal> {
        if let Way::Dialing(dialing) = &mut self.way {
            self.way = match (&mut dialing.0).await {
                Ok(Ok(stream)) => Way::Open(Box::new(Side::new(stream))),
                Ok(Err(refusal)) => Way::Failed(refusal),
                Err(_) => {
                    let reason = "it was given up".to_owned();
                    Way::Failed(Refusal::Unreachable { host: self.host.authority.clone(), reason })
                }
            };
        }
        match &self.way {
            Way::Failed(refusal) => Err(refusal.clone()),
            _ => Ok(()),
        }
    }

    /// Sends a judged request, and passes on the response while the body is on its way.
    async fn send(&mut self, request: &Request, head: &[u8], body: Option<&[u8]>) -> Then {
        let Way::Open(host) = &mut self.way else { return Then::Break };
        let is_first = std::mem::replace(&mut self.is_first, false);
        let progress = Progress { is_sent: Cell::new(false), has_begun: Cell::new(false) };
        let (client, out) = (&mut self.client.incoming, &mut self.client.out);
        let sent = Cell::new(None);
        let relayed = {
            let sending = upload::send(client, &mut host.out, (head, body), request.framing, &progress);
            let mut relaying = pin!(relay(&mut host.incoming, out, &self.host.plan, request, &progress));
            match first(relaying.as_mut(), sending).await {
                First::One(relayed) => Some(relayed),
                First::Other(Ok(())) => Some(relaying.await),
                First::Other(Err(NotSent::Host)) => match relaying.await {
                    // A host that takes no more is not asked again.
                    Relayed::Kept => Some(Relayed::Closes),
                    relayed => Some(relayed),
                },
                First::Other(Err(not)) => {
                    sent.set(Some(not));
                    None
                }
            }
        };
        let relayed = match (relayed, sent.take()) {
            (Some(relayed), _) => relayed,
            (None, Some(NotSent::Fault(fault))) if !progress.has_begun.get() => {
                // What the host has of the request is cut, so that it does not take it for whole.
                self.way = Way::Failed(fault.into());
                return self.refuse(&fault.into()).await;
            }
            (None, _) => return Then::Break,
        };
        let host_name = &self.host.authority;
        match relayed {
            Relayed::Kept if progress.is_sent.get() => Then::Next,
            Relayed::Kept | Relayed::Closes => Then::End,
            Relayed::Upgraded => {
                let Side { incoming, out } = &mut self.client;
                websocket::pass((incoming, out), (&mut host.incoming, &mut host.out), &self.host.plan).await;
                Then::End
            }
            Relayed::Nothing if !is_first => {
                // As it would be without cast: the host closed a connection that was kept, and the client may try anew.
                self.shared.tallies().failed(host_name);
                Then::Break
            }
            Relayed::Nothing => self.refuse(&Refusal::BadResponse { host: host_name.clone(), fault: Fault::Cut }).await,
            Relayed::Bad(fault) => self.refuse(&Refusal::BadResponse { host: host_name.clone(), fault }).await,
            Relayed::Broken => {
                self.shared.tallies().failed(host_name);
                Then::Break
            }
        }
    }

    /// Answers instead of the host.
    async fn refuse(&mut self, refusal: &Refusal) -> Then {
        self.shared.tallies().refusal(Some(&self.host.authority), refusal);
        let mut text = Vec::new();
        refusal.write(&mut text);
        match self.client.out.write_all(&text).await {
            Ok(()) => Then::End,
            Err(_) => Then::Break,
        }
    }

    /// Ends both sides in order. What the client still sends is read for a while, or it might lose the answer.
    async fn end(self) {
        let Self { mut client, mut way, .. } = self;
        if let Way::Open(host) = &mut way {
            let _ = timeout(limits::LINGER_TIME, host.out.shutdown()).await;
        }
        drop(way);
        let drain = async {
            if client.out.shutdown().await.is_err() {
                return;
            }
            loop {
                let count = client.incoming.bytes().len();
                client.incoming.take(count);
                match client.incoming.read().await {
                    Ok(0) | Err(_) => return,
                    Ok(_) => {}
                }
            }
        };
        let _ = timeout(limits::LINGER_TIME, drain).await;
    }
}
