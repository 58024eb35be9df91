//! Subscribers with their subscriptions, and reports.

use anyhow::Result;
use handslag_proto::common::v1::EventScope;
use handslag_proto::events::v1 as events;
use serde_json::json;
use uuid::Uuid;

use super::inboxes::Wish;
use super::{Said, Town};
use crate::calendar::Moment;
use crate::contract::body::Body;
use crate::contract::{NOTIFICATIONS, REPORTING};
use crate::ids::encode;

/// Most subscribers that come while the load runs.
const SUBSCRIBERS_MOST: usize = 9;

/// A subscriber.
#[derive(Debug)]
struct Office {
    id: Uuid,
    board: Option<String>,
    known: bool,
    version: i64,
    registered_at: Moment,
}

/// A subscription.
#[derive(Debug)]
struct Subscription {
    id: Uuid,
    subscriber: Uuid,
    wish: Wish,
    active: bool,
}

/// A report.
#[derive(Debug)]
struct Report {
    id: Uuid,
    board: String,
    /// 1 while it is made, 2 when it is ready or has failed.
    version: i64,
    state: &'static str,
    ordered_at: Moment,
}

/// The offices.
#[derive(Debug, Default)]
pub(super) struct Offices {
    subscribers: Vec<Office>,
    subscriptions: Vec<Subscription>,
    reports: Vec<Report>,
}

impl Town {
    /// A subscriber that is there from the start: a district board, one for an area, and one for
    /// what matters most.
    pub(super) fn register_known_subscriber(&mut self, kind: usize) -> Result<()> {
        let board = self
            .registry
            .district_boards
            .first()
            .map(|board| board.code.clone());
        let area = self.registry.areas.first().map(|area| area.code.clone());
        let (board, wish) = match kind {
            0 => (
                board.clone(),
                Wish {
                    severity: 2,
                    ..Wish::default()
                },
            ),
            1 => (
                None,
                Wish {
                    area,
                    severity: 1,
                    ..Wish::default()
                },
            ),
            _ => (
                None,
                Wish {
                    severity: 3,
                    ..Wish::default()
                },
            ),
        };
        let id = self.register_subscriber(board, true)?;
        self.subscribe(id, wish)?;
        if kind == 2 {
            let prefix = Some("se.handslag.commitments.deliberation.".to_owned());
            self.subscribe(
                id,
                Wish {
                    prefix,
                    ..Wish::default()
                },
            )?;
        }
        Ok(())
    }

    /// Somebody registers, subscribes or unsubscribes.
    pub(super) fn step_subscription(&mut self) -> Result<()> {
        let newcomers: Vec<usize> = (0..self.offices.subscribers.len())
            .filter(|index| !self.offices.subscribers[*index].known)
            .collect();
        if newcomers.len() < SUBSCRIBERS_MOST && (newcomers.is_empty() || self.chance.one_in(3)) {
            self.register_subscriber(None, false)?;
            return Ok(());
        }
        let Some(index) = self.chance.pick(&newcomers).copied() else {
            return Ok(());
        };
        let subscriber = self.offices.subscribers[index].id;
        let own = |one: &Subscription| one.subscriber == subscriber && one.active;
        if let Some(active) = self.offices.subscriptions.iter().position(own)
            && self.chance.one_in(2)
        {
            return self.unsubscribe(active);
        }
        let own = self
            .offices
            .subscriptions
            .iter()
            .filter(|one| one.subscriber == subscriber);
        // A handful each: more would only make the same again.
        if own.count() >= 4 {
            return Ok(());
        }
        let wish = self.wish();
        self.subscribe(subscriber, wish)
    }

    fn wish(&mut self) -> Wish {
        let agreements = &self.registry.agreements;
        let board = self
            .chance
            .pick(&self.registry.district_boards)
            .map(|one| one.code.clone());
        match self.chance.below(5) {
            0 => Wish {
                prefix: Some("se.handslag.registry.signatory.".to_owned()),
                severity: 2,
                ..Wish::default()
            },
            1 => Wish {
                agreement: self.chance.pick(agreements).map(|one| one.id),
                prefix: Some("se.handslag.commitments.".to_owned()),
                ..Wish::default()
            },
            2 => Wish {
                board,
                severity: 3,
                ..Wish::default()
            },
            3 => Wish {
                prefix: Some("se.handslag.registry.organisation.updated.v1".to_owned()),
                ..Wish::default()
            },
            _ => Wish {
                severity: 3,
                ..Wish::default()
            },
        }
    }

    fn register_subscriber(&mut self, board: Option<String>, known: bool) -> Result<Uuid> {
        let id = self.chance.id(self.now);
        let office = Office {
            id,
            board: board.clone(),
            known,
            version: 1,
            registered_at: self.now,
        };
        let body = events::SubscriberRegistered {
            scope: of_office(&office),
            subscriber: format!("subscribers/{}", encode(id)),
            display_name: "Förvaltningen".to_owned(),
            district_board: name_of(&office),
        };
        self.say_office(
            &office,
            "RegisterSubscriber",
            Body::SubscriberRegistered(body),
        )?;
        self.offices.subscribers.push(office);
        self.inboxes.register(id, board, known);
        Ok(id)
    }

