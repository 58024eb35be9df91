//! One trace from the command over its event to the effects in other services.
//!
//! # Design notes
//! The outbox row keeps the W3C `traceparent` of the span that wrote it. The consumer's span has
//! the producer's as its parent, so that one trace id runs through, and links to it as well, which
//! is how tools show messaging.

use opentelemetry::Context;
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// The `traceparent` of the current span, if somebody is tracing.
pub(crate) fn current() -> Option<String> {
    let context = Span::current().context();
    let span = context.span();
    let span = span.span_context();
    span.is_valid().then(|| {
        format!(
            "00-{}-{}-{:02x}",
            span.trace_id(),
            span.span_id(),
            span.trace_flags().to_u8()
        )
    })
}

/// Continues the trace of the first `traceparent` in `span` as its child, and links to all of them.
pub(crate) fn follow<'a>(span: &Span, traceparents: impl Iterator<Item = Option<&'a str>>) {
    for (place, traceparent) in traceparents.enumerate() {
        let Some(producer) = traceparent.and_then(parse) else {
            continue;
        };
        if place == 0 {
            // Without a tracer the parent cannot be set, and nothing is lost.
            let _ = span.set_parent(Context::new().with_remote_span_context(producer.clone()));
        }
        span.add_link(producer);
    }
}

fn parse(traceparent: &str) -> Option<SpanContext> {
    let mut parts = traceparent.split('-');
    let (version, trace, span, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    if version != "00" || parts.next().is_some() || flags.len() != 2 {
        return None;
    }
    let context = SpanContext::new(
        TraceId::from_hex(trace).ok()?,
        SpanId::from_hex(span).ok()?,
        TraceFlags::new(u8::from_str_radix(flags, 16).ok()?),
        true,
        TraceState::default(),
    );
    context.is_valid().then_some(context)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn reads_a_traceparent_and_nothing_else() {
        let context = parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").unwrap();
        assert_eq!(
            context.trace_id().to_string(),
            "0af7651916cd43dd8448eb211c80319c"
        );
        assert!(context.is_sampled() && context.is_remote());
        for garbage in [
            "",
            "00-0-0-01",
            "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert!(parse(garbage).is_none(), "{garbage}");
        }
    }
}
