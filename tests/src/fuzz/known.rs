//! What a town holds before the first case: names, tokens and requests that once were right.
//!
//! # Design notes
//! Most of what is drawn blindly is refused at the first field, and what lies behind is never
//! reached. Therefore the requests that loaded the town are kept, and what the town answers is
//! taken apart: a name is known by its pattern (`agreements/*`), any other value by the field that
//! it stood in. All of it is gathered once, in an order that is the same in every town, and never
//! added to: what a case sends must not depend on what other cases were answered.

use std::collections::BTreeMap;

use prost_reflect::prost_types::source_code_info::Location;
use prost_reflect::{
    DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, ReflectMessage, Value,
};

/// Most values kept of one kind: enough for every state that the record has.
const KEPT_MOST: usize = 200;
/// Fields whose texts seal a place in a list or a stream.
const TOKENS: [&str; 3] = ["next_page_token", "resume_token", "next_cursor"];

/// What is known.
#[derive(Debug, Default)]
pub(super) struct Known {
    requests: BTreeMap<String, Vec<DynamicMessage>>,
    names: BTreeMap<String, Vec<String>>,
    values: BTreeMap<String, Vec<Value>>,
    tokens: Vec<String>,
}

impl Known {
    /// Keeps a request that was right, and all that stands in it.
    pub(super) fn learn_request(&mut self, request: &DynamicMessage) {
        self.keep_request(request);
        self.learn(request);
    }

    /// Keeps a request that was right. What it names need not exist.
    pub(super) fn keep_request(&mut self, request: &DynamicMessage) {
        let of_type = request.descriptor().full_name().to_owned();
        let requests = self.requests.entry(of_type).or_default();
        if requests.len() < KEPT_MOST {
            requests.push(request.clone());
        }
    }

    /// Takes a message apart.
    pub(super) fn learn(&mut self, message: &DynamicMessage) {
        for (field, value) in message.fields() {
            match value {
                Value::List(items) => items.iter().for_each(|item| self.learn_value(&field, item)),
                single => self.learn_value(&field, single),
            }
        }
    }

    fn learn_value(&mut self, field: &FieldDescriptor, value: &Value) {
        match value {
            Value::Message(inner) => self.learn(inner),
            Value::String(text) if text.is_empty() => {}
            Value::String(text) if TOKENS.contains(&field.name()) => {
                keep(&mut self.tokens, text.clone());
            }
            Value::String(text) => {
                if let Some(pattern) = pattern_of_name(text) {
                    keep(self.names.entry(pattern).or_default(), text.clone());
                }
                keep(
                    self.values.entry(singular(field)).or_default(),
                    value.clone(),
                );
            }
            Value::I32(_) | Value::I64(_) | Value::EnumNumber(_) => {
                keep(
                    self.values.entry(singular(field)).or_default(),
                    value.clone(),
                );
            }
            _ => {}
        }
    }

    /// Requests of a type that once were right.
    pub(super) fn requests(&self, message: &MessageDescriptor) -> &[DynamicMessage] {
        self.requests
            .get(message.full_name())
            .map_or(&[], Vec::as_slice)
    }

    /// Names of resources by pattern.
    pub(super) fn names(&self, pattern: &str) -> &[String] {
        self.names.get(pattern).map_or(&[], Vec::as_slice)
    }

    /// The patterns of all names.
    pub(super) fn patterns(&self) -> Vec<&str> {
        self.names.keys().map(String::as_str).collect()
    }

    /// Values that stood in a field of this name and kind.
    pub(super) fn values(&self, field: &FieldDescriptor) -> &[Value] {
        self.values.get(&singular(field)).map_or(&[], Vec::as_slice)
    }

    /// Page tokens, resume tokens and cursors.
    pub(super) fn tokens(&self) -> &[String] {
        &self.tokens
    }
}

/// The pattern of the names that a field holds, by the contract's words or by the field's name:
/// `` `areas/{code}` `` in the comment, or `area` for `areas/*`.
pub(super) fn pattern_of_field(field: &FieldDescriptor, known: &Known) -> Option<String> {
    if let Some(pattern) = pattern_by_contract(field) {
        return Some(pattern);
    }
    if !matches!(field.kind(), Kind::String) {
        return None;
    }
    let name = field.json_name();
    let plural = if name.ends_with('s') {
        name.to_owned()
    } else {
        format!("{name}s")
    };
    let pattern = format!("{plural}/*");
    (!known.names(&pattern).is_empty()).then_some(pattern)
}

/// As [`pattern_of_field`], by the contract's words alone.
pub(super) fn pattern_by_contract(field: &FieldDescriptor) -> Option<String> {
    let is_text = matches!(field.kind(), Kind::String);
    pattern_in(&comment(field)).filter(|_| is_text)
}

/// Whether the contract says that a field need not be there.
pub(super) fn is_optional(field: &FieldDescriptor) -> bool {
    comment(field).to_lowercase().contains("optional")
}

