//! Accepts connections, few of them from strangers, and finds out what each is for.

use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::task::{AbortHandle, spawn_local};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::connect::{Connect, judge};
use super::credential::User;
use super::incoming::{Incoming, NoHead};
use super::outer::reach;
use super::shared::Shared;
use super::stream::{self, Early};
use super::wait::first;
use super::{brokered, tunnel};
use crate::authority::Target;
use crate::limits;
use crate::refusal::Refusal;

const ESTABLISHED: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";
/// After a failure of `accept`: there may be no descriptors left, and some come back.
const BREAK: Duration = Duration::from_millis(50);

/// The connections that have not shown the credential, the oldest first.
#[derive(Default)]
pub(crate) struct Strangers {
    tasks: VecDeque<(u64, AbortHandle)>,
    next: u64,
}

/// Serves connections, until the sender is used or gone.
pub(crate) async fn serve_until(shared: Rc<Shared>, listener: TcpListener, stopped: oneshot::Receiver<()>) {
    first(stopped, serve(shared, listener)).await;
}

async fn serve(shared: Rc<Shared>, listener: TcpListener) {
    let places = Arc::new(Semaphore::new(limits::CONNECTIONS));
    loop {
        let place = places.clone().acquire_owned().await.expect("never closed");
        let Ok((stream, _)) = listener.accept().await else {
            sleep(BREAK).await;
            continue;
        };
        let number = {
            let mut strangers = shared.strangers.borrow_mut();
            while strangers.tasks.len() >= limits::STRANGERS
                && let Some((_, oldest)) = strangers.tasks.pop_front()
            {
                oldest.abort();
            }
            strangers.next += 1;
            strangers.next
        };
        let task = spawn_local(connection(shared.clone(), stream, number, place));
        shared.strangers.borrow_mut().tasks.push_back((number, task.abort_handle()));
    }
}

/// A connection until its end. Its place among all is free afterwards.
async fn connection(shared: Rc<Shared>, stream: TcpStream, number: u64, _place: OwnedSemaphorePermit) {
    let welcomed = welcome(&shared, stream).await;
    shared.strangers.borrow_mut().tasks.retain(|(one, _)| *one != number);
    let Some((Connect { user, host }, mut stream, early)) = welcomed else { return };
    if let (User::Cast, Target::Brokered(index)) = (user, shared.target(&host)) {
        if stream.write_all(ESTABLISHED).await.is_ok() {
            brokered::serve(shared, index, Early::new(early, stream)).await;
        }
        return;
    }
    match reach(&shared.outer, &host, false).await {
        Ok(other) => {
            if stream.write_all(ESTABLISHED).await.is_ok() {
                let _ = tunnel::copy(Early::new(early, stream), other).await;
            }
        }
        Err(error) => {
            let refusal = Refusal::Unreachable { host, reason: error.to_string() };
            shared.tallies().refusal(None, &refusal);
            answer(&mut stream, &refusal).await;
        }
    }
}

/// Reads heads until one is a CONNECT with the credential, for `limits::CREDENTIAL_TIME`. Returns also what was read
/// behind it.
async fn welcome(shared: &Shared, stream: TcpStream) -> Option<(Connect, TcpStream, Vec<u8>)> {
    let deadline = Instant::now() + limits::CREDENTIAL_TIME;
    stream::prepare(&stream).ok()?;
    let mut incoming = Incoming::new(stream, Vec::new());
    loop {
        let refused = match timeout_at(deadline, incoming.head(limits::FIRST_HEAD)).await.ok()? {
            Ok(head) => match judge(&head, &shared.credential) {
                Ok(connect) => {
                    let (stream, early) = incoming.into_parts();
                    return Some((connect, stream, early));
                }
                Err(refused) => refused,
            },
            Err(NoHead::Fault(_)) => super::connect::Refused { refusal: Refusal::Credential, may_retry: false },
            Err(NoHead::Nothing | NoHead::Broken) => return None,
        };
        if refused.may_retry {
            let mut text = Vec::new();
            refused.refusal.write(&mut text);
            timeout_at(deadline, incoming.stream().write_all(&text)).await.ok()?.ok()?;
            continue;
        }
        shared.tallies().refusal(None, &refused.refusal);
        timeout_at(deadline, answer(incoming.stream(), &refused.refusal)).await.ok()?;
        return None;
    }
}

/// Answers and ends the connection. What the client still sends is read for a while: a system that closes with unread
/// bytes resets the connection, and the client may lose the answer.
async fn answer(stream: &mut TcpStream, refusal: &Refusal) {
    let mut text = Vec::new();
    refusal.write(&mut text);
    if stream.write_all(&text).await.is_err() || stream.shutdown().await.is_err() {
        return;
    }
    let drain = async {
        let mut bytes = [0; 4096];
        while stream.read(&mut bytes).await.is_ok_and(|count| count > 0) {}
    };
    let _ = timeout(limits::LINGER_TIME, drain).await;
}
