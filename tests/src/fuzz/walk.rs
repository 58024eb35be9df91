//! Reads everything that a town holds: what was taken in must be readable.

use std::collections::{BTreeMap, BTreeSet};

use prost_reflect::{DynamicMessage, FieldDescriptor, MethodDescriptor, Value};
use tonic::Code;

use super::callers::{Caller, Signer};
use super::known::{pattern_by_contract, pattern_of_name};
use super::methods;
use super::wire::{Answer, Sent, Wires};
use crate::Town;

/// Rows asked for at a time: the most that a page has.
const PAGE_SIZE: i32 = 500;
/// Pages of one list; more would mean that the pages do not end.
const PAGES_MOST: usize = 200;

/// Every list to its last page, of every parent, then everything that a list named, by its name.
/// Gives what could not be read, and why.
pub async fn read_everything(town: &Town) -> Vec<String> {
    let wires = Wires::new(&town.city().addresses());
    let mut walk = Walk {
        wires: &wires,
        signer: &Signer::new(town.issuer()),
        names: BTreeMap::new(),
        unread: Vec::new(),
    };
    let lists = || methods().filter(|method| method.name().starts_with("List"));
    for method in lists().filter(|method| parent(method).is_none()) {
        walk.read(&method, everything_of(&method)).await;
    }
    for method in lists() {
        walk.read_each(&method, parent(&method)).await;
    }
    for method in methods().filter(|method| method.name().starts_with("Get")) {
        walk.read_each(&method, method.input().get_field_by_name("name"))
            .await;
    }
    walk.unread
}

/// The field that says whose list it is, if that must be said.
fn parent(method: &MethodDescriptor) -> Option<FieldDescriptor> {
    let input = method.input();
    let mut fields = input.fields();
    fields.find(|field| pattern_by_contract(field).is_some())
}

/// The request for a whole list.
fn everything_of(method: &MethodDescriptor) -> DynamicMessage {
    let mut request = DynamicMessage::new(method.input());
    if method.input().get_field_by_name("page_size").is_some() {
        request.set_field_by_name("page_size", Value::I32(PAGE_SIZE));
    }
    request
}

struct Walk<'a> {
    wires: &'a Wires,
    signer: &'a Signer<'a>,
    /// What the lists named so far, by pattern.
    names: BTreeMap<String, BTreeSet<String>>,
    unread: Vec<String>,
}

impl Walk<'_> {
    /// Asks a method about everything that a field of its request may name.
    async fn read_each(&mut self, method: &MethodDescriptor, field: Option<FieldDescriptor>) {
        let Some(field) = field else { return };
        let pattern = pattern_by_contract(&field).unwrap_or_default();
        for name in self.names.get(&pattern).cloned().unwrap_or_default() {
            let mut request = everything_of(method);
            request.set_field(&field, Value::String(name));
            self.read(method, request).await;
        }
    }

    async fn read(&mut self, method: &MethodDescriptor, request: DynamicMessage) {
        if let Err(how) = self.all_pages(method, request.clone()).await {
            let request = serde_json::to_string(&request).unwrap_or_default();
            self.unread
                .push(format!("{} {request}: {how}", method.full_name()));
        }
    }

    async fn all_pages(
        &mut self,
        method: &MethodDescriptor,
        mut request: DynamicMessage,
    ) -> Result<(), String> {
        for _ in 0..PAGES_MOST {
            let answer = self.page(method, &request).await?;
            self.note_names(&answer);
            let next = answer.get_field_by_name("next_page_token");
            match next.as_deref().and_then(Value::as_str) {
                None | Some("") => return Ok(()),
                Some(token) => {
                    let token = Value::String(token.to_owned());
                    request.set_field_by_name("page_token", token);
                }
            }
        }
        Err(format!("it does not end after {PAGES_MOST} pages"))
    }

    /// The items of a list. What they speak of need not exist: a subscription may wait for it.
    fn note_names(&mut self, answer: &DynamicMessage) {
        let lists = answer.fields().filter_map(|(_, value)| value.as_list());
        for item in lists.flatten().filter_map(Value::as_message) {
            let name = item.get_field_by_name("name");
            if let Some(name) = name.as_deref().and_then(Value::as_str)
                && let Some(pattern) = pattern_of_name(name)
            {
                self.names
                    .entry(pattern)
                    .or_default()
                    .insert(name.to_owned());
            }
        }
    }

    async fn page(
        &self,
        method: &MethodDescriptor,
        request: &DynamicMessage,
    ) -> Result<DynamicMessage, String> {
        let operator = Caller::Member {
            role: "operator",
            own: "city".to_owned(),
        };
        let sent = Sent::right(method, self.signer.authorization(&operator), request);
        match self.wires.send(&sent).await {
            Answer::Broken(how) => Err(how),
            Answer::Whole {
                status, messages, ..
            } if status.code() == Code::Ok => {
                let message = messages.first().ok_or("OK without a message")?;
                DynamicMessage::decode(method.output(), message.as_ref())
                    .map_err(|error| error.to_string())
            }
            Answer::Whole { status, .. } => Err(crate::message(&status)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{methods, parent};

    #[test]
    fn a_list_says_whose_it_is_where_that_must_be_said() {
        let of = |name: &str| {
            let method = methods().find(|method| method.name() == name);
            parent(&method.expect("a method")).map(|field| field.name().to_owned())
        };
        assert_eq!(of("ListProceedings").as_deref(), Some("agreement"));
        assert_eq!(of("ListNotifications").as_deref(), Some("subscriber"));
        assert_eq!(of("ListAreas"), None);
        assert_eq!(of("ListCommitments"), None);
    }
}
