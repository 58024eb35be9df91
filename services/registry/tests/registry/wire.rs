//! What each RPC looks like on the wire.

use std::collections::BTreeSet;

use handslag_proto::registry::v1 as proto;
use handslag_proto::registry::v1::{Outcome, ProceedingKind, SignatoryState};
use prost_reflect::DynamicMessage;
use prost_types::FieldMask;

use crate::requests::{
    adoption, area, city, day, decision, draft, figure, invitation, organisation, partial,
    proceeding, signing, stance, statement, succession, texts, title, withdrawal,
};
use crate::town::{Ask, NUMBERS, Town};

/// The message as JSON, ids masked.
fn shown(name: &str, message: &impl prost::Message) -> String {
    let name = format!("handslag.registry.v1.{name}");
    let descriptor = handslag_proto::pool().get_message_by_name(&name).unwrap();
    let bytes = message.encode_to_vec();
    let message = DynamicMessage::decode(descriptor, bytes.as_slice()).unwrap();
    let json = serde_json::to_string_pretty(&message).unwrap();
    let is_id = |part: &str| {
        part.get(..26).is_some_and(|id| {
            id.bytes()
                .all(|one| matches!(one, b'a'..=b'z' | b'2'..=b'7'))
        })
    };
    let parts = json.split('/');
    let masked = parts.map(|part| {
        if is_id(part) {
            format!("{{id}}{}", &part[26..])
        } else {
            part.to_owned()
        }
    });
    masked.collect::<Vec<_>>().join("/")
}

struct Wire {
    town: Town,
    shown: BTreeSet<String>,
}

impl Wire {
    async fn show<R: Ask>(&mut self, request: R) -> R::Answer
    where
        R::Answer: prost::Message,
    {
        let answer = self.town.done(&city(), request).await;
        let name = std::any::type_name::<R::Answer>()
            .rsplit("::")
            .next()
            .unwrap();
        insta::with_settings!({
            snapshot_path => "snapshots",
            prepend_module_to_snapshot => false,
        }, {
            insta::assert_snapshot!(name, shown(name, &answer));
        });
        self.shown.insert(name.to_owned());
        answer
    }
}

#[tokio::test]
async fn every_answer_looks_as_documented() {
    let town = Town::start("wire").await;
    let mut wire = Wire {
        town,
        shown: BTreeSet::new(),
    };
    reference_data(&mut wire).await;
    let agreement = agreement(&mut wire).await;
    proceedings(&mut wire, &agreement).await;
    relations(&mut wire, &agreement).await;
    let service = handslag_proto::pool()
        .get_service_by_name("handslag.registry.v1.RegistryService")
        .unwrap();
    let all: BTreeSet<String> = service
        .methods()
        .map(|method| method.output().name().to_owned())
        .collect();
    assert_eq!(wire.shown, all);
    wire.town.bed.end().await;
}

async fn reference_data(wire: &mut Wire) {
    wire.show(area("kultur")).await;
    wire.show(proto::ListAreasRequest::default()).await;
    let party = proto::CreatePartyRequest {
        party_id: "regionen".to_owned(),
        title: title("Regionen"),
        ..Default::default()
    };
    wire.show(party).await;
    wire.show(proto::ListPartiesRequest::default()).await;
    let board = proto::CreateBoardRequest {
        board_id: "socialnamnden".to_owned(),
        title: title("Socialnämnden"),
        areas: texts(&["areas/social"]),
        ..Default::default()
    };
    wire.show(board).await;
    wire.show(proto::ListBoardsRequest::default()).await;
    let district = proto::CreateDistrictBoardRequest {
        district_board_id: "hagersten-alvsjo".to_owned(),
        title: title("Hägersten-Älvsjö"),
        established_on: day(2020, 7, 1),
        ..Default::default()
    };
    wire.show(district).await;
    wire.town.district("alvsjo", None).await;
    wire.show(succession("alvsjo", "hagersten-alvsjo", day(2020, 7, 1)))
        .await;
    let all = proto::ListDistrictBoardsRequest {
        include_succeeded: true,
        ..Default::default()
    };
    wire.show(all).await;
}

async fn agreement(wire: &mut Wire) -> String {
    let name = wire.show(draft()).await.agreement.unwrap().name;
    wire.show(adoption(&name, partial(2012, 6, 0))).await;
    let as_of = day(2015, 6, 1);
    wire.show(proto::GetAgreementRequest {
        name: name.clone(),
        as_of,
    })
    .await;
    wire.show(proto::ListAgreementsRequest::default()).await;
    name
}

