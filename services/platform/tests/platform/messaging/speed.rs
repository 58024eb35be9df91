use super::bed::{Bed, eventually};
#[tokio::test(flavor = "multi_thread")]
async fn speed() {
    let mut bed = Bed::new("speed").await;
    bed.digest_every = std::time::Duration::from_secs(1);
    bed.declare_queue().await;
    sqlx::query("INSERT INTO outbox (aggregate, aggregate_id, version, id, type, district, subject, actor, time, payload)
      SELECT 'area', 'a'||(i%50), 1 + i/50, gen_random_uuid(), 'se.handslag.registry.area.created.v1','all','areas/a'||(i%50),'t',now(), convert_to(E'\\x12' || chr(length('areas/a'||(i%50))) || 'areas/a'||(i%50),'UTF8') FROM generate_series(0,19999) i").execute(&bed.producer).await.unwrap();
    let t = std::time::Instant::now();
    let relay = bed.start_relay();
    eventually("published", || async { relay.messaging.metrics().read().published_total >= 20000 }).await;
    println!("published in {:?}", t.elapsed());
    let t = std::time::Instant::now();
    let consumer = bed.start_consumer();
    eventually("applied", || async { consumer.messaging.metrics().read().applied_total >= 20000 }).await;
    println!("applied in {:?} {:?}", t.elapsed(), consumer.messaging.metrics().read());
    consumer.stop().await; relay.stop().await;
}
