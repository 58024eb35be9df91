//! Requests by the contract's own description, from right to absurd.
//!
//! # Design notes
//! Each request has a rate at which its fields bite. At 0 it is what a client might send, and gets
//! far; at 100 nothing of it is right. Half of them begin as a request that once was right, since
//! rules between fields are not written in a descriptor.

use prost::Message as _;
use prost_reflect::{
    DynamicMessage, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, ReflectMessage as _,
    Value,
};

use super::chance::Chance;
use super::known::{Known, is_optional, pattern_of_field};
use super::texts;

/// The rates at which fields bite, in percent, each as often as it stands here.
const RATES: [u32; 8] = [0, 0, 0, 4, 4, 15, 50, 100];
/// Lengths of a list that bites: none, twice the same, above the bounds of 100 and 500 items.
const LISTS: [usize; 6] = [0, 2, 51, 101, 501, 1_000];
/// Names of what others stand on.
const GROUNDS: [&str; 6] = [
    "agreements/*",
    "organisations/*",
    "parties/*",
    "areas/*",
    "boards/*",
    "districtBoards/*",
];
/// So many of the names known of a pattern are its first ones, and its last ones.
const FEW_NAMES: usize = 3;
/// A list ends beyond this size, in bytes: that it is above a message's limit need be said once.
const LIST_BYTES_MOST: usize = 5 << 20;
/// Messages of which the parts make sense together only.
const DATES: [&str; 2] = ["handslag.common.v1.Date", "handslag.common.v1.PartialDate"];
/// Messages are nested a few deep; a list of lists of a thousand would only be large.
const LONG_LISTS_AT_DEPTH: u32 = 1;

/// Writes one request.
pub(super) struct Writer<'a> {
    known: &'a Known,
    chance: &'a mut Chance,
    rate: u32,
}

impl<'a> Writer<'a> {
    /// Writes a request that bites at a rate drawn for it.
    pub(super) fn any(known: &'a Known, chance: &'a mut Chance) -> Self {
        let rate = *chance.pick(&RATES);
        Self {
            known,
            chance,
            rate,
        }
    }

    /// Writes a request in which nothing bites.
    pub(super) fn right(known: &'a Known, chance: &'a mut Chance) -> Self {
        Self {
            known,
            chance,
            rate: 0,
        }
    }

    /// A request of this type.
    pub(super) fn request(&mut self, of_type: &MessageDescriptor) -> DynamicMessage {
        let known = self.known;
        let was_right = known.requests(of_type);
        if was_right.is_empty() || self.chance.percent(50) {
            return self.message(of_type, 0);
        }
        let mut request = self.chance.pick(was_right).clone();
        self.renew(&mut request);
        request
    }

    /// Changes a request that was right: always who it is, mostly what it is done to, since that
    /// has had it done, and now and then a field.
    fn renew(&mut self, request: &mut DynamicMessage) {
        let of_type = request.descriptor();
        for field in of_type.fields() {
            let rate = match pattern_of_field(&field, self.known) {
                _ if field.name() == "request_id" => 100,
                Some(pattern) if !GROUNDS.contains(&pattern.as_str()) => 60,
                _ => 12,
            };
            if self.bites() || self.chance.percent(rate) {
                self.fill(request, &field, 0);
            }
        }
    }

    fn message(&mut self, of_type: &MessageDescriptor, depth: u32) -> DynamicMessage {
        let mut message = DynamicMessage::new(of_type.clone());
        if DATES.contains(&of_type.full_name()) && !self.bites() {
            self.date(&mut message);
            return message;
        }
        for field in of_type.fields() {
            let is_chosen = match field.containing_oneof() {
                Some(oneof) => self.chance.below(oneof.fields().len()) == 0,
                None => true,
            };
            if is_chosen {
                self.fill(&mut message, &field, depth);
            }
        }
        message
    }

