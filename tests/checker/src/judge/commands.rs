//! I1, I2 and I9: what the clients were told, and what stands in the logs and request logs.
//!
//! **I1** For every command that was answered OK and says something, there is an event with its
//! request id, and the event is that of the resource and version which the answer names, where it
//! names one. When the databases were restored, what was answered between the point and the return
//! may have none; everything else must.
//!
//! **I2** Every event with a request id was asked for by a client, whose method says events of its
//! type; a command that was refused at every attempt has neither event nor answer. An event without
//! a request id is of a type that no command causes ([`UNASKED`]). What was sent only between the
//! point of a restore and the loss has neither event nor answer any more.
//!
//! **I9** No request id has two events. Every event of a command has its answer in the request log
//! and every answer there its event, since both were committed at once. All answers that clients
//! got for one request id are the same, and the same as the remembered one.

use crate::clients::Command;
use crate::contract::{self, Says, UNASKED};
use crate::findings::{Concerns, Findings};
use crate::ids::IdMap;
use crate::log::{Event, EventRef, Log};
use crate::run::Run;
use crate::state::Request;
use crate::verdict::{Aggregate, EventName, Invariant};
use uuid::Uuid;

/// Judges I1, I2 and I9.
pub(crate) fn judge(run: &Run, findings: &mut Findings) {
    let judge = Judge { run };
    for (request, command) in &run.commands {
        judge.command(*request, command, findings);
    }
    for (log, state) in run.services() {
        for event in &log.events {
            judge.event(log, event, &state.requests, findings);
        }
        for (id, request) in &state.requests {
            judge.remembered(*id, request, findings);
        }
    }
    for second in &run.logs.twice_request {
        let (_, event) = run.logs.at(*second);
        let request = event.request_id.unwrap_or_default();
        findings.add(Invariant::I9, || {
            let text = format!("the request {request} has more than one event");
            (run.logs.concerns(*second), text)
        });
    }
}

struct Judge<'a> {
    run: &'a Run,
}

