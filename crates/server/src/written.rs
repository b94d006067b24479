//! A body that a thread writes while the client reads it: nothing is held whole.

use std::io::{self, BufWriter, Write};

use axum::body::{Body, Bytes};
use tokio::sync::mpsc::{self, Sender};
use tokio_stream::wrappers::ReceiverStream;

const CHUNK_BYTES: usize = 64 * 1024;
/// Chunks that may wait for a slow reader.
const WAITING: usize = 4;

/// Runs `write` on a thread of its own. When it fails the transfer breaks off, so that half an answer is never taken
/// for a whole one; when the client goes away, `write` gets an error.
pub(crate) fn written(write: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send + 'static) -> Body {
    let (chunks, read) = mpsc::channel(WAITING);
    tokio::task::spawn_blocking(move || {
        let mut out = BufWriter::with_capacity(CHUNK_BYTES, Chunks(chunks.clone()));
        if let Err(error) = write(&mut out).and_then(|()| out.flush()) {
            if error.kind() != io::ErrorKind::BrokenPipe {
                tracing::error!(%error, "an answer broke off");
            }
            // Nobody may be left to hear it.
            let _ = chunks.blocking_send(Err(error));
        }
    });
    Body::from_stream(ReceiverStream::new(read))
}

struct Chunks(Sender<io::Result<Bytes>>);

impl Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Ok(Bytes::copy_from_slice(bytes)));
        sent.map(|()| bytes.len()).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_written_is_read_and_a_failure_is_no_end() {
        let whole = written(|out| (0..100_000).try_for_each(|line| writeln!(out, "{line}")));
        let text = axum::body::to_bytes(whole, usize::MAX).await.unwrap();
        assert!(text.ends_with(b"\n99999\n"));
        let half = written(|out| out.write_all(b"half").and_then(|()| Err(io::Error::other("gone"))));
        assert!(axum::body::to_bytes(half, usize::MAX).await.is_err());
    }
}
