//! An event on the wire: CloudEvents 1.0 in binary mode.
//!
//! # Design notes
//! Attributes travel as headers `cloudEvents_*`, the protobuf message is the body. Headers are
//! plain strings, so the same flat map serves AMQP, parked events and dead letters: one codec,
//! whatever the message waits in.

use std::borrow::Cow;
use std::collections::BTreeMap;

use handslag_proto::EventMessage;
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable, LongString};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

/// Headers as they are stored.
pub type Headers = BTreeMap<String, String>;

/// Media type of the body.
const CONTENT_TYPE: &str = "application/protobuf";
/// The message survives a restart of the broker.
const PERSISTENT: u8 = 2;

const ID: &str = "cloudEvents_id";
const SOURCE: &str = "cloudEvents_source";
const TYPE: &str = "cloudEvents_type";
const SUBJECT: &str = "cloudEvents_subject";
const TIME: &str = "cloudEvents_time";
const SPECVERSION: &str = "cloudEvents_specversion";
const SEQUENCE: &str = "cloudEvents_sequence";
const SEQ: &str = "cloudEvents_seq";
const ACTOR: &str = "cloudEvents_actor";
const AGGREGATE: &str = "cloudEvents_aggregate";
const AGGREGATE_ID: &str = "cloudEvents_aggregateid";
const TRACEPARENT: &str = "traceparent";
/// What a message between our own ends is, if it is no event.
const CONTROL: &str = "handslag_control";

/// An event with what surrounds it.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope<E> {
    /// The event's id, the same in every delivery.
    pub id: Uuid,
    /// CloudEvents type.
    pub r#type: String,
    /// Producing service.
    pub service: String,
    /// Aggregate type.
    pub aggregate: String,
    /// Aggregate id, unique within its type.
    pub aggregate_id: String,
    /// Resource name.
    pub subject: String,
    /// Version of the aggregate after the event.
    pub version: i64,
    /// Number in the producer's log.
    pub seq: i64,
    /// When it was decided.
    pub time: OffsetDateTime,
    /// Who did it.
    pub actor: String,
    /// Trace of the command, W3C `traceparent`.
    pub traceparent: Option<String>,
    /// What happened.
    pub body: E,
}

/// A body that has not been decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raw {
    /// Encoded protobuf message.
    pub payload: Vec<u8>,
}

