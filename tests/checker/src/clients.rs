//! What the clients asked for, and what they were told.

use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::contract::{self, Says};
use crate::ids::{Hash, IdMap, read_hash};
use crate::lines::Lines;
use crate::record::{Answer, ClientRecord, Invoke, Resource};

/// A command over all its attempts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Command {
    /// What it says; `None` when nobody invoked it.
    pub(crate) says: Option<Says>,
    /// How often it was sent.
    pub(crate) invoked: u32,
    /// When it was sent first and last, in milliseconds since the run began.
    pub(crate) sent_ms: (u64, u64),
    /// How often it was refused.
    pub(crate) refused: u32,
    /// How often it was answered.
    pub(crate) answered: u32,
    /// When its first answer came.
    pub(crate) answered_ms: u64,
    /// The hash of its first answer.
    pub(crate) answer: Option<Hash>,
    /// Whether another answer has another hash, or names another resource.
    pub(crate) answers_differ: bool,
    /// The resource that the first answer names.
    pub(crate) resource: Option<Box<Resource<'static>>>,
}

impl Command {
    /// Whether the service said at each attempt that nothing happened.
    pub(crate) fn is_refused(&self) -> bool {
        self.invoked > 0 && self.refused == self.invoked
    }
}

/// Reads the clients' history.
///
/// # Errors
/// When there is none, or it cannot be read, or it names a method that the judge does not know.
pub(crate) fn read(path: &Path) -> Result<IdMap<Command>> {
    let mut commands = IdMap::default();
    Lines::open(path)?.each(|line| {
        let record = serde_json::from_slice(line).context("no record of a client")?;
        note(&mut commands, record)
    })?;
    Ok(commands)
}

fn note(commands: &mut IdMap<Command>, record: ClientRecord<'_>) -> Result<()> {
    match record {
        ClientRecord::Invoke(invoke) => {
            let command = commands.entry(invoke.request_id).or_default();
            command.invoke(&invoke)
        }
        ClientRecord::Ok(answer) => {
            let command = commands.entry(answer.request_id).or_default();
            command.answer(answer)
        }
        ClientRecord::Refused(refusal) => {
            commands.entry(refusal.request_id).or_default().refused += 1;
            Ok(())
        }
        // That it was invoked says as much.
        ClientRecord::Unknown(_) => Ok(()),
    }
}

impl Command {
    fn invoke(&mut self, invoke: &Invoke<'_>) -> Result<()> {
        let Some(says) = contract::says(&invoke.method) else {
            bail!("{} is no command that the judge knows", invoke.method);
        };
        if self.invoked == 0 {
            self.sent_ms.0 = invoke.at_ms;
        }
        self.sent_ms.1 = invoke.at_ms;
        self.invoked += 1;
        self.says = Some(says);
        Ok(())
    }

    fn answer(&mut self, answer: Answer<'_>) -> Result<()> {
        let hash = read_hash(&answer.answer_hash).context("the answer's hash is no SHA-256")?;
        let resource = answer.resource.map(|named| Resource {
            aggregate: named.aggregate.into_owned().into(),
            aggregate_id: named.aggregate_id.into_owned().into(),
            version: named.version,
        });
        if self.answered > 0 {
            let same = self.answer == Some(hash) && self.resource.as_deref() == resource.as_ref();
            self.answers_differ |= !same;
        } else {
            self.answered_ms = answer.at_ms;
            self.answer = Some(hash);
            self.resource = resource.map(Box::new);
        }
        self.answered += 1;
        Ok(())
    }
}