    /// A date that exists; parts of it may be unknown where the contract allows it.
    fn date(&mut self, date: &mut DynamicMessage) {
        let is_partial = date.descriptor().name() == "PartialDate";
        let known_parts = if is_partial && self.chance.percent(40) {
            1 + self.chance.below(2)
        } else {
            3
        };
        let parts = [("year", 2007..=2027), ("month", 1..=12), ("day", 1..=28)];
        for (part, range) in parts.into_iter().take(known_parts) {
            let number = self.chance.between(range);
            date.set_field_by_name(part, Value::I32(number));
        }
    }

    /// Sets a field, or leaves it out.
    fn fill(&mut self, message: &mut DynamicMessage, field: &FieldDescriptor, depth: u32) {
        let left_out = match is_optional(field) {
            true => 50,
            false if self.bites() => 30,
            false => 3,
        };
        // A command without an identity is refused before anything else is looked at.
        if field.name() != "request_id" && self.chance.percent(left_out) {
            message.clear_field(field);
            return;
        }
        let value = if field.is_list() {
            Value::List(self.list(field, depth))
        } else {
            self.single(field, depth)
        };
        message.set_field(field, value);
    }

    fn list(&mut self, field: &FieldDescriptor, depth: u32) -> Vec<Value> {
        if !self.bites() {
            let mut items = Vec::new();
            for _ in 0..=self.chance.below(3) {
                let item = self.single(field, depth);
                if !items.contains(&item) {
                    items.push(item);
                }
            }
            return items;
        }
        let most = if depth < LONG_LISTS_AT_DEPTH {
            1_000
        } else {
            2
        };
        let count = (*self.chance.pick(&LISTS)).min(most);
        let repeats_one = self.chance.percent(50);
        let mut items = Vec::new();
        let mut bytes = 0;
        while items.len() < count && bytes < LIST_BYTES_MOST {
            let item = match items.first() {
                Some(first) if repeats_one => Value::clone(first),
                _ => self.single(field, depth + 1),
            };
            bytes += size(&item);
            items.push(item);
        }
        items
    }

    fn single(&mut self, field: &FieldDescriptor, depth: u32) -> Value {
        let bites = self.bites();
        match field.kind() {
            Kind::Message(of_type) if bites && self.chance.percent(50) => {
                Value::Message(DynamicMessage::new(of_type))
            }
            Kind::Message(of_type) => Value::Message(self.message(&of_type, depth + 1)),
            Kind::Enum(kind) => Value::EnumNumber(self.variant(&kind, bites)),
            Kind::Bool => Value::Bool(self.chance.percent(50)),
            Kind::String => Value::String(self.text(field, bites)),
            Kind::Bytes => {
                let length = self.chance.below(300);
                Value::Bytes(self.chance.bytes(length).into())
            }
            number => self.number(field, &number, bites),
        }
    }

    fn variant(&mut self, kind: &EnumDescriptor, bites: bool) -> i32 {
        if bites {
            return *self.chance.pick(&[-1, 0, 99, i32::MIN, i32::MAX]);
        }
        // 0 means that nothing was said, which a filter takes and a command refuses.
        let is_said = self.chance.percent(90);
        let numbers: Vec<i32> = kind
            .values()
            .map(|value| value.number())
            .filter(|number| *number != 0 || !is_said)
            .collect();
        *self.chance.pick(&numbers)
    }

