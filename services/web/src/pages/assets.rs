//! Style, fonts and the mark, within the binary.

use axum::{
    extract::Path,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};

use crate::error::PageError;

/// A day: the address of the style sheet carries the version, but a fix between versions should
/// reach readers soon.
const CACHE: HeaderValue = HeaderValue::from_static("public, max-age=86400");

/// Serves one of the files.
pub(super) async fn file(Path(name): Path<String>) -> Result<Response, PageError> {
    let (media_type, content): (_, &'static [u8]) = match name.as_str() {
        "style.css" => (
            "text/css; charset=utf-8",
            include_bytes!("../../assets/style.css"),
        ),
        "mark.svg" => ("image/svg+xml", include_bytes!("../../assets/mark.svg")),
        "source-sans-3.woff2" => (
            "font/woff2",
            include_bytes!("../../assets/source-sans-3-latin-wght-normal.woff2"),
        ),
        "source-serif-4.woff2" => (
            "font/woff2",
            include_bytes!("../../assets/source-serif-4-latin-wght-normal.woff2"),
        ),
        _ => return Err(PageError::NotFound),
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (header::CACHE_CONTROL, CACHE),
    ];
    Ok((headers, content).into_response())
}
