//! One module per page, and the table of addresses.

use axum::{Router, extract::DefaultBodyLimit, middleware, response::IntoResponse, routing::get};

use crate::{app::App, error::PageError, security};

mod action_plan;
mod agreement;
mod assets;
mod commitment;
mod commitments;
mod districts;
mod follow_ups;
mod organisation;
mod organisations;
mod parts;
mod plain;
mod report;
mod reports;
mod start;
mod status;

/// The largest form is the order of a report: four short fields.
const MAX_FORM_BYTES: usize = 8 * 1024;

/// Every address of the front.
pub(crate) fn router(app: App) -> Router {
    Router::new()
        .route("/", get(start::page))
        .route("/overenskommelsen", get(agreement::newest))
        .route("/overenskommelsen/{id}", get(agreement::page))
        .route("/organisationer", get(organisations::page))
        .route("/organisationer/{id}", get(organisation::page))
        .route("/ataganden", get(commitments::page))
        .route("/ataganden/{id}", get(commitment::page))
        .route("/handlingsplan", get(action_plan::newest))
        .route("/handlingsplan/{id}", get(action_plan::page))
        .route("/uppfoljning", get(follow_ups::page))
        .route("/stadsdelar", get(districts::page))
        .route("/rapporter", get(reports::page).post(reports::order))
        .route("/rapporter/{id}", get(report::page))
        .route("/rapporter/{id}/fil", get(report::file))
        .route("/driftlage", get(status::page))
        .route("/om", get(plain::about))
        .route("/tillganglighet", get(plain::accessibility))
        .route("/en", get(plain::english))
        .route("/assets/{file}", get(assets::file))
        .fallback(|| async { PageError::NotFound.into_response() })
        .method_not_allowed_fallback(|| async { PageError::MethodNotAllowed.into_response() })
        .layer(DefaultBodyLimit::max(MAX_FORM_BYTES))
        .layer(middleware::from_fn(security::guard))
        .with_state(app)
}
