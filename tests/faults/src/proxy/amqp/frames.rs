//! Frames of AMQP 0-9-1 in a stream of bytes: type, channel, size, payload, end.
//!
//! # Design notes
//!
//! What is no AMQP (TLS, an older protocol's header, a broken frame) passes as it is from then on:
//! a proxy that reads along has no say in it.

/// Bytes before the payload: type (1), channel (2), size (4).
const HEAD: usize = 7;

/// The last byte of each frame.
const END: u8 = 0xCE;

/// `AMQP` 0 0 9 1: what a client begins with.
const PROTOCOL_HEADER: &[u8; 8] = b"AMQP\x00\x00\x09\x01";

/// No broker agrees to larger frames; RabbitMQ's own limit is 128 KiB.
const LARGEST: usize = 1 << 27;

/// Types of frames.
pub(crate) const METHOD: u8 = 1;
pub(crate) const HEADER: u8 = 2;
pub(crate) const BODY: u8 = 3;
const HEARTBEAT: u8 = 8;

/// One frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    pub(crate) kind: u8,
    pub(crate) channel: u16,
    pub(crate) payload: &'a [u8],
    /// The whole of it, as it came.
    pub(crate) raw: &'a [u8],
}

/// A piece of the stream. All pieces in order are the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    Frame(Frame<'a>),
    /// A protocol header, or what cannot be read.
    Other(&'a [u8]),
}

/// Cuts one direction of a connection into frames, however its bytes arrive.
pub(crate) struct Splitter {
    /// What has come of the next piece.
    partial: Vec<u8>,
    expects: Expects,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expects {
    ProtocolHeader,
    Frames,
    Anything,
}

impl Splitter {
    /// For what a client says.
    pub(crate) fn of_client() -> Self {
        Self {
            partial: Vec::new(),
            expects: Expects::ProtocolHeader,
        }
    }

    /// For what a broker says.
    pub(crate) fn of_broker() -> Self {
        Self {
            partial: Vec::new(),
            expects: Expects::Frames,
        }
    }

    /// Takes bytes and tells every piece that is whole by now.
    pub(crate) fn feed(&mut self, bytes: &[u8], mut tell: impl FnMut(Piece<'_>)) {
        self.partial.extend_from_slice(bytes);
        let mut start = 0;
        while let Some(length) = self.next_length(start) {
            let piece = &self.partial[start..start + length];
            start += length;
            tell(match self.expects {
                Expects::Frames => Piece::Frame(frame(piece)),
                Expects::ProtocolHeader | Expects::Anything => Piece::Other(piece),
            });
            if self.expects == Expects::ProtocolHeader {
                self.expects = Expects::Frames;
            }
        }
        self.partial.drain(..start);
    }

    /// What has come of a piece that will not be finished.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.partial)
    }

    /// The length of the piece that begins there, if the whole of it has come.
    fn next_length(&mut self, start: usize) -> Option<usize> {
        let rest = &self.partial[start..];
        let length = match self.expects {
            Expects::ProtocolHeader => {
                let known = rest.len().min(PROTOCOL_HEADER.len());
                (rest[..known] == PROTOCOL_HEADER[..known]).then_some(PROTOCOL_HEADER.len())
            }
            Expects::Frames => frame_length(rest),
            Expects::Anything => None,
        };
        let Some(length) = length else {
            self.expects = Expects::Anything;
            return (!rest.is_empty()).then_some(rest.len());
        };
        (rest.len() >= length).then_some(length)
    }
}

/// The length of the frame that begins with these bytes, at least that of its head while that is
/// unknown; `None` when this is no frame.
fn frame_length(bytes: &[u8]) -> Option<usize> {
    let kinds = [METHOD, HEADER, BODY, HEARTBEAT];
    if bytes.first().is_some_and(|kind| !kinds.contains(kind)) {
        return None;
    }
    let Some(size) = bytes.get(3..HEAD) else {
        return Some(HEAD);
    };
    let size = number(size) as usize;
    let length = HEAD + size + 1;
    let ends = bytes.get(length - 1).is_none_or(|last| *last == END);
    (size <= LARGEST && ends).then_some(length)
}

fn frame(raw: &[u8]) -> Frame<'_> {
    Frame {
        kind: raw[0],
        channel: u16::from_be_bytes([raw[1], raw[2]]),
        payload: &raw[HEAD..raw.len() - 1],
        raw,
    }
}

/// Reads the arguments of a method, or the fields of a header, one after the other.
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Fields<'a> {
    /// A number of so many bytes.
    pub(crate) fn number(&mut self, bytes: usize) -> Option<u64> {
        Some(number(self.bytes(bytes)?))
    }

    /// A short string.
    pub(crate) fn short_string(&mut self) -> Option<&'a [u8]> {
        let length = self.number(1)?;
        self.bytes(usize::try_from(length).ok()?)
    }

    fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }
}

/// A method as a frame; `arguments` are encoded already.
pub(crate) fn method(channel: u16, class: u16, method: u16, arguments: &[u8]) -> Vec<u8> {
    let mut payload = [class.to_be_bytes(), method.to_be_bytes()].concat();
    payload.extend_from_slice(arguments);
    let mut frame = vec![METHOD];
    frame.extend_from_slice(&channel.to_be_bytes());
    // A method's arguments are a few short strings.
    let size = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    frame.extend_from_slice(&size.to_be_bytes());
    frame.extend(payload);
    frame.push(END);
    frame
}

/// A big-endian number of at most eight bytes.
fn number(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |number, byte| (number << 8) | u64::from(*byte))
}
