//! Fills [`Known`] from the scripts that loaded the town and from what the town answers.

use std::collections::{BTreeMap, BTreeSet};

use handslag_runner::{example, import::Script};
use prost_reflect::{DynamicMessage, MethodDescriptor};
use serde_json::Value;
use tonic::Code;

use super::callers::{Access, Signer};
use super::chance::Chance;
use super::known::Known;
use super::message::Writer;
use super::wire::{Answer, Sent, Wires};
use super::{is_command, methods, name_of};
use crate::Town;

/// Right requests to each method before the first case.
const QUESTIONS: usize = 25;
/// The seed of those requests: what is known must not depend on the seed of the cases.
const SEED: u64 = 0;
/// Where an answer says how to go on, and where the next request repeats it.
const CONTINUATIONS: [(&str, &str); 3] = [
    ("next_page_token", "page_token"),
    ("next_cursor", "cursor"),
    ("resume_token", "resume_token"),
];

/// Learns what there is, commands first: what they leave open is there to be read. Gives the
/// methods, too, that did what they were asked.
pub(super) async fn from(
    town: &Town,
    wires: &Wires,
    signer: &Signer<'_>,
) -> (Known, BTreeSet<String>) {
    let mut known = Known::default();
    let mut fulfilled = BTreeSet::new();
    let record = Script::record().expect("the record");
    for step in record.steps.into_iter().chain(example::steps()) {
        let request = named(&step.request, &town.known);
        known.learn_request(&request_of(&step.call, request));
    }
    let (commands, reads): (Vec<_>, Vec<_>) = methods().partition(is_command);
    // In rounds, so that a command finds what another one has made.
    let rounds = std::iter::repeat_n(&commands, QUESTIONS);
    let rounds = rounds.chain(std::iter::repeat_n(&reads, QUESTIONS));
    for (number, method) in (0..).zip(rounds.flatten()) {
        let learner = Learner {
            wires,
            signer,
            method,
        };
        if learner.ask(number, &mut known).await.is_some() {
            fulfilled.insert(name_of(method));
        }
    }
    (known, fulfilled)
}

struct Learner<'a> {
    wires: &'a Wires,
    signer: &'a Signer<'a>,
    method: &'a MethodDescriptor,
}

impl Learner<'_> {
    /// Makes one request that should be right, and learns from it if it was.
    async fn ask(&self, question: u64, known: &mut Known) -> Option<()> {
        let mut chance = Chance::of(SEED, question);
        let request = Writer::right(known, &mut chance).request(&self.method.input());
        let caller = Access::of(self.method).entitled(&request, known, &mut chance);
        let sent = Sent::right(self.method, self.signer.authorization(&caller), &request);
        let Answer::Whole {
            status, messages, ..
        } = self.wires.send(&sent).await
        else {
            return None;
        };
        let message = messages.first().filter(|_| status.code() == Code::Ok)?;
        let answer = DynamicMessage::decode(self.method.output(), message.as_ref());
        let answer = answer.expect("an answer of the method's type");
        known.learn(&answer);
        if let Some(next) = continued(&request, &answer) {
            known.keep_request(&next);
        }
        Some(())
    }
}

/// The request for what comes after an answer.
fn continued(request: &DynamicMessage, answer: &DynamicMessage) -> Option<DynamicMessage> {
    let (from, to) = CONTINUATIONS
        .into_iter()
        .find(|(from, _)| answer.has_field_by_name(from))?;
    let mut next = request.clone();
    next.set_field_by_name(to, answer.get_field_by_name(from)?.into_owned());
    Some(next)
}

/// The request with `@key` replaced by the name of what that step made.
fn named(request: &Value, names: &BTreeMap<String, String>) -> Value {
    match request {
        Value::String(text) => match text.strip_prefix('@') {
            Some(key) => names
                .get(key)
                .expect("a step that was played")
                .as_str()
                .into(),
            None => request.clone(),
        },
        Value::Array(items) => items.iter().map(|item| named(item, names)).collect(),
        Value::Object(fields) => {
            let field = |(name, field): (&String, &Value)| (name.clone(), named(field, names));
            Value::Object(fields.iter().map(field).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => request.clone(),
    }
}

fn request_of(call: &str, request: Value) -> DynamicMessage {
    let method = methods()
        .find(|method| name_of(method) == call)
        .expect("a method of the contracts");
    DynamicMessage::deserialize(method.input(), request).expect("a step fits the contract")
}
