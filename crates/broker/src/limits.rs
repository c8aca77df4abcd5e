//! Every number that bounds what the broker reads, keeps or waits for. A room that needs another one adds it here.

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
/// The fewest letters and digits that a value needs beyond its public prefix. 16 of them have 53 bits and more.
pub const LETTERS_AND_DIGITS: usize = 16;
