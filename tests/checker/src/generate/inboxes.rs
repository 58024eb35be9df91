//! The notifications as a consumer: every event kept once, and told to whom it matches.

use std::collections::{BTreeMap, VecDeque};

use anyhow::Result;
use handslag_proto::common::v1::EventScope;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Town;
use super::chance::Chance;
use super::out::Out;
use super::platform::Appended;
use crate::contract::body::Body;
use crate::contract::{NOTIFICATIONS, descriptor};
use crate::ids::{decode, encode};
use crate::record::{Filter, Seen, Subscriber};

/// Events of a producer that may wait before they are heard.
const WAITING_MOST: usize = 20;

/// What a subscription of this town asks for; what is `None` asks for nothing.
#[derive(Debug, Clone, Default)]
pub(super) struct Wish {
    pub(super) prefix: Option<String>,
    pub(super) area: Option<String>,
    pub(super) agreement: Option<Uuid>,
    pub(super) board: Option<String>,
    pub(super) severity: i32,
}

impl Wish {
    fn fits(&self, reader: Option<&String>, of: &str, severity: i32, scope: &EventScope) -> bool {
        let board = scope.district_board.strip_prefix("districtBoards/");
        if let (Some(reader), Some(board)) = (reader, board)
            && reader != board
        {
            return false;
        }
        if let Some(prefix) = &self.prefix
            && !of.starts_with(prefix)
        {
            return false;
        }
        if let Some(area) = &self.area
            && !scope.areas.is_empty()
            && !scope.areas.contains(&format!("areas/{area}"))
        {
            return false;
        }
        if let Some(agreement) = self.agreement
            && scope.agreement != format!("agreements/{}", encode(agreement))
        {
            return false;
        }
        if let (Some(asked), Some(board)) = (&self.board, board)
            && asked != board
        {
            return false;
        }
        severity >= self.severity
    }

    /// As a request says it.
    pub(super) fn filter(&self) -> Filter {
        let one = |collection: &str, code: &Option<String>| {
            code.iter()
                .map(|code| format!("{collection}/{code}"))
                .collect()
        };
        Filter {
            event_types: self.prefix.iter().cloned().collect(),
            areas: one("areas", &self.area),
            agreements: self
                .agreement
                .iter()
                .map(|id| format!("agreements/{}", encode(*id)))
                .collect(),
            district_boards: one("districtBoards", &self.board),
            minimum_severity: self.severity,
        }
    }
}

/// A subscriber with its inbox.
#[derive(Debug)]
struct Reader {
    id: Uuid,
    board: Option<String>,
    wishes: Vec<(Uuid, Wish)>,
    last: i64,
    /// Of a client that follows: its connection, and what it saw last.
    client: Option<(u32, VecDeque<Seen<'static>>)>,
}

/// An event that waits to be heard.
#[derive(Debug)]
struct Waiting {
    event: Appended,
    scope: EventScope,
    /// The board that it creates, with its names.
    names: Option<(String, (String, String))>,
}

/// The inboxes.
#[derive(Debug, Default)]
pub(super) struct Inboxes {
    queues: BTreeMap<&'static str, VecDeque<Waiting>>,
    readers: Vec<Reader>,
    boards: BTreeMap<String, (String, String)>,
    seq: i64,
    complete_after: i64,
}

impl Inboxes {
    /// Somebody is to be told; a known subscriber's client follows its inbox.
    pub(super) fn register(&mut self, id: Uuid, board: Option<String>, follows: bool) {
        let client = follows.then(|| (1, VecDeque::new()));
        self.readers.push(Reader {
            id,
            board,
            wishes: Vec::new(),
            last: 0,
            client,
        });
    }

    /// A subscription begins.
    pub(super) fn subscribe(&mut self, subscriber: Uuid, subscription: Uuid, wish: &Wish) {
        for reader in self
            .readers
            .iter_mut()
            .filter(|reader| reader.id == subscriber)
        {
            reader.wishes.push((subscription, wish.clone()));
        }
    }

