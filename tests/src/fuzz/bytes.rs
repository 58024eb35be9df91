//! Bytes that are almost a message, and messages in a frame that does not fit.
//!
//! # Design notes
//! Bytes are changed in the knowledge of the wire format: a random flip mostly ends in the middle
//! of a text, and the parser's own rules (wire types, lengths, nesting, numbers of ten bytes) are
//! where parsers break.

use super::chance::Chance;

/// A field number beyond all contracts, with each wire type from 0 to 5.
const UNKNOWN_TAGS: [&[u8]; 6] = [
    &[0x98, 0xa9, 0x06, 0x07],
    &[0x99, 0xa9, 0x06, 1, 2, 3, 4, 5, 6, 7, 8],
    &[0x9a, 0xa9, 0x06, 3, 0xff, 0x00, 0xfe],
    &[0x9b, 0xa9, 0x06, 0x9c, 0xa9, 0x06],
    &[0x9c, 0xa9, 0x06],
    &[0x9d, 0xa9, 0x06, 1, 2, 3, 4],
];
/// Numbers of ten bytes and more: the largest, one above 64 bits, one without an end.
const LONG_NUMBERS: [&[u8]; 4] = [
    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
    &[
        0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00,
    ],
    &[0xff; 40],
];
/// What is no UTF-8: a lone continuation, a long form of NUL, a surrogate, a cut character.
const NO_TEXTS: [&[u8]; 4] = [
    &[0x80],
    &[0xc0, 0x80],
    &[0xed, 0xa0, 0x80],
    &[0xf0, 0x9f, 0x91],
];
/// Depths of nesting, on both sides of prost's limit of 100, and as deep as a message is long.
const DEPTHS: [usize; 4] = [2, 99, 101, 100_000];

/// Changes an encoded message once to three times.
pub(super) fn mutate(message: &[u8], other: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = message.to_vec();
    for _ in 0..=chance.below(3) {
        bytes = once(bytes, other, chance);
    }
    bytes
}

fn once(mut bytes: Vec<u8>, other: &[u8], chance: &mut Chance) -> Vec<u8> {
    let place = chance.below(bytes.len() + 1);
    match chance.below(12) {
        0 => bytes.truncate(place),
        1 => flip(&mut bytes, chance),
        2 => repeat_a_field(&mut bytes, chance),
        3 => insert(&mut bytes, place, one_of(&UNKNOWN_TAGS, chance)),
        4 => bytes.extend_from_slice(one_of(&UNKNOWN_TAGS, chance)),
        5 => other_wire_type(&mut bytes, chance),
        6 => insert(&mut bytes, place, one_of(&LONG_NUMBERS, chance)),
        7 => insert(&mut bytes, place, one_of(&NO_TEXTS, chance)),
        8 => return nested(&bytes, chance),
        9 => lying_length(&mut bytes, chance),
        10 => {
            let cut = chance.below(other.len() + 1);
            bytes.truncate(place);
            bytes.extend_from_slice(&other[cut..]);
        }
        _ => {
            let length = chance.below(64);
            let noise = chance.bytes(length);
            insert(&mut bytes, place, &noise);
        }
    }
    bytes
}

