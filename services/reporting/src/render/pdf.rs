//! The section as a tagged document (PDF/UA-1), set by typst.
//!
//! # Design notes
//! - The world of a document is its template, the fonts that come with the program, and the data: no file of the
//!   machine, no package of the network, no date but what the data says. The same section gives the same document.
//! - Texts of people come as data. A character that no font has would end the export (the standard forbids the missing
//!   glyph), so it is set as U+25A1 (□) instead: an emoji in an account must not cost a board its report.
//! - The typesetter's memory of earlier documents grows without end: it is emptied after each, failed ones too.
//! - Setting is computing and blocks a thread. At most [`SETTERS`] run at once; who waits or sets for longer than
//!   [`TIME_LIMIT`] gives up, and a document that was given up keeps its place until it really ends, so that the
//!   bound holds.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use tokio::sync::Semaphore;
use typst::diag::{FileError, FileResult, SourceDiagnostic};
use typst::foundations::{Bytes, Datetime, Dict, IntoValue};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World};
use typst_kit::fonts::FontStore;
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards};

use crate::render::view::View;

/// The charts' letters are those of the text.
pub const FONT: &str = "Libertinus Serif";

/// So many documents are set at once: each takes a processor and some 200 MB while it lasts.
pub const SETTERS: usize = 2;

/// A section takes less than a second; one that takes ten will not end. The row of its report is held meanwhile, and
/// the database gives up a transaction that stands idle for 15 s.
pub const TIME_LIMIT: Duration = Duration::from_secs(10);

/// Stands for a character that no font has.
const UNKNOWN: char = '\u{25a1}';

const TEMPLATE: &str = include_str!("section.typ");

/// Why a document could not be set.
#[derive(Debug, thiserror::Error)]
pub enum SetError {
    /// The template or the standard's check refused it.
    #[error("the typesetter refused the document: {0}")]
    Refused(String),
    /// It took longer than [`TIME_LIMIT`].
    #[error("the typesetter took longer than {} s", TIME_LIMIT.as_secs())]
    TooLong,
    /// The thread that set it ended without a result.
    #[error("the typesetter ended without a document")]
    Ended(#[source] tokio::task::JoinError),
    /// The data could not be written for the template.
    #[error("the section could not be written as data")]
    Data(#[from] serde_json::Error),
}

/// Sets the document on a thread of its own.
///
/// # Errors
/// See [`SetError`].
pub async fn pdf(view: View) -> Result<Vec<u8>, SetError> {
    static PLACES: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(SETTERS)));
    let work = async {
        let place = PLACES.clone().acquire_owned().await;
        let work = tokio::task::spawn_blocking(move || {
            let _held_until_it_ends = place;
            set(&view)
        });
        work.await.map_err(SetError::Ended)?
    };
    tokio::time::timeout(TIME_LIMIT, work)
        .await
        .unwrap_or(Err(SetError::TooLong))
}

/// Sets the document on this thread.
///
/// # Errors
/// See [`SetError`].
pub fn set(view: &View) -> Result<Vec<u8>, SetError> {
    let _emptied_at_the_end = Memory;
    let world = Sheet::new(&printable(&serde_json::to_string(view)?));
    let refused = |errors: &[SourceDiagnostic]| {
        let messages: Vec<_> = errors.iter().map(|error| error.message.as_str()).collect();
        SetError::Refused(messages.join("; "))
    };
    let standards = PdfStandards::new(&[PdfStandard::Ua_1])
        .map_err(|error| SetError::Refused(error.message().to_string()))?;
    // The kind of document (pages) is inferred from what is asked of it next.
    let document = typst::compile(&world)
        .output
        .map_err(|errors| refused(&errors))?;
    let options = PdfOptions {
        standards,
        ..PdfOptions::default()
    };
    typst_pdf::pdf(&document, &options).map_err(|errors| refused(&errors))
}

/// Empties the typesetter's memory of what it computed, however setting ended.
struct Memory;

impl Drop for Memory {
    fn drop(&mut self) {
        comemo::evict(0);
    }
}

/// Everything that a document can see.
struct Sheet {
    library: LazyHash<Library>,
    template: Source,
}

