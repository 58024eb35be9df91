//! Messages of another incarnation than the database's (see
//! [`incarnation`](crate::messaging::incarnation)).

use lapin::message::Delivery;

use super::session::Session;
use crate::messaging::broker::Failure;
use crate::messaging::incarnation;

impl Session<'_> {
    /// Takes one out of the queue: what of it did happen is asked for.
    pub(super) async fn put_aside(
        &mut self,
        delivery: &Delivery,
        theirs: i64,
    ) -> Result<(), Failure> {
        let ours = self.incarnation;
        if theirs > ours && incarnation::current(&self.shared.pool).await? != ours {
            return Err(Failure::Incarnation);
        }
        let so_far = self.shared.metrics.foreign();
        // A line for each would be as long as the backlog.
        if so_far.is_power_of_two() {
            tracing::warn!(
                queue = self.queue,
                theirs,
                ours,
                so_far,
                "messages of another incarnation are put aside"
            );
        }
        self.acknowledge(delivery, false).await
    }
}
