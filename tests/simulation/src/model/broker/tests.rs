use super::{Body, Broker, Confirmation, Exchange, Frame, REQUESTS, State, events_queue};
use crate::chance::{Chance, Odds};
use crate::event::Event;
use crate::history::History;
use crate::run::Run;
use crate::schedule::Schedule;

/// A run in which nothing goes wrong by itself.
fn run() -> Run {
    let mut chance = Chance::new(3);
    chance.odds = Odds::default();
    Run::new(Schedule::new(1), chance, History::default(), None)
}

fn publish(broker: &mut Broker, id: usize, exchange: Exchange, seq: i64) -> usize {
    let connection = &mut broker.connections[id];
    let slot = connection.slots.len();
    connection.slots.push(None);
    connection.sent.push_back(Frame::Publish {
        slot,
        exchange,
        body: Body::Event(Event {
            seq,
            aggregate: 0,
            version: seq,
            id: uuid::Uuid::from_u128(0),
        }),
        mandatory: true,
    });
    slot
}

/// The numbers of what has arrived over a connection, with their tags and tries.
fn arrived(broker: &mut Broker, id: usize) -> Vec<(u64, i64, i64)> {
    let arrived = broker.connections[id].arrived.drain(..);
    let events = arrived.filter_map(|delivery| match delivery.message.body {
        Body::Event(event) => Some((delivery.tag, event.seq, delivery.message.tries)),
        _ => None,
    });
    events.collect()
}

fn take_all(broker: &mut Broker, run: &mut Run) {
    while broker.take_one(run) {}
}

#[test]
fn an_event_goes_to_the_queues_that_are_bound_and_its_loss_without_one_is_not_told() {
    let (mut broker, mut run) = (Broker::new(2), run());
    let client = broker.connect(0);
    broker.declare(events_queue(0));
    let slot = publish(&mut broker, client, Exchange::Events, 1);
    take_all(&mut broker, &mut run);
    assert_eq!(broker.queues[events_queue(0)].ready.len(), 1);
    assert_eq!(broker.queues[events_queue(1)].ready.len(), 0);
    broker.queues[events_queue(0)].unbind(Some(Exchange::Events));
    let unrouted = publish(&mut broker, client, Exchange::Events, 2);
    let direct = publish(&mut broker, client, Exchange::Direct(events_queue(0)), 3);
    let returned = publish(&mut broker, client, Exchange::Direct(events_queue(1)), 4);
    take_all(&mut broker, &mut run);
    assert_eq!(broker.queues[events_queue(0)].ready.len(), 2);
    let told = |slot: usize| broker.connections[client].slots[slot].map(|(told, _)| told);
    assert_eq!(told(slot), Some(Confirmation::Taken));
    assert_eq!(told(unrouted), Some(Confirmation::Taken));
    assert_eq!(told(direct), Some(Confirmation::Taken));
    assert_eq!(told(returned), Some(Confirmation::Returned));
}

#[test]
fn one_consumer_is_active_and_the_next_gets_what_it_held() {
    let (mut broker, mut run) = (Broker::new(1), run());
    let queue = events_queue(0);
    broker.declare(queue);
    let [client, first, second] = [broker.connect(0), broker.connect(0), broker.connect(0)];
    broker.subscribe(first, queue, 2, &mut run);
    broker.subscribe(second, queue, 2, &mut run);
    for seq in 1..=3 {
        publish(&mut broker, client, Exchange::Events, seq);
    }
    take_all(&mut broker, &mut run);
    assert_eq!(arrived(&mut broker, first), [(1, 1, 0), (2, 2, 0)]);
    assert_eq!(arrived(&mut broker, second), []);
    broker.close(first, &mut run);
    assert_eq!(arrived(&mut broker, second), [(1, 1, 1), (2, 2, 1)]);
}

#[test]
fn several_are_acknowledged_at_once_and_what_is_rejected_comes_back_or_is_dead() {
    let (mut broker, mut run) = (Broker::new(1), run());
    let queue = events_queue(0);
    broker.declare(queue);
    let client = broker.connect(0);
    broker.subscribe(client, queue, 4, &mut run);
    for seq in 1..=4 {
        publish(&mut broker, client, Exchange::Events, seq);
    }
    take_all(&mut broker, &mut run);
    arrived(&mut broker, client);
    let sent = &mut broker.connections[client].sent;
    sent.push_back(Frame::Acknowledge {
        tag: 2,
        several: true,
    });
    sent.push_back(Frame::Reject {
        tag: 3,
        requeue: true,
    });
    sent.push_back(Frame::Reject {
        tag: 4,
        requeue: false,
    });
    take_all(&mut broker, &mut run);
    let settled: Vec<i64> = broker.settled.iter().map(|(_, event)| event.seq).collect();
    assert_eq!(settled, [1, 2, 4]);
    assert_eq!(arrived(&mut broker, client), [(5, 3, 1)]);
    assert_eq!(broker.queues[queue].dead.len(), 1);
}

#[test]
fn a_message_that_comes_back_too_often_is_dead() {
    let (mut broker, mut run) = (Broker::new(1), run());
    let queue = events_queue(0);
    broker.declare(queue);
    let client = broker.connect(0);
    publish(&mut broker, client, Exchange::Events, 1);
    take_all(&mut broker, &mut run);
    for tries in 0..=8 {
        let consumer = broker.connect(0);
        broker.subscribe(consumer, queue, 1, &mut run);
        assert_eq!(arrived(&mut broker, consumer), [(1, 1, tries)]);
        broker.close(consumer, &mut run);
    }
    assert!(broker.queues[queue].ready.is_empty());
    assert_eq!(broker.queues[queue].dead.len(), 1);
}

#[test]
fn a_broken_connection_loses_what_was_sent_and_not_taken() {
    let (mut broker, mut run) = (Broker::new(1), run());
    broker.declare(REQUESTS);
    broker.declare(events_queue(0));
    let client = broker.connect(0);
    publish(&mut broker, client, Exchange::Events, 1);
    publish(&mut broker, client, Exchange::Events, 2);
    assert!(broker.take_one(&mut run));
    broker.close(client, &mut run);
    assert!(!broker.take_one(&mut run));
    assert_eq!(broker.queues[events_queue(0)].ready.len(), 1);
    assert_eq!(broker.connections[client].state, State::Closed);
    let taken: Vec<i64> = broker.taken.iter().copied().collect();
    assert_eq!(taken, [1]);
}

#[test]
fn what_was_held_of_a_deleted_queue_does_not_come_into_the_next_of_its_name() {
    let (mut broker, mut run) = (Broker::new(1), run());
    let queue = events_queue(0);
    broker.declare(queue);
    let client = broker.connect(0);
    broker.subscribe(client, queue, 1, &mut run);
    publish(&mut broker, client, Exchange::Events, 1);
    take_all(&mut broker, &mut run);
    broker.delete(queue, &mut run);
    assert_eq!(broker.declare(queue), 0);
    broker.close(client, &mut run);
    assert!(broker.queues[queue].ready.is_empty());
}