impl Sheet {
    fn new(view: &str) -> Self {
        let mut inputs = Dict::new();
        inputs.insert("view".into(), view.into_value());
        Self {
            library: LazyHash::new(Library::builder().with_inputs(inputs).build()),
            template: TEMPLATE_SOURCE.clone(),
        }
    }
}

static FONTS: LazyLock<FontStore> = LazyLock::new(|| {
    let mut fonts = FontStore::new();
    fonts.extend(typst_kit::fonts::embedded());
    fonts
});

#[expect(
    clippy::expect_used,
    reason = "the path is a constant of this file, read by its tests"
)]
static TEMPLATE_SOURCE: LazyLock<Source> = LazyLock::new(|| {
    let path = VirtualPath::new("section.typ").expect("a path");
    Source::new(
        RootedPath::new(VirtualRoot::Project, path).intern(),
        TEMPLATE.to_owned(),
    )
});

impl World for Sheet {
    fn library(&self) -> &LazyHash<Library> {
        &self.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        FONTS.book()
    }

    fn main(&self) -> FileId {
        self.template.id()
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        if id == self.template.id() {
            Ok(self.template.clone())
        } else {
            Err(FileError::AccessDenied)
        }
    }

    fn file(&self, _: FileId) -> FileResult<Bytes> {
        Err(FileError::AccessDenied)
    }

    fn font(&self, index: usize) -> Option<Font> {
        FONTS.font(index)
    }

    fn today(&self, _: Option<typst::foundations::Duration>) -> Option<Datetime> {
        None
    }
}

/// `text` with what no font has set as [`UNKNOWN`]; what only joins or varies such characters is left out.
fn printable(text: &str) -> String {
    text.chars()
        .filter(|c| !matches!(c, '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e007f}'))
        .map(|c| {
            if c.is_ascii() || has_glyph(c) {
                c
            } else {
                UNKNOWN
            }
        })
        .collect()
}

fn has_glyph(c: char) -> bool {
    // Private characters may have a glyph and have no meaning that could be read out.
    !matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..)
        && ["libertinus serif", "dejavu sans mono"]
            .iter()
            .any(|family| {
                let faces = FONTS.book().select_family(family);
                faces
                    .into_iter()
                    .filter_map(|face| FONTS.book().info(face))
                    .any(|info| {
                        // An italic that has it does not help upright text.
                        info.variant.style == typst::text::FontStyle::Normal
                            && info.coverage.contains(u32::from(c))
                    })
            })
}

#[cfg(test)]
mod tests {
    use super::{printable, set};
    use crate::render::sample;

    #[test]
    fn a_document_is_tagged_and_says_its_language_title_and_standard() {
        let pdf = set(&sample::view(super::FONT)).expect("a document");
        assert!(pdf.starts_with(b"%PDF-1.7"));
        let text = String::from_utf8_lossy(&pdf);
        for part in ["/StructTreeRoot", "/Lang", "/MarkInfo", "pdfuaid:part"] {
            assert!(text.contains(part), "{part}");
        }
    }

    #[test]
    fn the_same_section_gives_the_same_document() {
        let view = sample::view(super::FONT);
        assert_eq!(set(&view).expect("one"), set(&view).expect("another"));
    }

    #[test]
    fn no_text_of_anybody_is_read_as_markup_and_none_can_stop_the_report() {
        let mut view = sample::view(super::FONT);
        let hostile = "#panic(\"nej\") $x$ *fet* \\ \" `kod` </svg> 🤝 👨‍👩‍👧 שלום سلام 汉字 \u{e000}";
        view.accounts[0].paragraphs = vec![hostile.to_owned()];
        view.accounts[0].party = hostile.to_owned();
        view.board = hostile.to_owned();
        view.title = hostile.to_owned();
        view.reported[0].source = hostile.to_owned();
        set(&view).expect("a document");
    }

    #[test]
    fn a_character_that_no_font_has_is_set_as_a_box() {
        assert_eq!(printable("Åsa 🤝 汉"), "Åsa □ □");
        assert_eq!(printable("👨\u{200d}👩"), "□□");
        assert_eq!(printable("שלום é – ’"), "שלום é – ’");
    }
}
