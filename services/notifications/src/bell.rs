//! Wakes the streams of this process when something was put into an inbox.
//!
//! # Design notes
//! The fan-out pulls the rope while its transaction is still open, since only the consumer loop
//! sees the commit. The ringer then looks a few times until the inboxes have grown, and rings. What
//! it looks at is the sum of all last positions: it grows with every commit that put something
//! somewhere, whatever the order of the commits, and costs one short read for all streams together.
//! A ring that is lost, or a commit that takes longer, costs the streams their poll of a second.
//! `NOTIFY` is not used: it serialises the commits of a whole database.

use std::{sync::Arc, time::Duration};

use handslag_platform::{database::Database, shutdown::Shutdown};
use tokio::sync::{Notify, watch};

use crate::store;

/// First look after a pull; doubles with each look. A commit of a consumer takes some milliseconds.
const FIRST_LOOK: Duration = Duration::from_millis(2);
/// Looks after a pull: 2 + 4 + … + 256 ms cover half a second, then the streams' own poll is near.
const LOOKS_MOST: u32 = 8;

/// The rope and the bell. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Bell {
    rope: Arc<Notify>,
    rung: watch::Sender<()>,
}

impl Bell {
    /// Something is about to be committed to an inbox.
    pub fn pull(&self) {
        self.rope.notify_one();
    }

    /// Hears every ring from now on.
    pub fn hear(&self) -> watch::Receiver<()> {
        self.rung.subscribe()
    }

    /// Rings after each pull once the inboxes have grown, until the service stops.
    pub async fn ring(self, database: Database, shutdown: Shutdown) -> anyhow::Result<()> {
        let mut seen = -1;
        loop {
            tokio::select! {
                () = self.rope.notified() => {}
                () = shutdown.stopping() => return Ok(()),
            }
            for look in 0..LOOKS_MOST {
                tokio::time::sleep(FIRST_LOOK * 2_u32.pow(look)).await;
                // A database that does not answer is everybody's concern; here it costs a ring.
                let Ok(told) = told(&database).await else {
                    break;
                };
                if told != seen {
                    seen = told;
                    self.rung.send_replace(());
                    break;
                }
            }
        }
    }
}

async fn told(database: &Database) -> Result<i64, sqlx::Error> {
    let mut conn = database.pool().acquire().await?;
    store::subscribers::told_in_all(&mut conn).await
}