    fn number(&mut self, field: &FieldDescriptor, kind: &Kind, bites: bool) -> Value {
        let small = if bites {
            *self
                .chance
                .pick(&[0, -1, 1, 501, i32::MIN, i32::MAX, i32::MAX - 1, 100_001])
        } else {
            self.likely_number(field)
        };
        let large = match small {
            i32::MIN => i64::MIN,
            i32::MAX => i64::MAX,
            small => i64::from(small),
        };
        let real = match small {
            -1 => f64::NAN,
            i32::MIN => f64::NEG_INFINITY,
            i32::MAX => f64::MAX,
            small => f64::from(small),
        };
        match kind {
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(large),
            Kind::Uint64 | Kind::Fixed64 => Value::U64(large.cast_unsigned()),
            Kind::Uint32 | Kind::Fixed32 => Value::U32(small.cast_unsigned()),
            Kind::Double => Value::F64(real),
            #[expect(
                clippy::cast_possible_truncation,
                reason = "too large is what is wanted"
            )]
            Kind::Float => Value::F32(real as f32),
            _ => Value::I32(small),
        }
    }

    /// A number that fits what the field's name promises.
    fn likely_number(&mut self, field: &FieldDescriptor) -> i32 {
        match field.name() {
            "year" => self.chance.between(2007..=2027),
            // Days that no month has, and months that no year has.
            "month" => self.chance.between(0..=13),
            "day" => self.chance.between(0..=32),
            "page_size" | "limit" => self.chance.between(0..=7),
            "percent" => 5 * self.chance.between(0..=20),
            _ => match self.remembered(field) {
                Some(Value::I32(number)) => number,
                _ => self.chance.between(0..=20),
            },
        }
    }

    fn text(&mut self, field: &FieldDescriptor, bites: bool) -> String {
        let known = self.known;
        if field.name() == "request_id" {
            return self.identity(bites);
        }
        if let Some(pattern) = pattern_of_field(field, known) {
            return self.name(&pattern, bites);
        }
        match field.name() {
            "page_token" | "cursor" | "resume_token" => return self.token(bites),
            "etag" if !bites && self.chance.percent(80) => return String::new(),
            "paths" => return texts::path(self.chance),
            "number" | "numbers" if self.chance.percent(60) => {
                return texts::organisation_number(self.chance);
            }
            _ => {}
        }
        if bites {
            return self.biting_text();
        }
        if field.name().ends_with("_id") {
            return texts::code(self.chance);
        }
        match self.remembered(field) {
            Some(Value::String(text)) => text,
            _ => texts::ordinary(self.chance),
        }
    }

    fn biting_text(&mut self) -> String {
        // Rare: such a request takes as long as a thousand others.
        if self.rate == 100 && self.chance.below(150) == 0 {
            return texts::beyond_a_message();
        }
        texts::biting(self.chance)
    }

    /// Usually one that nobody has; now and then one that others have too, with whatever they ask.
    fn identity(&mut self, bites: bool) -> String {
        if bites {
            return self.biting_text();
        }
        if self.chance.percent(5) {
            return texts::shared_identity(self.chance);
        }
        self.chance.uuid().to_string()
    }

    fn name(&mut self, pattern: &str, bites: bool) -> String {
        let known = self.known;
        if bites && self.chance.percent(30) {
            return self.biting_text();
        }
        let one = self.known_name(pattern);
        let patterns = known.patterns();
        if bites && !patterns.is_empty() && self.chance.percent(30) {
            let other = *self.chance.pick(&patterns);
            return self.chance.pick(known.names(other)).clone();
        }
        if bites {
            return texts::almost_a_name(self.chance, pattern, one);
        }
        // One in ten names is new: what has it was made by another case, or by none.
        match one {
            Some(one) if !self.chance.percent(10) => one.to_owned(),
            Some(one) if has_id(one) => {
                let id = handslag_platform::id::encode(self.chance.uuid());
                pattern.replace('*', &id)
            }
            _ => pattern.replace('*', &texts::code(self.chance)),
        }
    }

    /// Of what others stand on mostly one of the first names, which the record has much to say of;
    /// of all else mostly one of the last, which is still open.
    fn known_name(&mut self, pattern: &str) -> Option<&'a str> {
        let known = self.known;
        let names = known.names(pattern);
        let few = names.len().min(FEW_NAMES);
        let (first, last) = (&names[..few], &names[names.len() - few..]);
        let from = match self.chance.below(10) {
            0..7 if GROUNDS.contains(&pattern) => first,
            0..1 => first,
            1..7 => last,
            _ => names,
        };
        if from.is_empty() {
            return None;
        }
        let name: &String = self.chance.pick(from);
        Some(name)
    }

    /// A place in a list or a stream: of this one, of another one, or a damaged one.
    fn token(&mut self, bites: bool) -> String {
        let tokens = self.known.tokens();
        if bites && (tokens.is_empty() || self.chance.percent(40)) {
            return self.biting_text();
        }
        if tokens.is_empty() || (!bites && self.chance.percent(70)) {
            return String::new();
        }
        let token = self.chance.pick(tokens).clone();
        if !bites || token.is_empty() {
            return token;
        }
        let mut letters: Vec<char> = token.chars().collect();
        let place = self.chance.below(letters.len());
        match self.chance.below(3) {
            0 => letters.truncate(place),
            1 => letters[place] = *self.chance.pick(&['A', 'z', '-', '=', '/', 'å']),
            _ => letters.extend(token.chars()),
        }
        letters.into_iter().collect()
    }

    fn remembered(&mut self, field: &FieldDescriptor) -> Option<Value> {
        let values = self.known.values(field);
        if values.is_empty() || self.chance.percent(25) {
            return None;
        }
        Some(self.chance.pick(values).clone())
    }

    fn bites(&mut self) -> bool {
        self.chance.percent(self.rate)
    }
}