/// What the contract says of a field.
fn comment(field: &FieldDescriptor) -> String {
    let file = field.parent_message().parent_file_descriptor_proto();
    let locations = file.source_code_info.iter().flat_map(|info| &info.location);
    locations
        .filter(|location| location.path == field.path())
        .map(Location::leading_comments)
        .collect()
}

/// The first resource name among quoted words, with `*` for each variable part.
fn pattern_in(comment: &str) -> Option<String> {
    comment
        .split('`')
        .skip(1)
        .step_by(2)
        .find(|quoted| quoted.contains("/{"))
        .map(|quoted| {
            let part = |part: &str| {
                if part.starts_with('{') {
                    "*".to_owned()
                } else {
                    part.to_owned()
                }
            };
            quoted.split('/').map(part).collect::<Vec<_>>().join("/")
        })
}

/// `agreements/*` for `agreements/aaaa`; none for what is no name.
pub(super) fn pattern_of_name(text: &str) -> Option<String> {
    let parts: Vec<&str> = text.split('/').collect();
    let is_collection = |part: &str| {
        part.len() > 3 && part.ends_with('s') && part.bytes().all(|one| one.is_ascii_alphabetic())
    };
    let is_id = |part: &str| {
        let fits = |one: u8| one.is_ascii_lowercase() || one.is_ascii_digit() || one == b'-';
        !part.is_empty() && part.bytes().all(fits)
    };
    let is_name = parts.len().is_multiple_of(2)
        && parts
            .chunks_exact(2)
            .all(|pair| is_collection(pair[0]) && is_id(pair[1]));
    is_name.then(|| {
        let collections = parts.iter().step_by(2);
        let pairs: Vec<String> = collections.map(|one| format!("{one}/*")).collect();
        pairs.join("/")
    })
}

/// A field's name without its plural, and its kind: `principles` holds what `principle` does.
fn singular(field: &FieldDescriptor) -> String {
    let name = field.name();
    let kind = match field.kind() {
        Kind::Enum(kind) => kind.full_name().to_owned(),
        other => format!("{other:?}"),
    };
    format!("{} {kind}", name.strip_suffix('s').unwrap_or(name))
}

fn keep<T: PartialEq>(kept: &mut Vec<T>, one: T) {
    if kept.len() < KEPT_MOST && !kept.contains(&one) {
        kept.push(one);
    }
}

#[cfg(test)]
mod tests {
    use prost_reflect::{DynamicMessage, FieldDescriptor, Value};

    use super::{Known, is_optional, pattern_of_field, pattern_of_name};

    fn field(message: &str, name: &str) -> FieldDescriptor {
        let message = handslag_proto::pool()
            .get_message_by_name(message)
            .expect("a message");
        message.get_field_by_name(name).expect("a field")
    }

    #[test]
    fn a_name_is_known_by_its_pattern() {
        let pattern = |name| pattern_of_name(name).unwrap_or_default();
        assert_eq!(pattern("areas/social"), "areas/*");
        assert_eq!(
            pattern("agreements/ab/proceedings/c2"),
            "agreements/*/proceedings/*"
        );
        for text in ["social", "areas/", "och/eller", "areas/a/b", "Farsta/Årsta"] {
            assert_eq!(pattern_of_name(text), None, "{text}");
        }
    }

    #[test]
    fn the_contract_says_whose_names_a_field_holds() {
        let mut known = Known::default();
        let organisation = field("handslag.registry.v1.GetOrganisationRequest", "name");
        let pattern = pattern_of_field(&organisation, &known);
        assert_eq!(pattern.as_deref(), Some("organisations/*"));
        let area = field("handslag.commitments.v1.ListCommitmentsRequest", "area");
        assert_eq!(pattern_of_field(&area, &known), None);
        known
            .names
            .insert("areas/*".to_owned(), vec!["areas/a".to_owned()]);
        assert_eq!(pattern_of_field(&area, &known).as_deref(), Some("areas/*"));
    }

    #[test]
    fn the_contract_says_what_need_not_be_there() {
        let propose = "handslag.commitments.v1.ProposeCommitmentRequest";
        assert!(is_optional(&field(propose, "legal_basis")));
        assert!(!is_optional(&field(propose, "proposer")));
    }

    #[test]
    fn what_was_answered_is_known_by_pattern_and_by_field() {
        let mut known = Known::default();
        let pool = handslag_proto::pool();
        let list = pool.get_message_by_name("handslag.registry.v1.ListAreasResponse");
        let answer = serde_json::json!({
            "areas": [{"name": "areas/kultur", "title": {"sv": "Kultur"}, "etag": "\"1\""}],
            "nextPageToken": "abc",
        });
        let answer = DynamicMessage::deserialize(list.expect("a message"), answer);
        known.learn(&answer.expect("an answer"));
        assert_eq!(known.names("areas/*"), ["areas/kultur"]);
        assert_eq!(known.tokens(), ["abc"]);
        let etag = field("handslag.registry.v1.ResolveProposalRequest", "etag");
        assert_eq!(known.values(&etag), [Value::String("\"1\"".to_owned())]);
    }
}