impl Judge<'_> {
    fn command(&self, request: Uuid, command: &Command, findings: &mut Findings) {
        if command.invoked == 0 {
            findings.plain(Invariant::I2, || {
                format!("the request {request} was answered, and nobody has sent it")
            });
        }
        if command.answers_differ {
            findings.add(Invariant::I9, || {
                let text = format!("the request {request} was answered in different ways");
                (self.of_request(request), text)
            });
        }
        self.lost(request, command, findings);
        if command.answered == 0 {
            return;
        }
        self.remembered_alike(request, command, findings);
        if command.says == Some(Says::Nothing) {
            return;
        }
        match self.run.logs.by_request(request) {
            None if self.may_be_lost(command) => {}
            None => findings.add(Invariant::I1, || {
                (
                    named(command),
                    format!("the request {request} was answered OK and has no event"),
                )
            }),
            Some(at) => self.named_alike(request, command, at, findings),
        }
    }

    fn may_be_lost(&self, command: &Command) -> bool {
        let restored = self.run.manifest.restored.as_ref();
        restored.is_some_and(|restored| restored.may_lose(command.answered_ms))
    }

    /// What a restore took back has left nothing.
    fn lost(&self, request: Uuid, command: &Command, findings: &mut Findings) {
        let (first, last) = command.sent_ms;
        let restored = self.run.manifest.restored.as_ref();
        if command.invoked == 0 || !restored.is_some_and(|one| one.must_lose(first, last)) {
            return;
        }
        let mut states = self.run.states.iter();
        let left = match self.run.logs.by_request(request) {
            Some(_) => "has an event",
            None if states.any(|state| state.requests.contains_key(&request)) => "is remembered",
            None => return,
        };
        findings.add(Invariant::I2, || {
            let text = format!(
                "the request {request} was sent after the point of the restore and before the \
                 loss, and {left}"
            );
            (self.of_request(request), text)
        });
    }

    /// The answer names the aggregate and version of its event.
    fn named_alike(&self, request: Uuid, command: &Command, at: EventRef, findings: &mut Findings) {
        let Some(resource) = &command.resource else {
            return;
        };
        let (log, event) = self.run.logs.at(at);
        let (aggregate, id) = log.aggregate(event.aggregate);
        let same = (aggregate, id, event.version)
            == (
                &*resource.aggregate,
                &*resource.aggregate_id,
                resource.version,
            );
        if !same {
            findings.add(Invariant::I1, || {
                let text = format!(
                    "the request {request} was answered with {}/{} at version {}, and its event is \
                     {aggregate}/{id} at version {}",
                    resource.aggregate, resource.aggregate_id, resource.version, event.version
                );
                (log.concerns(event), text)
            });
        }
    }

    /// The answer is the one that the request log remembers.
    fn remembered_alike(&self, request: Uuid, command: &Command, findings: &mut Findings) {
        if command.says == Some(Says::Nothing) {
            return;
        }
        let mut states = self.run.states.iter();
        let text = match states.find_map(|state| state.requests.get(&request)) {
            None if self.may_be_lost(command) => return,
            None => "was answered OK, and no request log remembers it",
            Some(remembered) if remembered.answer != command.answer => {
                "was answered with something else than the request log remembers"
            }
            Some(_) => return,
        };
        findings.add(Invariant::I9, || {
            (
                self.of_request(request),
                format!("the request {request} {text}"),
            )
        });
    }

    fn event(&self, log: &Log, event: &Event, requests: &IdMap<Request>, findings: &mut Findings) {
        let r#type = log.r#type(event);
        let mut invented = |text: String| {
            findings.add(Invariant::I2, || (log.concerns(event), text));
        };
        let Some(request) = event.request_id else {
            if !UNASKED.contains(&r#type) {
                invented(format!(
                    "no command has caused it, and {type} is said by commands alone"
                ));
            }
            return;
        };
        match self.run.commands.get(&request) {
            None => invented(format!("nobody has sent its request {request}")),
            Some(command) if command.is_refused() => {
                invented(format!("its request {request} was refused"));
            }
            Some(command) => match command.says {
                Some(Says::One(says)) if says == r#type => {}
                Some(_) => invented(format!("its request {request} is not one that says {type}")),
                // That nobody sent the request is said once, where the commands are judged.
                None => {}
            },
        }
        let remembered = requests
            .get(&request)
            .is_some_and(|one| one.answer.is_some());
        if !remembered {
            findings.add(Invariant::I9, || {
                let text = format!("the request log remembers no answer to its request {request}");
                (log.concerns(event), text)
            });
        }
    }

    fn remembered(&self, id: Uuid, request: &Request, findings: &mut Findings) {
        let of_request = || self.of_request(id);
        match self.run.commands.get(&id) {
            None => findings.add(Invariant::I2, || {
                (
                    of_request(),
                    format!("the request log remembers {id}, which nobody has sent"),
                )
            }),
            Some(command) if command.is_refused() => findings.add(Invariant::I2, || {
                (
                    of_request(),
                    format!("the request log remembers {id}, which was refused"),
                )
            }),
            Some(_) => {}
        }
        if request.answer.is_none() {
            findings.add(Invariant::I9, || {
                (
                    of_request(),
                    format!("the request {id} was committed without an answer"),
                )
            });
        }
        let says = contract::says(&request.method);
        if !matches!(says, Some(Says::Nothing)) && self.run.logs.by_request(id).is_none() {
            findings.add(Invariant::I9, || {
                let text =
                    format!("the request {id} has an answer in the request log and no event");
                (Concerns::default(), text)
            });
        }
    }

    /// What the event of a request concerns, if it has one.
    fn of_request(&self, request: Uuid) -> Concerns {
        let at = self.run.logs.by_request(request);
        at.map(|at| self.run.logs.concerns(at)).unwrap_or_default()
    }
}

/// The event that an answer names.
fn named(command: &Command) -> Concerns {
    let Some(resource) = &command.resource else {
        return Concerns::default();
    };
    let service = match command.says {
        Some(Says::One(says)) => contract::descriptor(says).map_or("", |event| event.service),
        _ => "",
    };
    Concerns {
        aggregate: Some(Aggregate {
            service: service.to_owned(),
            r#type: resource.aggregate.to_string(),
            id: resource.aggregate_id.to_string(),
        }),
        event: Some(EventName {
            id: None,
            version: Some(resource.version),
        }),
    }
}