fn one_of(pieces: &[&'static [u8]], chance: &mut Chance) -> &'static [u8] {
    let one: &&'static [u8] = chance.pick(pieces);
    one
}

fn insert(bytes: &mut Vec<u8>, place: usize, what: &[u8]) {
    bytes.splice(place..place, what.iter().copied());
}

fn flip(bytes: &mut [u8], chance: &mut Chance) {
    if bytes.is_empty() {
        return;
    }
    for _ in 0..=chance.below(4) {
        let place = chance.below(bytes.len());
        bytes[place] ^= 1 << chance.below(8);
    }
}

/// One field over and over: a singular one whose last value counts, or a list that grows.
fn repeat_a_field(bytes: &mut Vec<u8>, chance: &mut Chance) {
    let fields = fields(bytes);
    if fields.is_empty() {
        return;
    }
    let (from, to) = *chance.pick(&fields);
    let field = bytes[from..to].to_vec();
    for _ in 0..=chance.below(40) {
        bytes.extend_from_slice(&field);
    }
}

/// A field under another wire type than its own, or with the number 0 that no field has.
fn other_wire_type(bytes: &mut [u8], chance: &mut Chance) {
    let fields = fields(bytes);
    if fields.is_empty() {
        return;
    }
    let (from, _) = *chance.pick(&fields);
    let wire_type = u8::try_from(chance.below(8)).unwrap_or_default();
    bytes[from] = (bytes[from] & 0xf8) | wire_type;
    if chance.percent(10) {
        bytes[from] &= 0x07;
    }
}

/// The message within itself, or groups that open and perhaps close.
fn nested(bytes: &[u8], chance: &mut Chance) -> Vec<u8> {
    let depth = *chance.pick(&DEPTHS);
    let field = u8::try_from(1 + chance.below(8)).unwrap_or(1) << 3;
    if chance.percent(50) {
        let mut groups = vec![field | 3; depth];
        if chance.percent(50) {
            groups.extend(vec![field | 4; depth]);
        }
        return groups;
    }
    let mut inner = bytes.to_vec();
    for _ in 0..depth.min(200) {
        let mut outer = vec![field | 2];
        outer.extend(varint(inner.len()));
        outer.append(&mut inner);
        inner = outer;
    }
    inner
}

/// A field that claims more than there is.
fn lying_length(bytes: &mut Vec<u8>, chance: &mut Chance) {
    let claims = [bytes.len() + 1, 1 << 20, 1 << 31, 1 << 62, usize::MAX];
    bytes.push(0x0a);
    let claim = *chance.pick(&claims);
    bytes.extend(varint(claim));
    bytes.push(b'x');
}

/// Where the fields of the outermost message begin and end, as far as they can be read.
fn fields(bytes: &[u8]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(to) = field_end(bytes, from) {
        found.push((from, to));
        from = to;
    }
    found
}

fn field_end(bytes: &[u8], from: usize) -> Option<usize> {
    let (tag, after) = read_varint(bytes, from)?;
    let end = match tag & 7 {
        0 => read_varint(bytes, after)?.1,
        1 => after + 8,
        2 => {
            let (length, content) = read_varint(bytes, after)?;
            content.checked_add(usize::try_from(length).ok()?)?
        }
        5 => after + 4,
        _ => return None,
    };
    (end <= bytes.len()).then_some(end)
}

fn read_varint(bytes: &[u8], from: usize) -> Option<(u64, usize)> {
    let mut number = 0_u64;
    for (place, byte) in bytes.iter().enumerate().skip(from).take(9) {
        number |= u64::from(byte & 0x7f) << (7 * (place - from));
        if byte & 0x80 == 0 {
            return Some((number, place + 1));
        }
    }
    None
}

fn varint(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7f).unwrap_or_default();
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// A frame of gRPC: whether it is compressed, its length in four bytes, the message.
pub(super) fn frame(message: &[u8]) -> Vec<u8> {
    framed(0, message.len(), message)
}

fn framed(flag: u8, length: usize, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    let mut bytes = vec![flag];
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(message);
    bytes
}

/// A body whose frames do not fit what is in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Misframed {
    /// What is wrong, for people.
    pub(super) fault: &'static str,
    /// The body.
    pub(super) body: Vec<u8>,
    /// Said in `grpc-encoding`, if anything is.
    pub(super) encoding: Option<&'static str>,
    /// Whether nothing of it can be read as the one message of the call.
    pub(super) is_unreadable: bool,
}

/// Frames a message wrongly.
pub(super) fn misframe(message: &[u8], chance: &mut Chance) -> Misframed {
    let length = message.len();
    let more = 1 + chance.below(1_000);
    let made = |fault, body, is_unreadable| Misframed {
        fault,
        body,
        encoding: None,
        is_unreadable,
    };
    match chance.below(11) {
        0 => made("no body", Vec::new(), true),
        1 => {
            let cut = 1 + chance.below(4);
            made("half a frame's head", frame(message)[..cut].to_vec(), true)
        }
        2 => made(
            "a length above the body's",
            framed(0, length + more, message),
            true,
        ),
        3 => made("a length of 4 GiB", framed(0, usize::MAX, message), true),
        4 => {
            let less = length - chance.below(length + 1);
            made("a length below the body's", framed(0, less, message), false)
        }
        5 => made(
            "compressed, it says, by nothing",
            framed(1, length, message),
            true,
        ),
        6 => {
            let flag = u8::try_from(2 + chance.below(254)).unwrap_or(2);
            made(
                "a flag that does not exist",
                framed(flag, length, message),
                true,
            )
        }
        7 => {
            let twice = [frame(message), frame(message)].concat();
            made("two messages", twice, false)
        }
        8 => {
            let noise = chance.bytes(40);
            made(
                "noise after the message",
                [frame(message), noise].concat(),
                false,
            )
        }
        9 => Misframed {
            encoding: Some("gzip"),
            ..made(
                "compressed by what we do not read",
                framed(1, length, message),
                true,
            )
        },
        _ => Misframed {
            encoding: Some("identity"),
            ..made("not compressed, it says", frame(message), false)
        },
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Chance, fields, frame, misframe, mutate, varint};

    /// Field 1 with a text, field 2 with a number, field 3 with eight bytes.
    const MESSAGE: &[u8] = b"\x0a\x03abc\x10\x96\x01\x19\x01\x02\x03\x04\x05\x06\x07\x08";

    #[test]
    fn fields_are_found_by_the_wire_format() {
        assert_eq!(fields(MESSAGE), [(0, 5), (5, 8), (8, 17)]);
        assert_eq!(fields(b"\x0a\x05abc"), []);
        assert_eq!(varint(300), [0xac, 0x02]);
    }

    #[test]
    fn mutations_change_nearly_every_message_and_differ() {
        let mutated: BTreeSet<Vec<u8>> = (0..300)
            .map(|case| mutate(MESSAGE, b"\x0a\x01z", &mut Chance::of(3, case)))
            .collect();
        assert!(mutated.len() > 250, "{}", mutated.len());
        assert!(mutated.iter().any(|one| one.len() >= 100_000));
    }

    #[test]
    fn every_wrong_frame_is_made() {
        let made: BTreeSet<&str> = (0..300)
            .map(|case| misframe(MESSAGE, &mut Chance::of(3, case)).fault)
            .collect();
        assert_eq!(made.len(), 11);
        assert_eq!(frame(b"ab"), b"\0\0\0\0\x02ab");
    }
}
