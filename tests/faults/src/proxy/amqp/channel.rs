//! One channel as its proxy sees it: two counts of the same publications.

use std::collections::{BTreeMap, BTreeSet};

use super::Fate;
use super::frames::{BODY, Frame, HEADER, METHOD};
use super::methods::{
    BASIC_DELIVER, BASIC_GET_OK, BASIC_RETURN, body_size, confirm, method_of, no_route,
};

/// What is to be sent on, in both directions.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Output {
    pub(crate) to_broker: Vec<u8>,
    pub(crate) to_client: Vec<u8>,
}

/// One channel.
#[derive(Default)]
pub(crate) struct Channel {
    pub(crate) confirms: bool,
    /// How many messages the publisher has counted.
    pub(crate) client_tags: u64,
    /// How many messages the broker has counted.
    broker_tags: u64,
    /// The two have counted differently.
    pub(crate) shifted: bool,
    /// What the broker has and has not confirmed, by its count.
    unconfirmed: BTreeMap<u64, Publication>,
    /// What the broker has confirmed and the publisher must not know (yet), by the latter's count.
    pub(crate) withheld: BTreeSet<u64>,
    /// The publication whose frames are coming.
    pub(crate) coming: Option<Coming>,
    /// One that waits until the next one has passed.
    pub(crate) postponed: Option<Captured>,
    telling: Telling,
    /// What the client is told when that message is over.
    after_telling: Vec<u8>,
}

/// A message that the broker has.
#[derive(Clone, Debug)]
pub(crate) struct Publication {
    /// The publisher's number; none for a copy that it knows nothing of.
    pub(crate) client_tag: Option<u64>,
    pub(crate) exchange: String,
}

/// A publication with its frames.
pub(crate) struct Captured {
    pub(crate) publication: Publication,
    pub(crate) routing_key: Vec<u8>,
    pub(crate) frames: Vec<u8>,
    /// How many of the bytes are the method's.
    pub(crate) method_bytes: usize,
}

/// A publication whose frames are coming.
pub(crate) struct Coming {
    pub(crate) fate: Option<Fate>,
    pub(crate) captured: Captured,
    /// `None` until the header tells it.
    pub(crate) missing: Option<u64>,
}

/// What is still missing of the message that the client is being told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Telling {
    #[default]
    Nothing,
    Header,
    Body(u64),
}

impl Channel {
    /// The whole of a publication has come.
    pub(crate) fn finish_publication(&mut self, number: u16, coming: Coming, output: &mut Output) {
        let Coming { fate, captured, .. } = coming;
        let waiting = self.postponed.take();
        match fate {
            Some(Fate::Return) => {
                self.shifted = true;
                self.tell(captured.returned(number), output);
            }
            Some(Fate::Postpone) => {
                self.shifted = true;
                self.postponed = Some(captured);
            }
            Some(Fate::Duplicate) => {
                self.shifted = true;
                let copy = Publication {
                    client_tag: None,
                    exchange: captured.publication.exchange.clone(),
                };
                self.count(captured.publication);
                self.count(copy);
                output.to_broker.extend(captured.frames);
            }
            _ => self.count(captured.publication),
        }
        if let Some(waiting) = waiting {
            self.count(waiting.publication);
            output.to_broker.extend(waiting.frames);
        }
    }

    /// The broker counts a message.
    fn count(&mut self, publication: Publication) {
        self.broker_tags += 1;
        self.unconfirmed.insert(self.broker_tags, publication);
    }

    /// What a confirm of the broker settles; `None` when nothing of it is known.
    pub(crate) fn settled(&mut self, tag: u64, several: bool) -> Option<Vec<Publication>> {
        if !several {
            return self.unconfirmed.remove(&tag).map(|one| vec![one]);
        }
        // Zero means all that there are.
        let later = match tag {
            0 => BTreeMap::new(),
            tag => self.unconfirmed.split_off(&(tag + 1)),
        };
        let settled = std::mem::replace(&mut self.unconfirmed, later);
        (!settled.is_empty()).then(|| settled.into_values().collect())
    }

    /// Tells the client something that the broker has not said, between two messages.
    pub(crate) fn tell(&mut self, frames: Vec<u8>, output: &mut Output) {
        if self.telling == Telling::Nothing {
            output.to_client.extend(frames);
        } else {
            self.after_telling.extend(frames);
        }
    }

    /// Keeps track of the message that the client is being told.
    pub(crate) fn follow_telling(&mut self, frame: &Frame<'_>, output: &mut Output) {
        self.telling = match (frame.kind, method_of(frame), self.telling) {
            (METHOD, Some(BASIC_DELIVER | BASIC_GET_OK | BASIC_RETURN), _) => Telling::Header,
            (HEADER, _, Telling::Header) => match body_size(frame) {
                None | Some(0) => Telling::Nothing,
                Some(size) => Telling::Body(size),
            },
            (BODY, _, Telling::Body(missing)) => {
                match missing.saturating_sub(frame.payload.len() as u64) {
                    0 => Telling::Nothing,
                    missing => Telling::Body(missing),
                }
            }
            (_, _, telling) => telling,
        };
        if self.telling == Telling::Nothing {
            output.to_client.append(&mut self.after_telling);
        }
    }
}

impl Captured {
    /// What a broker answers that finds no queue: the message, and then its acknowledgement.
    fn returned(self, channel: u16) -> Vec<u8> {
        let exchange = self.publication.exchange.as_bytes();
        let mut frames = no_route(channel, exchange, &self.routing_key);
        frames.extend_from_slice(&self.frames[self.method_bytes..]);
        if let Some(tag) = self.publication.client_tag {
            frames.extend(confirm(channel, tag, true));
        }
        frames
    }
}
