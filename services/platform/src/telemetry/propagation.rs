//! W3C trace context in the metadata of a call.

use http::HeaderMap;
use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::{TraceContextExt as _, TraceId};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::id;

/// Continues the caller's trace in `span` and answers the trace's id in hexadecimal. Without a
/// tracer in the process the caller's id is passed on all the same, and without a caller's id there
/// is a new one: an error can always be quoted.
#[must_use]
pub fn enter(span: &Span, headers: &HeaderMap) -> String {
    let context = TraceContextPropagator::new().extract(&Headers(headers));
    let remote = context.span().span_context().clone();
    if remote.is_valid() {
        // Fails without a tracer, and nothing is lost.
        let _no_tracer = span.set_parent(context);
        return remote.trace_id().to_string();
    }
    let own = span.context().span().span_context().trace_id();
    if own == TraceId::INVALID {
        TraceId::from_bytes(id::random_bytes()).to_string()
    } else {
        own.to_string()
    }
}

/// The id of the caller's trace in hexadecimal, or a new one: for a call that is not worth a span.
#[must_use]
pub fn trace_id(headers: &HeaderMap) -> String {
    let context = TraceContextPropagator::new().extract(&Headers(headers));
    let remote = context.span().span_context().trace_id();
    if remote == TraceId::INVALID {
        TraceId::from_bytes(id::random_bytes()).to_string()
    } else {
        remote.to_string()
    }
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};
    use tracing::Span;

    use super::{enter, trace_id};

    #[test]
    fn keeps_the_callers_trace_and_makes_one_when_there_is_none() {
        let mut headers = HeaderMap::new();
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        headers.insert("traceparent", HeaderValue::from_static(parent));
        assert_eq!(
            enter(&Span::none(), &headers),
            "0af7651916cd43dd8448eb211c80319c"
        );
        assert_eq!(enter(&Span::none(), &HeaderMap::new()).len(), 32);
        assert_eq!(trace_id(&headers), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(trace_id(&HeaderMap::new()).len(), 32);
    }
}
