//! `handslag dead-letters`: what a consumer could not take, and what becomes of it.

use std::process::ExitCode;

use anyhow::Context;
use handslag_platform::messaging::dead_letters::{self, Content};
use prost_reflect::{DynamicMessage, Value};
use time::format_description::well_known::Rfc3339;

use crate::{cli::DeadLetterVerb, show::Progress, verbs::connect};

pub(super) async fn run(verb: DeadLetterVerb) -> anyhow::Result<ExitCode> {
    let show = Progress::new();
    match verb {
        DeadLetterVerb::List(database) => {
            let letters = dead_letters::list(&connect(&database).await?).await?;
            if letters.is_empty() {
                show.line("There are no dead letters.");
            }
            for letter in letters {
                show.line(&format!(
                    "{:>6}  {}  {} {} version {}  {} after {} attempts{}",
                    letter.id,
                    letter.last_at.format(&Rfc3339)?,
                    letter.r#type.as_deref().unwrap_or("unreadable"),
                    letter.aggregate_id.as_deref().unwrap_or("-"),
                    letter.version.unwrap_or_default(),
                    letter.reason,
                    letter.attempts,
                    if letter.replay_wanted {
                        ", is taken again"
                    } else {
                        ""
                    },
                ));
            }
        }
        DeadLetterVerb::Show(one) => {
            let found = dead_letters::show(&connect(&one.database).await?, one.id).await?;
            let content = found.with_context(|| format!("there is no dead letter {}", one.id))?;
            show.line(&serde_json::to_string_pretty(&content.letter)?);
            show.line(&body(&content));
        }
        DeadLetterVerb::Replay(one) => {
            dead_letters::replay(&connect(&one.database).await?, one.id).await?;
            show.line("The running consumer takes it again within a second; `list` shows whether it stayed dead.");
        }
        DeadLetterVerb::Discard(one) => {
            dead_letters::discard(&connect(&one.database).await?, one.id).await?;
            show.line("Given up. The aggregate's later events go on without it.");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The body in the JSON form of the contract, or its bytes when the contract does not know it.
fn body(content: &Content) -> String {
    let extension = handslag_proto::pool().get_extension_by_name("handslag.common.v1.event");
    let described = extension.and_then(|extension| {
        let wanted = content.letter.r#type.as_deref()?;
        handslag_proto::pool().all_messages().find(|message| {
            let options = message.options();
            if !options.has_extension(&extension) {
                return false;
            }
            let value = options.get_extension(&extension);
            let part = |name: &str| {
                let field = value
                    .as_message()
                    .and_then(|event| event.get_field_by_name(name));
                field
                    .as_deref()
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned()
            };
            wanted
                == format!(
                    "se.handslag.{}.{}.{}.v1",
                    part("service"),
                    part("aggregate"),
                    part("name")
                )
        })
    });
    described
        .and_then(|descriptor| DynamicMessage::decode(descriptor, content.payload.as_slice()).ok())
        .and_then(|message| serde_json::to_string_pretty(&message).ok())
        .unwrap_or_else(|| {
            format!(
                "{} bytes that the contract does not describe",
                content.payload.len()
            )
        })
}
