//! Bytes both ways, unread. A side that ends only its half leaves the other half open.

use std::io;

use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional_with_sizes};

use crate::limits;

/// Copies until both sides have ended or one has broken.
pub(super) async fn copy(
    mut client: impl AsyncRead + AsyncWrite + Unpin,
    mut host: impl AsyncRead + AsyncWrite + Unpin,
) -> io::Result<()> {
    copy_bidirectional_with_sizes(&mut client, &mut host, limits::READ, limits::READ).await.map(drop)
}
