//! What goes wrong, as a page that says what to do.

use askama::Template;
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::{layout::Page, service::Service};

/// When a service that was away may be asked again, in seconds: about what its restart takes.
const RETRY_AFTER_SECONDS: &str = "15";

/// Why a page cannot be shown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PageError {
    /// There is nothing at the address.
    #[error("nothing at the address")]
    NotFound,
    /// The address or form holds something that cannot be; the text says what, in Swedish.
    #[error("refused input: {0}")]
    BadRequest(String),
    /// The form was sent from another site.
    #[error("form sent from another site")]
    Forbidden,
    /// The page exists, but not in this way of asking.
    #[error("method not allowed")]
    MethodNotAllowed,
    /// A service that the page needs does not answer.
    #[error("{service:?} does not answer: {reason}")]
    Unavailable {
        /// Which.
        service: Service,
        /// For the log.
        reason: String,
    },
    /// Something that should not happen.
    #[error("{0}")]
    Internal(String),
}

impl PageError {
    /// What a service's answer means for the page that asked.
    pub(crate) fn from_status(service: Service, status: &Status) -> Self {
        match status.code() {
            Code::NotFound => Self::NotFound,
            Code::InvalidArgument | Code::OutOfRange | Code::FailedPrecondition => {
                Self::BadRequest(swedish(status))
            }
            Code::Unavailable
            | Code::DeadlineExceeded
            | Code::Cancelled
            | Code::ResourceExhausted
            | Code::Unimplemented => Self::Unavailable {
                service,
                reason: format!("{:?}: {}", status.code(), status.message()),
            },
            _ => Self::Internal(format!(
                "{service:?}: {:?}: {}",
                status.code(),
                status.message()
            )),
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Heading, what happened, what to do.
    fn words(&self) -> (&'static str, String, &'static str) {
        match self {
            Self::NotFound => (
                "Sidan finns inte",
                "Det finns ingen sida på den här adressen.".into(),
                "Kontrollera adressen, sök bland organisationerna eller börja på startsidan.",
            ),
            Self::BadRequest(what) => (
                "Frågan går inte att besvara",
                what.clone(),
                "Gå tillbaka och ändra det som står ovan, eller börja om från sidan i menyn.",
            ),
            Self::Forbidden => (
                "Formuläret togs inte emot",
                "Formuläret skickades från en annan webbplats än den här.".into(),
                "Öppna sidan här på webbplatsen och skicka formuläret därifrån.",
            ),
            Self::MethodNotAllowed => (
                "Sidan kan inte användas så",
                "Adressen finns, men tar inte emot den här sortens anrop.".into(),
                "Öppna sidan från menyn.",
            ),
            Self::Unavailable { service, .. } => (
                "Sidan kan inte visas just nu",
                format!(
                    "Den del av tjänsten som sköter {} svarar inte.",
                    service.swedish()
                ),
                "Försök igen om en stund. Inget har gått förlorat, och övriga sidor fungerar.",
            ),
            Self::Internal(_) => (
                "Något gick fel hos oss",
                "Felet har noterats.".into(),
                "Försök igen om en stund. Övriga sidor fungerar.",
            ),
        }
    }
}

/// The Swedish message a service sends for people; a general one when it sent none.
fn swedish(status: &Status) -> String {
    status
        .get_details_localized_message()
        .filter(|message| message.locale.starts_with("sv"))
        .map_or_else(
            || "Något i adressen eller formuläret har ett värde som inte går att använda.".into(),
            |message| message.message,
        )
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    page: Page,
    code: u16,
    what: String,
    advice: &'static str,
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        match &self {
            Self::Internal(_) => tracing::error!(error = %self, "a page could not be made"),
            Self::Unavailable { .. } => tracing::warn!(error = %self, "a page lacks a service"),
            _ => {}
        }
        let status = self.status();
        let (title, what, advice) = self.words();
        let template = ErrorPage {
            page: Page::new(title, ""),
            code: status.as_u16(),
            what,
            advice,
        };
        let body = template.render().unwrap_or_else(|_| title.to_owned());
        let mut response = (status, Html(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(
                header::RETRY_AFTER,
                HeaderValue::from_static(RETRY_AFTER_SECONDS),
            );
        }
        response
    }
}

/// Renders a page.
///
/// # Errors
/// `Internal` when the template fails.
pub(crate) fn html(template: &impl Template) -> Result<Response, PageError> {
    match template.render() {
        Ok(body) => Ok(Html(body).into_response()),
        Err(error) => Err(PageError::Internal(format!("template: {error}"))),
    }
}
