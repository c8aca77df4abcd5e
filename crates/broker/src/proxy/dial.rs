//! TCP to a name: all of its addresses, in turn.

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::Poll;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::stream;
use crate::limits;

/// Connects to a name or an address.
pub(super) async fn dial(host: &str, port: u16) -> io::Result<TcpStream> {
    let found: Vec<_> = lookup_host((host, port)).await?.collect();
    let stream = in_turn(alternating(found)).await?;
    stream::prepare(&stream)?;
    Ok(stream)
}

/// The addresses of both families in turn, the first family first (RFC 8305 §4).
fn alternating(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let Some(is_first_v6) = addresses.first().map(SocketAddr::is_ipv6) else { return addresses };
    let (firsts, others): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|one| one.is_ipv6() == is_first_v6);
    let (mut firsts, mut others) = (firsts.into_iter(), others.into_iter());
    let mut all = Vec::new();
    loop {
        let before = all.len();
        all.extend(firsts.next());
        all.extend(others.next());
        if all.len() == before {
            return all;
        }
    }
}

type Attempt = Pin<Box<dyn Future<Output = io::Result<TcpStream>>>>;

async fn in_turn(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let mut addresses = addresses.into_iter();
    let mut attempts: Vec<Attempt> = Vec::new();
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    loop {
        let next = addresses.next();
        if next.is_none() && attempts.is_empty() {
            return Err(failure);
        }
        let time = if next.is_some() { limits::NEXT_ADDRESS_TIME } else { limits::NAME_TIME };
        attempts.extend(next.map(attempt));
        match timeout(time, one_of(&mut attempts)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => failure = error,
            // Too slow: the next one beside it.
            Err(_) => {}
        }
    }
}

fn attempt(address: SocketAddr) -> Attempt {
    Box::pin(async move {
        timeout(limits::ADDRESS_TIME, TcpStream::connect(address))
            .await
            .unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "it does not answer")))
    })
}

/// The next result of these; a failed one is no longer among them.
async fn one_of(attempts: &mut Vec<Attempt>) -> io::Result<TcpStream> {
    poll_fn(|context| {
        for number in 0..attempts.len() {
            if let Poll::Ready(result) = attempts[number].as_mut().poll(context) {
                drop(attempts.remove(number));
                return Poll::Ready(result);
            }
        }
        Poll::Pending
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns() {
        let addresses = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<SocketAddr>>();
        let found = addresses(&["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1"]);
        assert_eq!(alternating(found), addresses(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"]));
        assert_eq!(alternating(Vec::new()), []);
    }

    #[test]
    fn an_address_that_refuses_is_passed_over() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let good = listener.local_addr().unwrap();
            let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            let stream = in_turn(vec![closed, closed, good]).await.unwrap();
            assert_eq!(stream.peer_addr().unwrap(), good);
            assert_eq!(in_turn(vec![closed]).await.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
            assert_eq!(in_turn(Vec::new()).await.unwrap_err().kind(), io::ErrorKind::NotFound);
        });
    }
}
