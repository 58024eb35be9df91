//! One case: a method, a caller, and what is sent.

use http::HeaderValue;
use prost::Message as _;
use prost_reflect::{DynamicMessage, MethodDescriptor};

use super::bytes::{frame, misframe, mutate};
use super::callers::{Access, Caller, Signer};
use super::chance::Chance;
use super::is_command;
use super::judge::{Form, Question};
use super::known::Known;
use super::message::Writer;
use super::wire::Sent;

/// Largest message that a service reads, in bytes.
const MESSAGE_BYTES_MOST: usize = handslag_platform::rpc::MESSAGE_BYTES_MOST;
/// Of a hundred cases so many send changed bytes,
const MUTATED: usize = 18;
/// and so many a frame that does not fit; the others a message.
const MISFRAMED: usize = 7;

/// Of a hundred cases so many have a header that bites.
const WITH_HEADER: u32 = 10;
/// Such headers: traces that cannot be, times that nobody has, bytes of no meaning.
const HEADERS: [(&str, &str); 15] = [
    (
        "traceparent",
        "00-00000000000000000000000000000000-0000000000000000-00",
    ),
    (
        "traceparent",
        "00-ffffffffffffffffffffffffffffffff-ffffffffffffffff-ff",
    ),
    (
        "traceparent",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
    ),
    (
        "traceparent",
        "00-0AF7651916CD43DD8448EB211C80319C-B7AD6B7169203331-01",
    ),
    (
        "traceparent",
        "00-'; DROP TABLE area; ---b7ad6b7169203331-01",
    ),
    ("traceparent", ""),
    ("tracestate", "a=1,a=2,,=,b"),
    ("grpc-timeout", "99999999H"),
    ("grpc-timeout", "999999999S"),
    ("grpc-timeout", "-1S"),
    ("grpc-timeout", "1e3S"),
    ("grpc-timeout", "S"),
    ("grpc-timeout", ""),
    ("grpc-trace-bin", "not base64"),
    ("x-request-id", ""),
];

/// One case.
pub(super) struct Case {
    pub(super) number: u64,
    pub(super) question: Question,
    pub(super) caller: Caller,
    /// What it began as.
    pub(super) request: DynamicMessage,
    /// What was done to it, for people.
    pub(super) treatment: &'static str,
    /// What is sent instead of it, frame included.
    pub(super) body: Vec<u8>,
    encoding: Option<&'static str>,
    header: Option<(&'static str, HeaderValue)>,
}

impl Case {
    /// Draws a case.
    pub(super) fn draw(
        seed: u64,
        number: u64,
        methods: &[MethodDescriptor],
        known: &Known,
    ) -> Self {
        let mut chance = Chance::of(seed, number);
        let turn = usize::try_from(number % methods.len() as u64).unwrap_or_default();
        let method = methods[turn].clone();
        let treated = chance.below(100);
        let is_message = treated >= MUTATED + MISFRAMED;
        let request = if is_message {
            Writer::any(known, &mut chance).request(&method.input())
        } else {
            // Of bytes that were nothing before, nothing is learned.
            Writer::right(known, &mut chance).request(&method.input())
        };
        let access = Access::of(&method);
        let caller = access.caller(&request, known, &mut chance);
        let message = request.encode_to_vec();
        let sent = if is_message {
            Treated::not_at_all(&message)
        } else if treated < MUTATED {
            let other = Writer::right(known, &mut chance).request(&method.input());
            Treated::changed(&mutate(&message, &other.encode_to_vec(), &mut chance))
        } else {
            Treated::misframed(&message, &mut chance)
        };
        let header = chance.percent(WITH_HEADER).then(|| header(&mut chance));
        let is_read = (sent.form == Form::Message).then_some(&request);
        Self {
            number,
            question: Question {
                entry: access.entry(&caller, is_read),
                form: sent.form,
                method,
            },
            caller,
            request,
            treatment: sent.treatment,
            body: sent.body,
            encoding: sent.encoding,
            header,
        }
    }

