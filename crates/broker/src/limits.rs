//! Every number that bounds what the broker reads, keeps or waits for. A room that needs another one adds it here.

use std::time::Duration;

/// The longest head of a request or response, its empty line included, in bytes.
pub const HEAD: usize = 64 << 10;
/// The longest first head of a connection, which is read before the client has shown the credential, in bytes.
pub const FIRST_HEAD: usize = 8 << 10;
/// The most fields of a head.
pub const FIELDS: usize = 256;
/// The most interim responses (1xx) before the final one.
pub const INTERIM_RESPONSES: usize = 16;

/// The longest line with the size of a chunk, its line end included, in bytes.
pub const CHUNK_LINE: usize = 1 << 10;
/// The longest trailer section, its empty line included, in bytes.
pub const TRAILERS: usize = 8 << 10;
/// The longest body in which a value is put in, in bytes.
pub const BODY: usize = 1 << 20;
/// How deep arrays and objects of a JSON body may lie in each other.
pub const JSON_DEPTH: usize = 128;

/// The most hosts of a run.
pub const HOSTS: usize = 256;
/// The longest value, in bytes: of more than 64 KiB in all, the masker looks for the longest ones in fewer encodings.
pub const VALUE: usize = 8 << 10;
/// The fewest letters and digits that a value needs beyond its public prefix. 16 of them have 53 bits and more.
pub const LETTERS_AND_DIGITS: usize = 16;

/// The most connections to the proxy. Others wait in the system's queue.
pub const CONNECTIONS: usize = 256;
/// The most connections that have not shown the credential. Another one ends the oldest.
pub const STRANGERS: usize = 16;
/// How many bytes are read at once, and the buffer for each side of a connection, in bytes.
pub const READ: usize = 32 << 10;
/// What TLS keeps of what the other side does not take, in bytes.
pub const TLS_OUT: usize = 64 << 10;
/// The most bytes that a step of a decoder appends.
pub const PIECE: usize = 64 << 10;
/// The largest window of a decoder, in bytes. A body that wants a larger one is refused.
pub const WINDOW: usize = 8 << 20;
/// The longest head of an outer proxy's answer, in bytes.
pub const OUTER_HEAD: usize = 8 << 10;
/// How many threads look names up.
pub const RESOLVERS: usize = 4;

/// From the first byte of a connection to its CONNECT with the credential.
pub const CREDENTIAL_TIME: Duration = Duration::from_secs(5);
/// For a TLS handshake, with a client or a host.
pub const TLS_TIME: Duration = Duration::from_secs(10);
/// From the first byte of a request to the end of its head.
pub const HEAD_TIME: Duration = Duration::from_secs(30);
/// Between two requests.
pub const IDLE_TIME: Duration = Duration::from_secs(300);
/// For a connection to one address.
pub const ADDRESS_TIME: Duration = Duration::from_secs(10);
/// For a connection to a name, all addresses and an outer proxy included.
pub const NAME_TIME: Duration = Duration::from_secs(30);
/// When the next address of a name is tried, beside those that do not answer.
pub const NEXT_ADDRESS_TIME: Duration = Duration::from_millis(250);
/// After which silence TCP asks whether the other side is still there.
pub const KEEPALIVE: Duration = Duration::from_secs(60);
/// How long what a client still sends is read when it has got its last answer.
pub const LINGER_TIME: Duration = Duration::from_secs(2);