    fn subscribe(&mut self, subscriber: Uuid, wish: Wish) -> Result<()> {
        let id = self.chance.id(self.now);
        self.change_subscription(subscriber, id, "Subscribe", true)?;
        self.inboxes.subscribe(subscriber, id, &wish);
        self.offices.subscriptions.push(Subscription {
            id,
            subscriber,
            wish,
            active: true,
        });
        Ok(())
    }

    fn unsubscribe(&mut self, index: usize) -> Result<()> {
        let subscription = &mut self.offices.subscriptions[index];
        subscription.active = false;
        let (id, subscriber) = (subscription.id, subscription.subscriber);
        self.inboxes.unsubscribe(id);
        self.change_subscription(subscriber, id, "Unsubscribe", false)
    }

    fn change_subscription(
        &mut self,
        subscriber: Uuid,
        subscription: Uuid,
        method: &'static str,
        active: bool,
    ) -> Result<()> {
        let of = |office: &Office| office.id == subscriber;
        let Some(index) = self.offices.subscribers.iter().position(of) else {
            return Ok(());
        };
        let mut office = self.offices.subscribers.remove(index);
        office.version += 1;
        let name = format!("subscribers/{}", encode(subscriber));
        let body = events::SubscriberSubscriptionChanged {
            scope: of_office(&office),
            subscription: format!("{name}/subscriptions/{}", encode(subscription)),
            subscriber: name,
            active,
        };
        self.say_office(&office, method, Body::SubscriberSubscriptionChanged(body))?;
        self.offices.subscribers.insert(index, office);
        Ok(())
    }

    fn say_office(&mut self, office: &Office, method: &'static str, body: Body) -> Result<()> {
        self.say(&Said {
            service: NOTIFICATIONS,
            method,
            aggregate_id: encode(office.id),
            version: office.version,
            subject: format!("subscribers/{}", encode(office.id)),
            body,
        })?;
        Ok(())
    }

    /// A report is ordered and, unless its making fails, completed.
    pub(super) fn make_report(&mut self) -> Result<()> {
        let board = self
            .chance
            .pick(&self.registry.boards)
            .map(|board| board.code.clone());
        let mut report = Report {
            id: self.chance.id(self.now),
            board: board.unwrap_or_default(),
            version: 1,
            state: "running",
            ordered_at: self.now,
        };
        self.say_report(&report, "CreateReport")?;
        report.version = 2;
        if self.chance.one_in(10) {
            report.state = "failed";
        } else {
            report.state = "ready";
            self.say_report(&report, "")?;
        }
        self.offices.reports.push(report);
        Ok(())
    }

    fn say_report(&mut self, report: &Report, method: &'static str) -> Result<()> {
        let name = format!("reports/{}", encode(report.id));
        let scope = Some(EventScope::default());
        let (of, board) = (name.clone(), format!("boards/{}", report.board));
        let body = if method.is_empty() {
            Body::ReportCompleted(events::ReportCompleted {
                scope,
                report: of,
                board,
                year: 2026,
            })
        } else {
            Body::ReportRequested(events::ReportRequested {
                scope,
                report: of,
                board,
                year: 2026,
            })
        };
        self.say(&Said {
            service: REPORTING,
            method,
            aggregate_id: encode(report.id),
            version: report.version,
            subject: name,
            body,
        })?;
        Ok(())
    }

    /// Where they stand.
    pub(super) fn write_offices(&mut self) -> Result<()> {
        for office in &self.offices.subscribers {
            let row = json!({
                "id": office.id, "display_name": "Förvaltningen", "district_board": office.board,
                "version": office.version, "last_position": self.inboxes.last(office.id),
                "acknowledged_up_to": 0, "registered_at": office.registered_at,
            });
            self.out.row(NOTIFICATIONS, "subscriber", &row)?;
        }
        for Subscription {
            id,
            subscriber,
            wish,
            active,
        } in &self.offices.subscriptions
        {
            let row = json!({
                "id": id, "subscriber": subscriber,
                "event_types": wish.prefix.iter().collect::<Vec<_>>(),
                "areas": wish.area.iter().collect::<Vec<_>>(),
                "agreements": wish.agreement.iter().collect::<Vec<_>>(),
                "district_boards": wish.board.iter().collect::<Vec<_>>(),
                "minimum_severity": wish.severity, "active": active,
                "version": if *active { 1 } else { 2 },
            });
            self.out.row(NOTIFICATIONS, "subscription", &row)?;
        }
        for report in &self.offices.reports {
            let row = json!({
                "id": report.id, "board": report.board, "year": 2026, "format": "pdf",
                "state": report.state, "size_bytes": 0, "failure": "",
                "created_at": report.ordered_at, "section": {}, "version": report.version,
            });
            self.out.row(REPORTING, "report", &row)?;
        }
        Ok(())
    }
}

fn name_of(office: &Office) -> String {
    office
        .board
        .as_ref()
        .map(|code| format!("districtBoards/{code}"))
        .unwrap_or_default()
}

fn of_office(office: &Office) -> Option<EventScope> {
    Some(EventScope {
        district_board: name_of(office),
        ..EventScope::default()
    })
}
