//! One AMQP connection as its proxy sees it: who has published what, and who knows of it.

use std::collections::{BTreeMap, HashMap};

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tokio::time::Instant;

use super::super::conditions::Direction;
use super::channel::{Captured, Channel, Coming, Output, Publication};
use super::frames::{BODY, Fields, Frame, HEADER, METHOD, Piece, Splitter};
use super::methods::{
    BASIC_ACK, BASIC_NACK, BASIC_PUBLISH, CHANNEL_CLOSE, CHANNEL_OPEN, CONFIRM_SELECT, body_size,
    confirm, method_of,
};
use super::{Fate, Faults, Moment};

/// One connection.
pub(crate) struct Session {
    faults: Faults,
    chance: StdRng,
    client: Splitter,
    broker: Splitter,
    channels: HashMap<u16, Channel>,
    /// Confirms that arrive later; the number keeps those of one moment apart.
    delayed: BTreeMap<(Instant, u64), Confirm>,
    delays: u64,
}

/// One confirm for one message, in the publisher's count.
#[derive(Clone, Copy, Debug)]
struct Confirm {
    channel: u16,
    tag: u64,
}

impl Session {
    pub(crate) fn new(faults: Faults, seed: u64) -> Self {
        Self {
            faults,
            chance: StdRng::seed_from_u64(seed),
            client: Splitter::of_client(),
            broker: Splitter::of_broker(),
            channels: HashMap::new(),
            delayed: BTreeMap::new(),
            delays: 0,
        }
    }

    /// Bytes that the client sent.
    pub(crate) fn hear_client(&mut self, bytes: &[u8]) -> Output {
        let mut output = Output::default();
        let mut splitter = std::mem::replace(&mut self.client, Splitter::of_client());
        splitter.feed(bytes, |piece| match piece {
            Piece::Frame(frame) => self.client_frame(frame, &mut output),
            Piece::Other(raw) => output.to_broker.extend_from_slice(raw),
        });
        self.client = splitter;
        output
    }

    /// Bytes that the broker sent, and what has been delayed long enough.
    pub(crate) fn hear_broker(&mut self, bytes: &[u8], now: Instant) -> Output {
        let mut output = Output::default();
        let mut splitter = std::mem::replace(&mut self.broker, Splitter::of_broker());
        splitter.feed(bytes, |piece| match piece {
            Piece::Frame(frame) => self.broker_frame(frame, now, &mut output),
            Piece::Other(raw) => output.to_client.extend_from_slice(raw),
        });
        self.broker = splitter;
        self.release_delayed(now, &mut output);
        output
    }

    /// One end has nothing more to say: what came of a broken frame goes on as it is.
    pub(crate) fn end(&mut self, direction: Direction) -> Output {
        match direction {
            Direction::ToServer => Output {
                to_broker: self.client.rest(),
                ..Output::default()
            },
            Direction::ToClient => Output {
                to_client: self.broker.rest(),
                ..Output::default()
            },
        }
    }