    /// What goes over the wire.
    pub(super) fn sent(&self, signer: &Signer<'_>) -> Sent {
        let authorization = signer.authorization(&self.caller);
        Sent {
            encoding: self.encoding,
            header: self.header.clone(),
            body: self.body.clone().into(),
            ..Sent::right(&self.question.method, authorization, &self.request)
        }
    }

    /// Whether it is a command as it should be, which has one effect however often it is sent.
    pub(super) fn is_command(&self) -> bool {
        self.question.form == Form::Message && is_command(&self.question.method)
    }
}

/// A header that is read before the message, and is absurd; none of them changes the answer.
fn header(chance: &mut Chance) -> (&'static str, HeaderValue) {
    let (name, value) = *chance.pick(&HEADERS);
    if value.is_empty() {
        let length = chance.below(300);
        let noise: Vec<u8> = chance.bytes(length);
        let visible = noise
            .into_iter()
            .map(|byte| byte | 0x80)
            .collect::<Vec<u8>>();
        return (
            name,
            HeaderValue::from_bytes(&visible).expect("no control characters"),
        );
    }
    (name, HeaderValue::from_static(value))
}

/// A message as it is sent.
struct Treated {
    treatment: &'static str,
    form: Form,
    body: Vec<u8>,
    encoding: Option<&'static str>,
}

impl Treated {
    fn not_at_all(message: &[u8]) -> Self {
        let is_too_large = message.len() > MESSAGE_BYTES_MOST;
        Self {
            treatment: "a message",
            form: if is_too_large {
                Form::TooLarge
            } else {
                Form::Message
            },
            body: frame(message),
            encoding: None,
        }
    }

    fn changed(bytes: &[u8]) -> Self {
        Self {
            treatment: "changed bytes",
            form: Form::Bytes,
            body: frame(bytes),
            encoding: None,
        }
    }

    fn misframed(message: &[u8], chance: &mut Chance) -> Self {
        let wrong = misframe(message, chance);
        let form = match (wrong.encoding, wrong.is_unreadable) {
            (Some(_), true) => Form::Encoded,
            (None, true) => Form::Unreadable,
            (_, false) => Form::Bytes,
        };
        Self {
            treatment: wrong.fault,
            form,
            body: wrong.body,
            encoding: wrong.encoding,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Case, Form, Known};
    use crate::fuzz::methods;

    fn draw(seed: u64, number: u64) -> Case {
        let methods: Vec<_> = methods().collect();
        Case::draw(seed, number, &methods, &Known::default())
    }

    #[test]
    fn a_case_is_the_same_whenever_it_is_drawn() {
        for number in 0..200 {
            let (one, again) = (draw(5, number), draw(5, number));
            assert_eq!((&one.body, &one.caller), (&again.body, &again.caller));
        }
        assert_ne!(draw(5, 1).body, draw(6, 1).body);
    }

    #[test]
    fn every_method_has_its_turn() {
        let count = methods().count() as u64;
        let turns: BTreeSet<String> = (0..count)
            .map(|number| draw(1, number).question.method.full_name().to_owned())
            .collect();
        assert_eq!(turns.len() as u64, count);
    }

    #[test]
    fn every_form_occurs() {
        let forms: Vec<Form> = (0..3_000)
            .map(|number| draw(1, number).question.form)
            .collect();
        let share = |form| forms.iter().filter(|one| **one == form).count();
        assert!(share(Form::Message) > 1_800, "{}", share(Form::Message));
        assert!(share(Form::Bytes) > 400);
        assert!(share(Form::Unreadable) > 60);
        assert!(share(Form::Encoded) > 5);
        assert!(
            (1..60).contains(&share(Form::TooLarge)),
            "{}",
            share(Form::TooLarge)
        );
    }
}