/// About how many bytes a value takes on the wire.
fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::Message(message) => message.encoded_len(),
        _ => 1,
    }
}

/// Whether a name ends with an id that a service made, and not with a code that somebody chose.
fn has_id(name: &str) -> bool {
    let last = name.rsplit('/').next().unwrap_or_default();
    handslag_platform::id::decode(last).is_some()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use prost_reflect::{DynamicMessage, ReflectMessage as _, Value};

    use super::{Chance, Known, Writer};
    use crate::fuzz::methods;

    fn paths(message: &DynamicMessage, before: &str, found: &mut BTreeSet<String>) {
        for (field, value) in message.fields() {
            let path = format!("{before}.{}", field.name());
            let inner = |value: &Value, found: &mut BTreeSet<String>| {
                if let Value::Message(inner) = value {
                    paths(inner, &path, found);
                }
            };
            match value {
                Value::List(items) => items.iter().for_each(|item| inner(item, found)),
                single => inner(single, found),
            }
            found.insert(path);
        }
    }

    fn all_paths(of_type: &prost_reflect::MessageDescriptor, before: &str) -> BTreeSet<String> {
        let mut all = BTreeSet::new();
        for field in of_type.fields() {
            let path = format!("{before}.{}", field.name());
            if let prost_reflect::Kind::Message(inner) = field.kind() {
                all.extend(all_paths(&inner, &path));
            }
            all.insert(path);
        }
        all
    }

    #[test]
    fn every_field_of_every_request_is_written() {
        let known = Known::default();
        for method in methods() {
            let mut found = BTreeSet::new();
            for case in 0..60 {
                let mut chance = Chance::of(1, case);
                let request = Writer::any(&known, &mut chance).request(&method.input());
                paths(&request, "", &mut found);
            }
            assert_eq!(
                found,
                all_paths(&method.input(), ""),
                "{}",
                method.full_name()
            );
        }
    }

    #[test]
    fn no_request_holds_a_map_which_is_not_written() {
        for method in methods() {
            assert!(method.input().fields().all(|field| !field.is_map()));
        }
    }

    #[test]
    fn a_request_that_was_right_is_sent_again_with_another_identity() {
        let method = methods()
            .find(|one| one.name() == "CreateArea")
            .expect("a method");
        let json = serde_json::json!({"requestId": "x", "areaId": "kultur"});
        let request = DynamicMessage::deserialize(method.input(), json).expect("a request");
        let mut known = Known::default();
        known.learn_request(&request);
        let kept = (0..40).filter(|case| {
            let mut chance = Chance::of(1, *case);
            let again = Writer::right(&known, &mut chance).request(&request.descriptor());
            let text = |field| {
                again
                    .get_field_by_name(field)
                    .expect("a field")
                    .into_owned()
            };
            assert_ne!(text("request_id"), Value::String("x".to_owned()));
            text("area_id") == Value::String("kultur".to_owned())
        });
        assert!(kept.count() > 10);
    }
}
