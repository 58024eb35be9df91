//! Frames of HTTP/2 (RFC 9113) and the plainest form of its headers (RFC 7541), by hand.

/// What a client says first.
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Bytes before a frame's payload.
pub(super) const HEAD_BYTES: usize = 9;
/// Largest payload of a frame unless the peers agree on more.
pub(super) const PAYLOAD_MOST: usize = 16_384;

/// Kinds of frames.
pub(super) const DATA: u8 = 0x0;
pub(super) const HEADERS: u8 = 0x1;
pub(super) const RST_STREAM: u8 = 0x3;
pub(super) const SETTINGS: u8 = 0x4;
pub(super) const PING: u8 = 0x6;
pub(super) const GOAWAY: u8 = 0x7;
pub(super) const CONTINUATION: u8 = 0x9;

/// Flags.
pub(super) const END_STREAM: u8 = 0x1;
pub(super) const ACK: u8 = 0x1;
pub(super) const END_HEADERS: u8 = 0x4;

/// A whole frame.
pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len())
        .unwrap_or(u32::MAX)
        .to_be_bytes();
    let mut frame = Vec::with_capacity(HEAD_BYTES + payload.len());
    frame.extend_from_slice(&length[1..]);
    frame.extend_from_slice(&[kind, flags]);
    frame.extend_from_slice(&stream.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

/// The preface and the settings that every client begins with.
pub(super) fn greeting() -> Vec<u8> {
    [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()
}

/// A cancelled stream.
pub(super) fn reset(stream: u32) -> Vec<u8> {
    const CANCEL: u32 = 0x8;
    frame(RST_STREAM, 0, stream, &CANCEL.to_be_bytes())
}

/// The headers of a call of this method, and more.
pub(super) fn call_headers(path: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let usual = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "localhost"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ];
    let mut block = Vec::new();
    for (name, value) in usual.iter().chain(more) {
        literal(&mut block, name, value);
    }
    block
}

/// A header that is told in full and not remembered.
pub(super) fn literal(block: &mut Vec<u8>, name: &str, value: &str) {
    block.push(0);
    for text in [name, value] {
        length(block, text.len());
        block.extend_from_slice(text.as_bytes());
    }
}

/// A length in seven bits, or in more bytes (RFC 7541, 5.1).
fn length(block: &mut Vec<u8>, length: usize) {
    const PREFIX: usize = 127;
    let byte = |value: usize| u8::try_from(value).unwrap_or(u8::MAX);
    if length < PREFIX {
        block.push(byte(length));
        return;
    }
    block.push(byte(PREFIX));
    let mut rest = length - PREFIX;
    while rest >= 128 {
        block.push(byte(rest % 128 + 128));
        rest /= 128;
    }
    block.push(byte(rest));
}

/// A message of gRPC: whether it is compressed, how long it says it is, and what follows.
pub(super) fn message(compressed: bool, length: u32, bytes: &[u8]) -> Vec<u8> {
    let mut message = vec![u8::from(compressed)];
    message.extend_from_slice(&length.to_be_bytes());
    message.extend_from_slice(bytes);
    message
}

#[cfg(test)]
mod tests {
    use super::{DATA, END_STREAM, frame, literal};

    #[test]
    fn a_frame_is_its_head_and_its_payload() {
        let bytes = frame(DATA, END_STREAM, 3, b"abc");
        assert_eq!(bytes, [0, 0, 3, 0, 1, 0, 0, 0, 3, b'a', b'b', b'c']);
    }

    #[test]
    fn a_long_value_tells_its_length_in_several_bytes() {
        let mut block = Vec::new();
        literal(&mut block, "x", &"v".repeat(1_337));
        // The example of RFC 7541, C.1.2, with a prefix of seven bits: 127, then 1210.
        assert_eq!(
            block[..6],
            [0, 1, b'x', 127, 1_210_usize.rem_euclid(128) as u8 + 128, 9]
        );
        assert_eq!(block.len(), 6 + 1_337);
    }
}
