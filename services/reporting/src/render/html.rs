//! The section as a page that stands by itself: no script, no address to fetch from.

use askama::Template;

use crate::render::view::{Bars, View};

/// What the reader's machine has; the charts follow the page's letters.
pub const FONT: &str = "system-ui, 'Liberation Sans', sans-serif";

#[derive(Template)]
#[template(path = "section.html")]
struct Page<'a> {
    view: &'a View,
    counted: [(&'static str, &'a Bars); 2],
}

/// Sets the page.
///
/// # Errors
/// When a value cannot be written, which the texts of a section cannot bring about.
pub fn html(view: &View) -> Result<Vec<u8>, askama::Error> {
    let counted = [
        ("Åtaganden", &view.commitments),
        ("Åtgärder", &view.actions),
    ];
    Ok(Page { view, counted }.render()?.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::html;
    use crate::render::sample;

    fn page() -> String {
        String::from_utf8(html(&sample::view(super::FONT)).expect("a page")).expect("text")
    }

    #[test]
    fn a_missing_account_is_shown_as_missing() {
        assert_eq!(page().matches("Redovisning saknas").count(), 1);
    }

    #[test]
    fn what_sources_report_stands_apart_and_says_so() {
        let page = page();
        let counted = page.find("Undertecknat: 72").expect("the count");
        let reported = page.find("Uppgifter ur andra källor").expect("the heading");
        assert!(counted < reported);
        assert!(page.contains("ingår inte i siffrorna ovan"));
    }

    #[test]
    fn examples_are_marked_and_the_day_is_said() {
        let page = page();
        assert!(page.contains("Exempeldata"));
        assert!(page.contains("den 31 december 2012 ur 214 registrerade händelser"));
        assert!(page.contains("den 11 februari 2026 klockan 10.41"));
    }

    #[test]
    fn no_text_of_anybody_is_read_as_markup() {
        let mut view = sample::view(super::FONT);
        view.accounts[0].paragraphs = vec!["<script>alert(1)</script>".to_owned()];
        view.board = "<b>Nämnd</b>".to_owned();
        let page = String::from_utf8(html(&view).expect("a page")).expect("text");
        assert!(!page.contains("<script") && !page.contains("<b>"));
    }
}
