//! The refusal of a full process, made once.
//!
//! # Design notes
//! Under overload most of what a process does is refusing, and what that costs is taken from those
//! who are served. Each refusal is the same but for the trace id in its details, whose place in the
//! encoded message is known: it is written over a copy.

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use tonic::body::Body;
use tonic::{Code, Status};

use crate::error::{ErrorCode, Fault};
use crate::rpc::tally::LOAD_SHED;

/// Who is shed may try again after this time.
const SHED_PAUSE: Duration = Duration::from_secs(1);
/// Letters of a trace id in hexadecimal; these stand where each refusal's own will.
const TRACE_ID: &str = "00000000000000000000000000000000";

/// The refusal, encoded.
#[derive(Debug)]
pub(super) struct Shed {
    code: Code,
    message: String,
    details: Vec<u8>,
    trace_id_at: usize,
}

impl Shed {
    pub(super) fn new() -> anyhow::Result<Self> {
        let status = fault().with_metadata("trace_id", TRACE_ID).into_status();
        let details = status.details().to_vec();
        let trace_id_at = details
            .windows(TRACE_ID.len())
            .position(|letters| letters == TRACE_ID.as_bytes())
            .ok_or_else(|| anyhow::anyhow!("a refusal shows no trace id"))?;
        Ok(Self {
            code: status.code(),
            message: status.message().to_owned(),
            details,
            trace_id_at,
        })
    }

    /// What a caller with this trace gets.
    pub(super) fn response(&self, trace_id: &str) -> Response<Body> {
        self.status(trace_id).into_http()
    }

    fn status(&self, trace_id: &str) -> Status {
        let mut details = self.details.clone();
        let place = self.trace_id_at..self.trace_id_at + TRACE_ID.len();
        if let Some(place) = details.get_mut(place)
            && place.len() == trace_id.len()
        {
            place.copy_from_slice(trace_id.as_bytes());
        }
        Status::with_details(self.code, self.message.clone(), Bytes::from(details))
    }
}

fn fault() -> Fault {
    Fault::new(
        ErrorCode::ResourceExhausted,
        LOAD_SHED,
        "this replica has too much to do; try again",
        "Tjänsten är hårt belastad. Försök igen om en stund.",
    )
    .with_retry_after(SHED_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::{Shed, fault};

    #[test]
    fn is_the_same_as_one_made_anew() {
        let trace_id = "0af7651916cd43dd8448eb211c80319c";
        let prepared = Shed::new().unwrap().status(trace_id);
        let fresh = fault().with_metadata("trace_id", trace_id).into_status();
        assert_eq!(prepared.code(), fresh.code());
        assert_eq!(prepared.message(), fresh.message());
        assert_eq!(prepared.details(), fresh.details());
    }
}