    /// When the first delayed confirm is due.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.delayed.keys().next().map(|(due, _)| *due)
    }

    fn client_frame(&mut self, frame: Frame<'_>, output: &mut Output) {
        let number = frame.channel;
        let taken = match (frame.kind, method_of(&frame)) {
            (METHOD, Some(CHANNEL_OPEN)) => {
                self.channels.insert(number, Channel::default());
                None
            }
            (METHOD, Some(CHANNEL_CLOSE)) => {
                self.forget(number);
                None
            }
            (METHOD, Some(CONFIRM_SELECT)) => {
                if let Some(channel) = self.channels.get_mut(&number) {
                    channel.confirms = true;
                }
                None
            }
            (METHOD, Some(BASIC_PUBLISH)) => self.begin_publication(&frame, output),
            (HEADER | BODY, _) => self.continue_publication(&frame, output),
            _ => None,
        };
        if taken.is_none() {
            output.to_broker.extend_from_slice(frame.raw);
        }
    }

    /// Decides about a publication with confirms; `None` for one without.
    fn begin_publication(&mut self, frame: &Frame<'_>, output: &mut Output) -> Option<()> {
        let channel = self.channels.get_mut(&frame.channel)?;
        if !channel.confirms {
            return None;
        }
        let mut fields = Fields(frame.payload.get(4..)?);
        fields.number(2)?;
        let exchange = String::from_utf8_lossy(fields.short_string()?).into_owned();
        let routing_key = fields.short_string()?.to_vec();
        // What a postponed one waits for is not postponed itself.
        let possible = |fate| fate != Fate::Postpone || channel.postponed.is_none();
        let fate = self
            .faults
            .decide(Moment::Publication, &exchange, possible, &mut self.chance);
        channel.client_tags += 1;
        let captured = Captured {
            publication: Publication {
                client_tag: Some(channel.client_tags),
                exchange,
            },
            routing_key,
            frames: frame.raw.to_vec(),
            method_bytes: frame.raw.len(),
        };
        if reaches_the_broker(fate) {
            output.to_broker.extend_from_slice(frame.raw);
        }
        channel.coming = Some(Coming {
            fate,
            captured,
            missing: None,
        });
        Some(())
    }

    /// Takes a frame of a message's content; `None` when it belongs to no publication with
    /// confirms.
    fn continue_publication(&mut self, frame: &Frame<'_>, output: &mut Output) -> Option<()> {
        let channel = self.channels.get_mut(&frame.channel)?;
        let coming = channel.coming.as_mut()?;
        let missing = match coming.missing {
            None => body_size(frame)?,
            Some(missing) => missing.saturating_sub(frame.payload.len() as u64),
        };
        coming.missing = Some(missing);
        if reaches_the_broker(coming.fate) {
            output.to_broker.extend_from_slice(frame.raw);
        }
        // What merely passes is not kept, however large it is.
        if coming.fate.is_some() {
            coming.captured.frames.extend_from_slice(frame.raw);
        }
        if missing == 0
            && let Some(coming) = channel.coming.take()
        {
            channel.finish_publication(frame.channel, coming, output);
        }
        Some(())
    }

    fn broker_frame(&mut self, frame: Frame<'_>, now: Instant, output: &mut Output) {
        let taken = match (frame.kind, method_of(&frame)) {
            (METHOD, Some(CHANNEL_CLOSE)) => {
                self.forget(frame.channel);
                None
            }
            (METHOD, Some(BASIC_ACK)) => self.settle(&frame, true, now, output),
            (METHOD, Some(BASIC_NACK)) => self.settle(&frame, false, now, output),
            _ => None,
        };
        if taken.is_some() {
            return;
        }
        output.to_client.extend_from_slice(frame.raw);
        if let Some(channel) = self.channels.get_mut(&frame.channel) {
            channel.follow_telling(&frame, output);
        }
    }

    /// Passes a confirm on as far as its messages' fates allow; `None` when it is not ours to
    /// judge.
    fn settle(
        &mut self,
        frame: &Frame<'_>,
        positive: bool,
        now: Instant,
        output: &mut Output,
    ) -> Option<()> {
        let channel = self.channels.get_mut(&frame.channel)?;
        let mut fields = Fields(frame.payload.get(4..)?);
        let tag = fields.number(8)?;
        let several = fields.number(1)? & 1 == 1;
        let settled = channel.settled(tag, several)?;
        let mut verdicts = Vec::with_capacity(settled.len());
        for publication in settled {
            // The publisher knows nothing of a copy.
            let Some(tag) = publication.client_tag else {
                continue;
            };
            let exchange = &publication.exchange;
            let mut decide = || {
                self.faults
                    .decide(Moment::Confirm, exchange, |_| true, &mut self.chance)
            };
            verdicts.push((tag, positive.then(&mut decide).flatten()));
        }
        let untouched = verdicts.iter().all(|(_, fate)| fate.is_none());
        if untouched && !channel.shifted && channel.withheld.is_empty() {
            output.to_client.extend_from_slice(frame.raw);
            return Some(());
        }
        for (tag, fate) in verdicts {
            match fate {
                Some(Fate::SwallowConfirm) => {
                    channel.withheld.insert(tag);
                }
                Some(Fate::DelayConfirm(delay)) => {
                    channel.withheld.insert(tag);
                    self.delays += 1;
                    let confirm = Confirm {
                        channel: frame.channel,
                        tag,
                    };
                    self.delayed.insert((now + delay, self.delays), confirm);
                }
                other => {
                    let positive = positive && other != Some(Fate::Nack);
                    let confirm = confirm(frame.channel, tag, positive);
                    output.to_client.extend(confirm);
                }
            }
        }
        Some(())
    }

    fn release_delayed(&mut self, now: Instant, output: &mut Output) {
        while let Some(first) = self.delayed.first_entry().filter(|one| one.key().0 <= now) {
            let Confirm {
                channel: number,
                tag,
            } = first.remove();
            if let Some(channel) = self.channels.get_mut(&number) {
                channel.withheld.remove(&tag);
                channel.tell(confirm(number, tag, true), output);
            }
        }
    }

    fn forget(&mut self, number: u16) {
        self.channels.remove(&number);
        self.delayed.retain(|_, confirm| confirm.channel != number);
    }
}

fn reaches_the_broker(fate: Option<Fate>) -> bool {
    !matches!(fate, Some(Fate::Return | Fate::Postpone))
}