/// Why a message is no event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the header {0} is missing or malformed")]
pub struct Malformed(pub &'static str);

impl Envelope<Raw> {
    /// With the body as message `E`.
    ///
    /// # Errors
    /// When the payload is not an encoded `E`.
    pub fn decode<E: EventMessage>(&self) -> Result<Envelope<E>, prost::DecodeError> {
        let body = E::decode(self.body.payload.as_slice())?;
        Ok(Envelope {
            id: self.id,
            r#type: self.r#type.clone(),
            service: self.service.clone(),
            aggregate: self.aggregate.clone(),
            aggregate_id: self.aggregate_id.clone(),
            subject: self.subject.clone(),
            version: self.version,
            seq: self.seq,
            time: self.time,
            actor: self.actor.clone(),
            traceparent: self.traceparent.clone(),
            body,
        })
    }

    /// The envelope that these headers describe.
    pub(crate) fn from_headers(headers: &Headers, payload: Vec<u8>) -> Result<Self, Malformed> {
        let text = |name: &'static str| headers.get(name).cloned().ok_or(Malformed(name));
        let number = |name: &'static str, most: i64| {
            let value = headers
                .get(name)
                .and_then(|value| value.parse::<i64>().ok());
            value
                .filter(|value| (1..=most).contains(value))
                .ok_or(Malformed(name))
        };
        if headers.get(SPECVERSION).map(String::as_str) != Some("1.0") {
            return Err(Malformed(SPECVERSION));
        }
        Ok(Self {
            id: text(ID)?.parse().map_err(|_| Malformed(ID))?,
            r#type: text(TYPE)?,
            service: text(SOURCE)?
                .strip_prefix("/handslag/")
                .map(str::to_owned)
                .ok_or(Malformed(SOURCE))?,
            aggregate: text(AGGREGATE)?,
            aggregate_id: text(AGGREGATE_ID)?,
            subject: text(SUBJECT)?,
            // A version must have a next one, or its aggregate could never be gone on with.
            version: number(SEQUENCE, i64::MAX - 1)?,
            seq: number(SEQ, i64::MAX)?,
            time: OffsetDateTime::parse(&text(TIME)?, &Rfc3339).map_err(|_| Malformed(TIME))?,
            actor: text(ACTOR)?,
            traceparent: headers.get(TRACEPARENT).cloned(),
            body: Raw { payload },
        })
    }

    /// The attributes that describe this envelope, by the names of their headers.
    fn attributes(&self) -> impl Iterator<Item = (&'static str, Cow<'_, str>)> {
        let time = self.time.format(&Rfc3339).unwrap_or_default();
        let attributes = [
            (ID, self.id.to_string().into()),
            (SOURCE, format!("/handslag/{}", self.service).into()),
            (TYPE, self.r#type.as_str().into()),
            (SUBJECT, self.subject.as_str().into()),
            (TIME, time.into()),
            (SPECVERSION, "1.0".into()),
            (SEQUENCE, self.version.to_string().into()),
            (SEQ, self.seq.to_string().into()),
            (ACTOR, self.actor.as_str().into()),
            (AGGREGATE, self.aggregate.as_str().into()),
            (AGGREGATE_ID, self.aggregate_id.as_str().into()),
        ];
        let traceparent = self.traceparent.as_deref();
        attributes
            .into_iter()
            .chain(traceparent.map(|traceparent| (TRACEPARENT, traceparent.into())))
    }

    /// The headers that describe this envelope.
    pub(crate) fn headers(&self) -> Headers {
        self.attributes()
            .map(|(name, value)| (name.to_owned(), value.into_owned()))
            .collect()
    }

    /// The properties under which it is published.
    pub(crate) fn properties(&self) -> BasicProperties {
        BasicProperties::default()
            .with_content_type(CONTENT_TYPE.into())
            .with_delivery_mode(PERSISTENT)
            .with_message_id(self.id.to_string().into())
            .with_headers(table(self.attributes()))
    }
}

/// The properties of a message between our own ends.
pub(crate) fn control_properties(kind: &'static str) -> BasicProperties {
    BasicProperties::default()
        .with_content_type("application/json".into())
        .with_delivery_mode(PERSISTENT)
        .with_headers(table([(CONTROL, Cow::from(kind))]))
}

/// What a message between our own ends is, if it is one.
pub(crate) fn control_kind(headers: &Headers) -> Option<&str> {
    headers.get(CONTROL).map(String::as_str)
}

/// Headers of a delivery, as strings. Those that are no scalar (`x-death`) are left out.
pub(crate) fn received_headers(properties: &BasicProperties) -> Headers {
    let Some(table) = properties.headers() else {
        return Headers::new();
    };
    table
        .inner()
        .iter()
        .filter_map(|(name, value)| {
            let value = match value {
                AMQPValue::LongString(text) => {
                    String::from_utf8_lossy(text.as_bytes()).into_owned()
                }
                AMQPValue::ShortString(text) => text.to_string(),
                AMQPValue::LongLongInt(number) => number.to_string(),
                AMQPValue::LongInt(number) => number.to_string(),
                AMQPValue::LongUInt(number) => number.to_string(),
                AMQPValue::ShortInt(number) => number.to_string(),
                AMQPValue::ShortUInt(number) => number.to_string(),
                AMQPValue::ShortShortInt(number) => number.to_string(),
                AMQPValue::ShortShortUInt(number) => number.to_string(),
                AMQPValue::Boolean(flag) => flag.to_string(),
                _ => return None,
            };
            Some((without_nul(name.to_string()), without_nul(value)))
        })
        .collect()
}

/// Without a map of strings in between: this is done for each event.
fn table<'a>(headers: impl IntoIterator<Item = (&'static str, Cow<'a, str>)>) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, value) in headers {
        let value = LongString::from(value.into_owned());
        table.insert(name.into(), AMQPValue::LongString(value));
    }
    table
}

