//! Pages whose content is their own: about, accessibility, the English summary.

use askama::Template;
use axum::response::Response;

use crate::{
    error::{PageError, html},
    layout::Page,
};

#[derive(Template)]
#[template(path = "about.html")]
struct About {
    page: Page,
}

#[derive(Template)]
#[template(path = "accessibility.html")]
struct Accessibility {
    page: Page,
}

#[derive(Template)]
#[template(path = "english.html")]
struct English {
    page: Page,
}

/// What the site is, what is record and what is example.
pub(super) async fn about() -> Result<Response, PageError> {
    html(&About {
        page: Page::new("Om Handslag", "/om"),
    })
}

/// What was done and tested for accessibility, and what was not.
pub(super) async fn accessibility() -> Result<Response, PageError> {
    html(&Accessibility {
        page: Page::new("Tillgänglighet", "/tillganglighet"),
    })
}

/// A summary for those who do not read Swedish.
pub(super) async fn english() -> Result<Response, PageError> {
    let page = Page {
        lang: "en",
        ..Page::new("In English", "/en")
    };
    html(&English { page })
}
