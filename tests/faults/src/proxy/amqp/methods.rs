//! The methods of AMQP 0-9-1 that a proxy recognises or makes.

use super::frames::{self, Fields, Frame};

/// Methods by class and number, as the standard counts them.
pub(crate) const CHANNEL_OPEN: (u16, u16) = (20, 10);
pub(crate) const CHANNEL_CLOSE: (u16, u16) = (20, 40);
pub(crate) const BASIC_PUBLISH: (u16, u16) = (60, 40);
pub(crate) const BASIC_RETURN: (u16, u16) = (60, 50);
pub(crate) const BASIC_DELIVER: (u16, u16) = (60, 60);
pub(crate) const BASIC_GET_OK: (u16, u16) = (60, 71);
pub(crate) const BASIC_ACK: (u16, u16) = (60, 80);
pub(crate) const BASIC_NACK: (u16, u16) = (60, 120);
pub(crate) const CONFIRM_SELECT: (u16, u16) = (85, 10);

/// The reply of a broker that finds no queue for a message.
const NO_ROUTE: u16 = 312;

/// A confirm for one message.
pub(crate) fn confirm(channel: u16, tag: u64, positive: bool) -> Vec<u8> {
    let (class, method) = if positive { BASIC_ACK } else { BASIC_NACK };
    let mut arguments = tag.to_be_bytes().to_vec();
    // The flag "several", and for a refusal "requeue".
    arguments.push(0);
    frames::method(channel, class, method, &arguments)
}

/// What a broker says before it gives back a message that no queue takes.
pub(crate) fn no_route(channel: u16, exchange: &[u8], routing_key: &[u8]) -> Vec<u8> {
    let mut arguments = NO_ROUTE.to_be_bytes().to_vec();
    for text in [b"NO_ROUTE".as_slice(), exchange, routing_key] {
        // They were short strings when they came.
        arguments.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
        arguments.extend_from_slice(text);
    }
    let (class, method) = BASIC_RETURN;
    frames::method(channel, class, method, &arguments)
}

/// Class and number of a method; the beginning of any other payload means nothing.
pub(crate) fn method_of(frame: &Frame<'_>) -> Option<(u16, u16)> {
    let mut fields = Fields(frame.payload);
    let class = u16::try_from(fields.number(2)?).ok()?;
    let method = u16::try_from(fields.number(2)?).ok()?;
    Some((class, method))
}

/// The size of the body that a header announces.
pub(crate) fn body_size(frame: &Frame<'_>) -> Option<u64> {
    let mut fields = Fields(frame.payload);
    fields.number(2)?;
    fields.number(2)?;
    fields.number(8)
}
