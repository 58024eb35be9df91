//! `DownloadReport`.

use std::sync::Arc;

use handslag_platform::rpc::{Call, StreamSink};
use handslag_proto::reporting::v1::{DownloadReportRequest, DownloadReportResponse};

use crate::domain::report::State;
use crate::error::Error;
use crate::{Reporting, convert, store};

/// A piece is at most so large, in bytes: a quarter of what a message may be in any client's default.
const PIECE_BYTES: i32 = 1024 * 1024;

/// Streams a report that is ready. A connection is held for one piece at a time, so that a slow reader keeps nobody
/// from the database; a report does not change once it is ready.
pub(crate) async fn download_report(
    service: Arc<Reporting>,
    call: Call<DownloadReportRequest>,
    sink: StreamSink<DownloadReportResponse>,
) -> Result<(), Error> {
    let id = convert::id("reports", &call.name);
    let id = id.map_err(|error| convert::refused("name", error))?;
    let found = store::reports::find(&mut *service.database.read().await?, id).await?;
    let report = found.ok_or_else(|| Error::NotFound(call.name.clone()))?;
    let State::Ready { size_bytes } = report.state else {
        return Err(Error::NotReady(call.name.clone()));
    };
    let mut from = 0;
    while i64::from(from) < size_bytes {
        let mut conn = service.database.read().await?;
        let content = store::reports::piece(&mut conn, id, from, PIECE_BYTES).await?;
        drop(conn);
        // Removed meanwhile, having become too old.
        let content = content.ok_or_else(|| Error::NotFound(call.name.clone()))?;
        let first = from == 0;
        from += PIECE_BYTES;
        let piece = DownloadReportResponse {
            content,
            media_type: if first {
                report.format.media_type().to_owned()
            } else {
                String::new()
            },
            file_name: if first {
                report.file_name()
            } else {
                String::new()
            },
        };
        sink.send(piece).await?;
    }
    Ok(())
}
