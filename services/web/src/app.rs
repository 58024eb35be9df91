//! What the pages share.

use handslag_platform::clock::Clock;

use crate::clients::Clients;

/// What every page needs.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) clients: Clients,
    pub(crate) clock: Clock,
}
