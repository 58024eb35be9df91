//! What the clients know to exist, so that their commands mean something.

use rand::RngExt as _;
use rand::rngs::StdRng;
use serde_json::Value;

use super::Command;

/// The most resources of a kind that are kept: old ones make room for new ones.
const KEPT_MOST: usize = 400;

/// Resource names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    pub(crate) agreement: String,
    pub(crate) organisations: Vec<String>,
    /// Relations that stand before the next step, with that step.
    pub(crate) joining: Vec<(String, Step)>,
    /// Commitments with a bearer that has not answered.
    pub(crate) proposed: Vec<(String, String)>,
    pub(crate) binding: Vec<String>,
    pub(crate) plans: Vec<String>,
    /// Actions with their owner.
    pub(crate) actions: Vec<(String, String)>,
    pub(crate) subscribers: Vec<String>,
    pub(crate) subscriptions: Vec<String>,
}

/// What an organisation may do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Decide,
    Sign,
    Withdraw,
}

impl Known {
    /// Takes in what came of a command.
    pub(crate) fn learn(&mut self, command: &Command, answer: Option<&Value>, chance: &mut StdRng) {
        let text = |field: &str| {
            let value = command.request.get(field).and_then(Value::as_str);
            value.unwrap_or_default().to_owned()
        };
        let Some(answer) = answer else { return };
        let made = answer
            .as_object()
            .and_then(|fields| fields.values().next())
            .cloned()
            .unwrap_or_default();
        let name = made.get("name").and_then(Value::as_str).unwrap_or_default();
        let name = name.to_owned();
        match command.call {
            "registry.RegisterOrganisation" => {
                keep(&mut self.organisations, name.clone(), chance);
                keep(&mut self.joining, (name, Step::Decide), chance);
            }
            "registry.DecideToJoin" => {
                keep(
                    &mut self.joining,
                    (text("organisation"), Step::Sign),
                    chance,
                );
            }
            "registry.SignAgreement" => {
                keep(
                    &mut self.joining,
                    (text("organisation"), Step::Withdraw),
                    chance,
                );
            }
            "commitments.ProposeCommitment" => {
                let bearers = command.request["bearers"].as_array().cloned();
                for bearer in bearers.unwrap_or_default() {
                    let bearer = bearer.as_str().unwrap_or_default().to_owned();
                    keep(&mut self.proposed, (name.clone(), bearer), chance);
                }
            }
            "commitments.AcceptCommitment" if made["state"] == "COMMITMENT_STATE_BINDING" => {
                keep(&mut self.binding, name, chance);
            }
            "commitments.DraftActionPlan" => keep(&mut self.plans, name, chance),
            "commitments.AddAction" => {
                keep(&mut self.actions, (name, text("owner")), chance);
            }
            "notifications.RegisterSubscriber" => keep(&mut self.subscribers, name, chance),
            "notifications.Subscribe" => keep(&mut self.subscriptions, name, chance),
            _ => {}
        }
    }
}

fn keep<T>(list: &mut Vec<T>, new: T, chance: &mut StdRng) {
    if list.len() < KEPT_MOST {
        list.push(new);
    } else {
        let place = chance.random_range(0..list.len());
        list[place] = new;
    }
}