/// PostgreSQL's text cannot hold a NUL, and a hostile header must not stop its own burial.
fn without_nul(text: String) -> String {
    if text.contains('\0') {
        text.replace('\0', "\u{fffd}")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use handslag_proto::events::v1::AreaCreated;
    use lapin::BasicProperties;
    use lapin::types::{AMQPValue, FieldArray, FieldTable, LongString};
    use proptest::prelude::{
        Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest,
    };
    use proptest::sample::select;
    use time::OffsetDateTime;
    use uuid::Uuid;

    use super::{Envelope, Headers, Malformed, Raw, received_headers};

    fn envelope(subject: String, version: i64, seconds: i64) -> Envelope<Raw> {
        Envelope {
            id: Uuid::from_u128(7),
            r#type: "se.handslag.registry.area.created.v1".to_owned(),
            service: "registry".to_owned(),
            aggregate: "area".to_owned(),
            aggregate_id: "social".to_owned(),
            subject,
            version,
            seq: version,
            time: OffsetDateTime::from_unix_timestamp(seconds).unwrap(),
            actor: "åsa".to_owned(),
            traceparent: None,
            body: Raw {
                payload: vec![1, 2, 3],
            },
        }
    }

    proptest! {
        #[test]
        fn an_envelope_survives_the_wire(
            subject in "[^\\x00]{0,40}",
            version in 1..i64::MAX,
            seconds in 0_i64..4_000_000_000,
            payload in any::<Vec<u8>>(),
        ) {
            let mut sent = envelope(subject, version, seconds);
            sent.body.payload = payload;
            let headers = received_headers(&sent.properties());
            let received = Envelope::from_headers(&headers, sent.body.payload.clone());
            prop_assert_eq!(received, Ok(sent));
        }
    }

    /// Values of every type that a header may have, absurd ones among them.
    fn values() -> impl Strategy<Value = AMQPValue> {
        let bytes = proptest::collection::vec(any::<u8>(), 0..40);
        let leaf = prop_oneof![
            bytes.prop_map(|bytes| AMQPValue::LongString(LongString::from(bytes))),
            "\\PC{0,20}".prop_map(|text| AMQPValue::LongString(text.as_str().into())),
            any::<i64>().prop_map(AMQPValue::LongLongInt),
            any::<u32>().prop_map(AMQPValue::LongUInt),
            any::<i8>().prop_map(AMQPValue::ShortShortInt),
            any::<bool>().prop_map(AMQPValue::Boolean),
            any::<f64>().prop_map(AMQPValue::Double),
            any::<u64>().prop_map(AMQPValue::Timestamp),
            Just(AMQPValue::Void),
        ];
        leaf.prop_recursive(3, 12, 3, |inner| {
            let list = proptest::collection::vec(inner.clone(), 0..3);
            let table = inner.prop_map(|value| {
                let mut table = FieldTable::default();
                table.insert("a".into(), value);
                AMQPValue::FieldTable(table)
            });
            let array = list.prop_map(|list| AMQPValue::FieldArray(FieldArray::from(list)));
            prop_oneof![array, table]
        })
    }

    /// Texts that a header of an event might hold, and such that it might not.
    fn texts() -> impl Strategy<Value = String> {
        const ODD: &[&str] = &[
            "",
            "0",
            "-1",
            "1",
            "9223372036854775807",
            "9223372036854775808",
            "+1",
            " 1",
            "1.0",
            "/handslag/",
            "/handslag/registry",
            "0000-01-01T00:00:00Z",
            "9999-12-31T23:59:60Z",
            "9999-12-31T23:59:59-23:59",
            "2026-03-01t12:00:00z",
            "{00000000-0000-0000-0000-000000000007}",
        ];
        prop_oneof![select(ODD).prop_map(str::to_owned), "\\PC{0,30}"]
    }

    proptest! {
        #[test]
        fn whatever_the_headers_are_the_event_is_refused_or_survives_the_wire_again(
            changes in proptest::collection::btree_map(
                select(envelope(String::new(), 1, 0).headers().into_keys().collect::<Vec<_>>()),
                proptest::option::of(texts()),
                0..4,
            ),
            others in proptest::collection::btree_map("\\PC{0,20}", "\\PC{0,20}", 0..3),
            payload in any::<Vec<u8>>(),
        ) {
            let mut headers = envelope("areas/social".to_owned(), 1, 0).headers();
            headers.extend(others);
            for (name, value) in changes {
                match value {
                    Some(value) => headers.insert(name, value),
                    None => headers.remove(&name),
                };
            }
            let Ok(read) = Envelope::from_headers(&headers, payload.clone()) else {
                return Ok(());
            };
            prop_assert!(read.version >= 1 && read.seq >= 1);
            let again = received_headers(&read.properties());
            prop_assert_eq!(Envelope::from_headers(&again, payload), Ok(read.clone()));
            // A message or none, and never a panic.
            let _either = read.decode::<AreaCreated>();
        }

        #[test]
        fn whatever_a_header_holds_it_is_a_text_that_can_be_kept_or_left_out(
            values in proptest::collection::btree_map("\\PC{0,20}|a\u{0}b", values(), 0..5),
        ) {
            let mut table = FieldTable::default();
            for (name, value) in values {
                table.insert(name.as_str().into(), value);
            }
            let headers: Headers =
                received_headers(&BasicProperties::default().with_headers(table));
            for (name, value) in &headers {
                prop_assert!(!name.contains('\0') && !value.contains('\0'));
            }
            prop_assert!(Envelope::from_headers(&headers, vec![]).is_err());
        }
    }

    #[test]
    fn each_missing_header_is_named() {
        let sent = envelope("areas/social".to_owned(), 1, 0);
        for name in sent.headers().keys() {
            let mut headers = sent.headers();
            headers.remove(name);
            let Malformed(missing) = Envelope::from_headers(&headers, vec![]).unwrap_err();
            assert_eq!(missing, name);
        }
    }

    #[test]
    fn refuses_versions_before_the_first_and_without_a_next() {
        let mut headers = envelope(String::new(), 1, 0).headers();
        for version in ["0", "-1", "9223372036854775807"] {
            headers.insert(super::SEQUENCE.to_owned(), version.to_owned());
            let refused = Envelope::from_headers(&headers, vec![]).unwrap_err();
            assert_eq!(refused, Malformed(super::SEQUENCE), "{version}");
        }
    }
}