async fn proceedings(wire: &mut Wire, agreement: &str) {
    let of = agreement.to_owned();
    let reservation = proto::RecordProceedingRequest {
        ended_on: partial(2012, 6, 0),
        summary: title("Vill utvidga."),
        outcomes: vec![Outcome::ApprovesInPart.into()],
        diary_numbers: texts(&["171-84/2017"]),
        ..proceeding(agreement, ProceedingKind::Reservation, partial(2012, 5, 30))
    };
    let reservation = wire.show(reservation).await.proceeding.unwrap().name;
    let statement = wire.town.proceeding(statement(agreement)).await.name;
    let answer = proto::AnswerStatementRequest {
        proceeding: statement,
        reason: title("Av tidsskäl."),
        ..Default::default()
    };
    wire.show(answer).await;
    let raise = proto::RaiseProposalRequest {
        agreement: of.clone(),
        title: title("Kultur och idrott"),
        raised_in: vec![reservation],
        ..Default::default()
    };
    let proposal = wire.show(raise).await.proposal.unwrap().name;
    let resolve = proto::ResolveProposalRequest {
        proposal,
        adopted: true,
        resolution: title("Antogs."),
        resolved_on: partial(2014, 0, 0),
        ..Default::default()
    };
    wire.show(resolve).await;
    wire.show(proto::ListProposalsRequest {
        agreement: of.clone(),
        ..Default::default()
    })
    .await;
    wire.show(proto::ListProceedingsRequest {
        agreement: of.clone(),
        ..Default::default()
    })
    .await;
    wire.show(figure(agreement, proto::Measure::TookPart, 100))
        .await;
    wire.show(proto::ListFiguresRequest {
        agreement: of,
        ..Default::default()
    })
    .await;
}

async fn relations(wire: &mut Wire, agreement: &str) {
    let note = proto::RecordNote {
        text: title("Var med i arbetsgruppen."),
        source: crate::requests::source(),
    };
    let register = proto::RegisterOrganisationRequest {
        notes: vec![note],
        ..organisation("Exempelföreningen Åäö", NUMBERS[1])
    };
    let one = wire.show(register).await.organisation.unwrap().name;
    let update = proto::UpdateOrganisationRequest {
        name: one.clone(),
        update_mask: Some(FieldMask {
            paths: texts(&["kind", "roles"]),
        }),
        kind: proto::OrganisationKind::FaithCommunity.into(),
        roles: vec![2, 1],
        ..Default::default()
    };
    wire.show(update).await;
    let change = proto::ChangeOrganisationNumberRequest {
        organisation: one.clone(),
        number: NUMBERS[3].to_owned(),
        valid_from: day(2013, 1, 1),
        ..Default::default()
    };
    wire.show(change).await;
    wire.show(invitation(agreement, &one, partial(2011, 0, 0)))
        .await;
    let talks = proto::RecordStanceRequest {
        state: SignatoryState::InDialogue.into(),
        note: "Seminarium".to_owned(),
        ..stance(agreement, &one, partial(2011, 10, 0))
    };
    wire.show(talks).await;
    wire.show(decision(agreement, &one, partial(2012, 8, 20)))
        .await;
    wire.show(signing(agreement, &one, partial(2012, 9, 0)))
        .await;
    let look_up = proto::LookUpOrganisationRequest {
        number: NUMBERS[3].to_owned(),
        agreement: agreement.to_owned(),
        as_of: None,
    };
    wire.show(look_up).await;
    let batch = proto::BatchLookUpOrganisationsRequest {
        numbers: texts(&NUMBERS),
        agreement: agreement.to_owned(),
        as_of: day(2012, 8, 31),
    };
    wire.show(batch).await;
    wire.show(withdrawal(agreement, &one, partial(2014, 1, 31)))
        .await;
    let name = format!(
        "{agreement}/signatories/{}",
        one.trim_start_matches("organisations/")
    );
    wire.show(proto::GetSignatoryRequest {
        name,
        as_of: day(2013, 1, 1),
    })
    .await;
    let all = proto::ListSignatoriesRequest {
        agreement: agreement.to_owned(),
        ..Default::default()
    };
    wire.show(all).await;
    wire.show(proto::GetOrganisationRequest {
        name: one,
        as_of: day(2012, 12, 31),
    })
    .await;
    wire.show(proto::ListOrganisationsRequest::default()).await;
}
