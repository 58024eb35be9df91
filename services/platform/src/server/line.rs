//! The bytes under HTTP/2: those of the network, or of TLS on it.
//!
//! # Design notes
//! The handshake is no step before the connection but its first reads and writes, so that whoever
//! dawdles over it spends the same seconds that there are for greeting and first call
//! ([`super::peer`]), in a task of its own, and holds nobody up.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::Accept;
use tokio_rustls::server::TlsStream;

/// What HTTP/2 reads from and writes to.
pub(super) trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

/// A peer's line.
pub(super) enum Line {
    /// Without TLS.
    Plain(TcpStream),
    /// In the handshake.
    Shaking(Box<Accept<TcpStream>>),
    /// With TLS.
    Tls(Box<TlsStream<TcpStream>>),
    /// The handshake failed.
    Failed,
}

impl Line {
    /// Goes on with the handshake, if there is one.
    pub(super) fn poll_shaken(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self::Shaking(accept) = self else {
            return Poll::Ready(Ok(()));
        };
        let (line, outcome) = match ready!(Pin::new(accept.as_mut()).poll(context)) {
            Ok(stream) => (Self::Tls(Box::new(stream)), Ok(())),
            Err(error) => {
                tracing::debug!(%error, "a TLS handshake failed");
                (Self::Failed, Err(error))
            }
        };
        *self = line;
        Poll::Ready(outcome)
    }

    /// What can be read from and written to, after the handshake.
    pub(super) fn stream(&mut self) -> io::Result<Pin<&mut dyn Transport>> {
        match self {
            Self::Plain(stream) => Ok(Pin::new(stream)),
            Self::Tls(stream) => Ok(Pin::new(stream.as_mut())),
            Self::Shaking(_) | Self::Failed => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Whether several pieces at once are written better than one after the other: TLS gathers them
    /// too.
    pub(super) fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Shaking(_) | Self::Tls(_) | Self::Failed => true,
        }
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain(_) => "Plain",
            Self::Shaking(_) => "Shaking",
            Self::Tls(_) => "Tls",
            Self::Failed => "Failed",
        })
    }
}
