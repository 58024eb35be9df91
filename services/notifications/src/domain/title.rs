//! What happened, as a sentence in the languages of the city.
//!
//! # Design notes
//! One sentence per event type in `texts/*.ftl`, so that a translator needs no Rust. A sentence
//! names a district board at most: a notice is thin, and who wants the rest follows its link to
//! where it is kept up to date and where it can be corrected.

use std::sync::OnceLock;

use fluent_bundle::{FluentArgs, FluentResource, concurrent::FluentBundle};
use unic_langid::langid;

/// A sentence in Swedish and in English.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Title {
    /// Swedish.
    pub swedish: String,
    /// English.
    pub english: String,
}

/// The value of `$district` when no district board is known by name.
const NO_DISTRICT: &str = "none";

/// The sentence for an event of `service`, `aggregate` and `name`; `district` is the concerned
/// district board's own name. `None` when the texts know no such event.
pub fn title(
    service: &str,
    aggregate: &str,
    name: &str,
    district: Option<&Title>,
) -> Option<Title> {
    let key = format!("{service}-{aggregate}-{name}");
    Some(Title {
        swedish: sentence(swedish(), &key, district.map(|one| one.swedish.as_str()))?,
        english: sentence(english(), &key, district.map(|one| one.english.as_str()))?,
    })
}

type Texts = FluentBundle<FluentResource>;

fn swedish() -> &'static Texts {
    static TEXTS: OnceLock<Texts> = OnceLock::new();
    TEXTS.get_or_init(|| texts(langid!("sv"), include_str!("../../texts/sv.ftl")))
}

fn english() -> &'static Texts {
    static TEXTS: OnceLock<Texts> = OnceLock::new();
    TEXTS.get_or_init(|| texts(langid!("en"), include_str!("../../texts/en.ftl")))
}

fn texts(language: unic_langid::LanguageIdentifier, source: &str) -> Texts {
    let mut bundle = FluentBundle::new_concurrent(vec![language]);
    // The sentence goes into lists, mails and JSON, where invisible isolation marks would be read
    // out or shown.
    bundle.set_use_isolating(false);
    // A text that does not parse is missing from the result, and a test finds every missing text.
    let resource = FluentResource::try_new(source.to_owned()).unwrap_or_else(|(rest, _)| rest);
    bundle.add_resource_overriding(resource);
    bundle
}

fn sentence(texts: &Texts, key: &str, district: Option<&str>) -> Option<String> {
    let pattern = texts.get_message(key)?.value()?;
    let mut args = FluentArgs::new();
    args.set(
        "district",
        district
            .filter(|name| !name.is_empty())
            .unwrap_or(NO_DISTRICT),
    );
    let mut errors = Vec::new();
    let text = texts.format_pattern(pattern, Some(&args), &mut errors);
    errors.is_empty().then(|| text.into_owned())
}

#[cfg(test)]
mod tests {
    use fluent_bundle::FluentResource;

    use super::{Title, title};
    use crate::domain::filter::PRODUCERS;

    fn farsta() -> Title {
        Title {
            swedish: "Farsta stadsdelsnämnd".into(),
            english: "Farsta district board".into(),
        }
    }

    #[test]
    fn every_event_that_can_be_subscribed_to_has_both_sentences() {
        for event in handslag_proto::event_types() {
            if !PRODUCERS.contains(&event.service) {
                continue;
            }
            for district in [None, Some(&farsta())] {
                let title = title(event.service, event.aggregate, event.name, district)
                    .unwrap_or_else(|| panic!("no sentence for {}", event.r#type));
                for text in [&title.swedish, &title.english] {
                    assert!(text.ends_with('.') && !text.contains("none"), "{text}");
                    assert!(!text.contains(['{', '$', '\u{2068}']), "{text}");
                }
                assert_ne!(title.swedish, title.english, "{}", event.r#type);
            }
        }
    }

    #[test]
    fn the_texts_parse_and_hold_nothing_else() {
        let told = handslag_proto::event_types()
            .iter()
            .filter(|e| PRODUCERS.contains(&e.service));
        let told = told.count();
        for source in [
            include_str!("../../texts/sv.ftl"),
            include_str!("../../texts/en.ftl"),
        ] {
            FluentResource::try_new(source.to_owned()).expect("parses");
            let messages = source
                .lines()
                .filter(|line| line.starts_with(char::is_alphabetic));
            assert_eq!(messages.count(), told);
        }
    }

    #[test]
    fn names_the_district_board_when_it_is_known() {
        let named = title("commitments", "deliberation", "recorded", Some(&farsta()));
        assert_eq!(
            named.expect("a sentence").swedish,
            "Farsta stadsdelsnämnd: nämnden har diskuterat överenskommelsens principer."
        );
        let unnamed = title("commitments", "deliberation", "recorded", None).expect("a sentence");
        assert_eq!(
            unnamed.swedish,
            "En stadsdelsnämnd har diskuterat överenskommelsens principer."
        );
    }

    #[test]
    fn an_unknown_event_has_no_sentence() {
        assert_eq!(title("registry", "area", "abolished", None), None);
    }
}
