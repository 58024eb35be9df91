//! Headers that bound what a page may do in a browser, and the check that a form was sent from
//! here.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::error::PageError;

/// The pages load their own style sheet, fonts and pictures and nothing else; there is no script to
/// allow.
const POLICY: &str = "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A report made as a page carries its style within. It is shown as a stranger: without scripts,
/// forms or our origin.
pub(crate) const REPORT_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; \
     img-src data:; font-src data:; base-uri 'none'; frame-ancestors 'none'; sandbox";

/// Set on every answer unless the page has set its own. `same-origin` rather than `no-referrer`:
/// under the latter browsers send `Origin: null` with our own forms, and the check below would
/// refuse them.
const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=()",
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
];

/// Middleware around every page.
pub(crate) async fn guard(request: Request, next: Next) -> Response {
    let reading = matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    );
    let mut response = if reading || from_here(request.headers()) {
        next.run(request).await
    } else {
        PageError::Forbidden.into_response()
    };
    for (name, value) in HEADERS {
        response
            .headers_mut()
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Whether a form was sent from a page of ours. A caller that sends neither header is no browser,
/// and has no visitor whose rights could be borrowed.
fn from_here(headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if let Some(site) = text(HeaderName::from_static("sec-fetch-site"))
        && !matches!(site, "same-origin" | "none")
    {
        return false;
    }
    match (text(header::ORIGIN), text(header::HOST)) {
        (None, _) => true,
        (Some(origin), Some(host)) => {
            // Only the authority is compared: a proxy that ends TLS changes the scheme.
            origin
                .split_once("://")
                .is_some_and(|(_, authority)| authority == host)
        }
        (Some(_), None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::from_here;
    use axum::http::{HeaderMap, HeaderValue};

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(n, v)| (n.parse().expect("name"), HeaderValue::from_static(v)))
            .collect()
    }

    #[test]
    fn a_form_of_another_site_is_refused() {
        let host = ("host", "handslag.example");
        assert!(from_here(&headers(&[
            host,
            ("origin", "https://handslag.example")
        ])));
        assert!(!from_here(&headers(&[
            host,
            ("origin", "https://elsewhere.example")
        ])));
        assert!(!from_here(&headers(&[host, ("origin", "null")])));
        assert!(!from_here(&headers(&[
            host,
            ("sec-fetch-site", "cross-site")
        ])));
        assert!(!from_here(&headers(&[
            host,
            ("sec-fetch-site", "same-site")
        ])));
        assert!(from_here(&headers(&[host])));
    }
}