    /// A subscription ends.
    pub(super) fn unsubscribe(&mut self, subscription: Uuid) {
        for reader in &mut self.readers {
            reader.wishes.retain(|(id, _)| *id != subscription);
        }
    }

    /// All known subscriptions are in force from here on.
    pub(super) fn all_in_force(&mut self) {
        self.complete_after = self.seq;
    }

    /// The last position of a subscriber.
    pub(super) fn last(&self, subscriber: Uuid) -> i64 {
        let reader = self.readers.iter().find(|reader| reader.id == subscriber);
        reader.map_or(0, |reader| reader.last)
    }

    /// The subscribers that the manifest knows.
    pub(super) fn known(&self) -> Vec<Subscriber> {
        let followed = self.readers.iter().filter(|reader| reader.client.is_some());
        let known = followed.map(|reader| Subscriber {
            name: format!("subscribers/{}", encode(reader.id)),
            filters: reader
                .wishes
                .iter()
                .map(|(_, wish)| wish.filter())
                .collect(),
            complete_after: Some(self.complete_after),
            to_end: true,
        });
        known.collect()
    }

    /// An event is on its way here.
    pub(super) fn queue(&mut self, event: Appended, body: &Body) {
        let names = match body {
            Body::DistrictBoardCreated(body) => {
                let title = body.title.clone().unwrap_or_default();
                let code = body.district_board.replace("districtBoards/", "");
                let english = if title.en.is_empty() {
                    title.sv.clone()
                } else {
                    title.en
                };
                Some((code, (title.sv, english)))
            }
            _ => None,
        };
        let scope = body.scope().cloned().unwrap_or_default();
        self.queues
            .entry(event.service)
            .or_default()
            .push_back(Waiting {
                event,
                scope,
                names,
            });
    }

