//! The sentences in which subscribers are told what happened.
//!
//! # Design notes
//! The sentences themselves are a text for translators and not a promise of messaging, so they are
//! read from the service's own files; which of them an event gets, and whose name stands in it, is
//! judged. A board may be told of by one producer before its name has come from another: then the
//! sentence without a name is right as well.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::Class;

const SWEDISH: &str = include_str!("../../../../services/notifications/texts/sv.ftl");
const ENGLISH: &str = include_str!("../../../../services/notifications/texts/en.ftl");
/// Where a board's name stands in a sentence.
const NAME: &str = "{ $district }";

/// A sentence without a board's name and, for events that a board has a part in, with it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Sentence {
    plain: String,
    named: Option<String>,
}

type Sentences = HashMap<String, Sentence>;

/// The district boards by their names, Swedish and English.
#[derive(Debug, Default)]
pub(crate) struct Boards(HashMap<String, (String, String)>);

impl Boards {
    /// Knows a board by its name; without an English one it goes by the Swedish.
    pub(crate) fn name(&mut self, code: String, (swedish, english): (String, String)) {
        let english = if english.is_empty() {
            swedish.clone()
        } else {
            english
        };
        self.0.insert(code, (swedish, english));
    }

    /// The sentences, Swedish and English, of which an event of this class about `subject` may have
    /// any.
    pub(crate) fn sentences(&self, class: &Class, subject: &str) -> Vec<(String, String)> {
        let key = format!(
            "{}-{}-{}",
            class.of.service, class.of.aggregate, class.of.name
        );
        let (Some(swedish), Some(english)) = (swedish().get(&key), english().get(&key)) else {
            return Vec::new();
        };
        let own = subject.strip_prefix("districtBoards/");
        let name = class
            .district_board
            .as_deref()
            .or(own)
            .and_then(|code| self.0.get(code));
        let named = name.and_then(|(sv, en)| {
            let swedish = swedish.named.as_ref()?.replace(NAME, sv);
            Some((swedish, english.named.as_ref()?.replace(NAME, en)))
        });
        let plain = (swedish.plain.clone(), english.plain.clone());
        match named {
            // The board's own events follow its creation in one log: its name is known.
            Some(named) if own.is_some() => vec![named],
            Some(named) => vec![named, plain],
            None => vec![plain],
        }
    }
}

fn swedish() -> &'static Sentences {
    static SENTENCES: OnceLock<Sentences> = OnceLock::new();
    SENTENCES.get_or_init(|| parse(SWEDISH))
}

fn english() -> &'static Sentences {
    static SENTENCES: OnceLock<Sentences> = OnceLock::new();
    SENTENCES.get_or_init(|| parse(ENGLISH))
}

/// Reads the part of Fluent that the files use: a sentence on a line, or two variants by whether
/// the board's name is known.
fn parse(source: &str) -> Sentences {
    let mut sentences = Sentences::new();
    let mut open: Option<(String, Sentence)> = None;
    for line in source.lines() {
        let trimmed = line.trim();
        if let Some((_, sentence)) = &mut open {
            if let Some(plain) = trimmed.strip_prefix("[none] ") {
                plain.clone_into(&mut sentence.plain);
            } else if let Some(named) = trimmed.strip_prefix("*[other] ") {
                sentence.named = Some(named.to_owned());
            } else if trimmed == "}" {
                sentences.extend(open.take());
            }
        } else if let Some((key, text)) = line.split_once(" = ")
            && !line.starts_with('#')
        {
            let variants = text.starts_with('{');
            let plain = if variants {
                String::new()
            } else {
                text.to_owned()
            };
            let sentence = Sentence { plain, named: None };
            if variants {
                open = Some((key.to_owned(), sentence));
            } else {
                sentences.insert(key.to_owned(), sentence);
            }
        }
    }
    sentences
}

#[cfg(test)]
mod tests {
    use super::{Boards, english, swedish};
    use crate::contract::{COMMITMENTS, REGISTRY, descriptor};
    use crate::told::Class;

    #[test]
    fn every_event_that_is_told_has_both_sentences() {
        for event in handslag_proto::event_types() {
            if ![REGISTRY, COMMITMENTS].contains(&event.service) {
                continue;
            }
            let key = format!("{}-{}-{}", event.service, event.aggregate, event.name);
            for sentences in [swedish(), english()] {
                let sentence = sentences.get(&key).expect(event.r#type);
                assert!(sentence.plain.ends_with('.'), "{key}: {}", sentence.plain);
            }
        }
    }

    #[test]
    fn names_a_board_once_its_name_is_known() {
        let of = descriptor("se.handslag.commitments.deliberation.recorded.v1").expect("known");
        let class = Class {
            of,
            agreement: None,
            areas: Vec::new(),
            district_board: Some("farsta".to_owned()),
        };
        let mut boards = Boards::default();
        let plain = boards.sentences(&class, "deliberations/x");
        assert_eq!(plain.len(), 1);
        boards.name("farsta".to_owned(), ("Farsta".to_owned(), String::new()));
        let both = boards.sentences(&class, "deliberations/x");
        assert_eq!(both.len(), 2);
        assert_eq!(
            both[0].1,
            "Farsta: the board discussed the principles of the agreement."
        );
        assert_eq!(both[1], plain[0]);
    }
}