    fn deliver(&mut self, waiting: Waiting, chance: &mut Chance, out: &mut Out) -> Result<()> {
        let Waiting {
            event,
            scope,
            names,
        } = waiting;
        self.boards.extend(names);
        self.seq += 1;
        let severity = descriptor(event.r#type).map_or(0, |known| known.severity);
        out.row(NOTIFICATIONS, "event", &self.row(&event, &scope, severity))?;
        for reader in &mut self.readers {
            let board = reader.board.clone();
            let fits = |(_, wish): &(Uuid, Wish)| {
                wish.fits(board.as_ref(), event.r#type, severity, &scope)
            };
            if reader.wishes.iter().any(fits) {
                reader.last += 1;
                let row =
                    json!({ "subscriber": reader.id, "position": reader.last, "event": event.id });
                out.row(NOTIFICATIONS, "notification", &row)?;
                reader.see(&event, chance, out)?;
            }
        }
        Ok(())
    }

    fn row(&self, event: &Appended, scope: &EventScope, severity: i32) -> Value {
        let bare = |name: &str| name.split_once('/').map(|(_, bare)| bare.to_owned());
        let agreement = bare(&scope.agreement);
        let board = bare(&scope.district_board);
        let name = board.as_ref().and_then(|code| self.boards.get(code));
        let (title_sv, title_en) = title(event.r#type, name);
        json!({
            "seq": self.seq, "id": event.id, "type": event.r#type, "subject": event.subject,
            "subject_version": event.version, "occurred_at": event.time,
            "agreement": agreement.as_deref().and_then(decode),
            "areas": scope.areas.iter().filter_map(|name| bare(name)).collect::<Vec<_>>(),
            "district_board": board, "severity": severity, "title_sv": title_sv,
            "title_en": title_en, "link": link(&event.subject, agreement.as_deref()),
        })
    }

    /// Ends the clients' logs at the last position of each.
    pub(super) fn finish(&mut self, out: &mut Out) -> Result<()> {
        for reader in &mut self.readers {
            if let Some((connection, seen)) = &mut reader.client {
                // What was not acknowledged comes again to whoever comes back.
                *connection += 1;
                for again in seen {
                    again.connection = *connection;
                    out.seen(&encode(reader.id), again)?;
                }
            }
        }
        Ok(())
    }
}

impl Reader {
    fn see(&mut self, event: &Appended, chance: &mut Chance, out: &mut Out) -> Result<()> {
        let file = encode(self.id);
        let Some((connection, recent)) = &mut self.client else {
            return Ok(());
        };
        if chance.one_in(30) {
            *connection += 1;
            for again in recent.iter_mut() {
                again.connection = *connection;
                out.seen(&file, again)?;
            }
        }
        let seen = Seen {
            subscriber: format!("subscribers/{file}").into(),
            event_id: event.id,
            event_type: event.r#type.into(),
            subject: event.subject.clone().into(),
            subject_version: event.version,
            position: self.last,
            connection: *connection,
            at_ms: 0,
        };
        out.seen(&file, &seen)?;
        recent.push_back(seen);
        if recent.len() > 3 {
            recent.pop_front();
        }
        Ok(())
    }
}

impl Town {
    /// Some of what waits is heard, of either producer.
    pub(super) fn deliver_some(&mut self) -> Result<()> {
        let producers: Vec<&'static str> = self.inboxes.queues.keys().copied().collect();
        for producer in producers {
            while self.chance.one_in(2) || self.waiting(producer) > WAITING_MOST {
                let queue = self.inboxes.queues.get_mut(producer);
                let Some(next) = queue.and_then(VecDeque::pop_front) else {
                    break;
                };
                self.inboxes
                    .deliver(next, &mut self.chance, &mut self.out)?;
            }
        }
        Ok(())
    }

    /// Everything that waits is heard.
    pub(super) fn drain(&mut self) -> Result<()> {
        while self.inboxes.queues.values().any(|queue| !queue.is_empty()) {
            self.deliver_some()?;
        }
        Ok(())
    }

    fn waiting(&self, producer: &str) -> usize {
        self.inboxes.queues.get(producer).map_or(0, VecDeque::len)
    }
}

/// The page about a subject.
fn link(subject: &str, agreement: Option<&str>) -> String {
    let last = subject.rsplit('/').next().unwrap_or_default();
    let pages = [
        ("organisations/", "/organisationer/"),
        ("commitments/", "/ataganden/"),
        ("actionPlans/", "/handlingsplan/"),
        ("actions/", "/handlingsplan#"),
        ("followUps/", "/uppfoljning/"),
    ];
    if let Some((_, page)) = pages
        .iter()
        .find(|(collection, _)| subject.starts_with(collection))
    {
        return format!("{page}{last}");
    }
    if subject.contains("/signatories/") {
        return format!("/organisationer/{last}");
    }
    if subject.starts_with("deliberations/") || subject.starts_with("districtBoards/") {
        return "/stadsdelar".to_owned();
    }
    match agreement {
        Some(agreement) => format!("/overenskommelsen/{agreement}"),
        None => "/overenskommelsen".to_owned(),
    }
}

/// The sentences of an event, whose board goes by `name` when it is known.
fn title(r#type: &str, name: Option<&(String, String)>) -> (String, String) {
    let texts = [
        include_str!("../../../../services/notifications/texts/sv.ftl"),
        include_str!("../../../../services/notifications/texts/en.ftl"),
    ];
    let key = r#type
        .replace("se.handslag.", "")
        .replace(".v1", "")
        .replace('.', "-");
    let sentence = |text: &str, name: Option<&String>| {
        let start = text
            .find(&format!("\n{key} = "))
            .map_or(0, |at| at + key.len() + 4);
        let rest = &text[start..];
        let line = |from: &str| from.lines().next().unwrap_or_default().to_owned();
        if !rest.starts_with('{') {
            return line(rest);
        }
        let variant = if name.is_some() {
            "*[other] "
        } else {
            "[none] "
        };
        let chosen = rest.split_once(variant).map_or("", |(_, chosen)| chosen);
        line(chosen).replace("{ $district }", name.map_or("", String::as_str))
    };
    (
        sentence(texts[0], name.map(|name| &name.0)),
        sentence(texts[1], name.map(|name| &name.1)),
    )
}
