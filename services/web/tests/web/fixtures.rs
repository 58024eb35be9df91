//! Data of the stand-in: a little of the record, and examples that say so.

use handslag_proto::{
    commitments::v1 as c,
    common::v1::{Date, LocalizedText, PartialDate, Source},
    registry::v1 as r,
    reporting::v1 as rep,
};
use prost_types::Timestamp;

/// An identity of the right shape.
pub(crate) fn id(kind: char, number: usize) -> String {
    let letter = |n: usize| char::from(b'a' + u8::try_from(n % 26).expect("a letter"));
    format!(
        "{}{}{}",
        String::from(kind).repeat(24),
        letter(number / 26),
        letter(number)
    )
}

/// An instant.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp { seconds, nanos: 0 }
}

fn sv(text: &str) -> Option<LocalizedText> {
    Some(LocalizedText {
        sv: text.into(),
        en: String::new(),
    })
}

fn on(year: i32, month: i32, day: i32) -> Option<PartialDate> {
    Some(PartialDate { year, month, day })
}

fn day(year: i32, month: i32, day: i32) -> Option<Date> {
    Some(Date { year, month, day })
}

fn source(document: &str) -> Option<Source> {
    Some(Source {
        document: document.into(),
        place: "avsnitt 2".into(),
    })
}

fn agreement_name() -> String {
    format!("agreements/{}", id('a', 0))
}

pub(crate) fn areas() -> Vec<r::Area> {
    [("social", "Sociala området"), ("aldre", "Äldreområdet")]
        .map(|(code, title)| r::Area {
            name: format!("areas/{code}"),
            title: sv(title),
            etag: "1".into(),
        })
        .into()
}

pub(crate) fn parties() -> Vec<r::Party> {
    [
        ("city", "Stockholms stad"),
        ("sector", "den idéburna sektorn"),
    ]
    .map(|(code, title)| r::Party {
        name: format!("parties/{code}"),
        title: sv(title),
        etag: "1".into(),
    })
    .into()
}

pub(crate) fn boards() -> Vec<r::Board> {
    [
        ("socialnamnden", "Socialnämnden"),
        ("aldrenamnden", "Äldrenämnden"),
    ]
    .map(|(code, title)| r::Board {
        name: format!("boards/{code}"),
        title: sv(title),
        ..Default::default()
    })
    .into()
}

pub(crate) fn district_boards() -> Vec<r::DistrictBoard> {
    let board =
        |code: &str, title: &str, successor: &str, predecessors: &[&str]| r::DistrictBoard {
            name: format!("districtBoards/{code}"),
            title: sv(title),
            successor: successor.into(),
            succeeded_on: if successor.is_empty() {
                None
            } else {
                day(2020, 7, 1)
            },
            predecessors: predecessors
                .iter()
                .map(|p| format!("districtBoards/{p}"))
                .collect(),
            ..Default::default()
        };
    let merged = "districtBoards/hagersten-alvsjo";
    vec![
        board("bromma", "Bromma", "", &[]),
        board("farsta", "Farsta", "", &[]),
        board(
            "hagersten-alvsjo",
            "Hägersten-Älvsjö",
            "",
            &["hagersten-liljeholmen", "alvsjo"],
        ),
        board(
            "hagersten-liljeholmen",
            "Hägersten-Liljeholmen",
            merged,
            &[],
        ),
        board("alvsjo", "Älvsjö", merged, &[]),
    ]
}

pub(crate) fn agreement() -> r::Agreement {
    let principles = [
        ("sjalvstandighet", "Självständighet och oberoende"),
        ("dialog", "Dialog"),
        ("kvalitet", "Kvalitet"),
        ("langsiktighet", "Långsiktighet"),
        ("oppenhet", "Öppenhet och insyn"),
        ("mangfald", "Mångfald"),
    ]
    .map(|(code, title)| r::Principle {
        code: code.into(),
        title: sv(title),
    });
    r::Agreement {
        name: agreement_name(),
        kind: r::AgreementKind::Framework.into(),
        title: sv("Överenskommelsen mellan Stockholms stad och den idéburna sektorn"),
        parties: vec!["parties/city".into(), "parties/sector".into()],
        principles: principles.to_vec(),
        areas: vec!["areas/social".into(), "areas/aldre".into()],
        term_years: 4,
        max_extensions: 1,
        editions: vec![r::Edition {
            number: 1,
            decided_on: on(2012, 6, 0),
            decided_by: "Kommunfullmäktige".into(),
            diary_numbers: vec!["3.1-635/2012".into(), "2011-638-1.2.1.".into()],
            ..Default::default()
        }],
        term: Some(r::Term {
            starts_on: day(2012, 6, 1),
            starts_on_as_recorded: on(2012, 6, 0),
            ends_on: day(2020, 5, 31),
            evaluation_starts_on: day(2019, 6, 1),
            extensions: 1,
        }),
        state: r::AgreementState::Expired.into(),
        etag: "2".into(),
    }
}

fn proceeding_name(number: usize) -> String {
    format!("{}/proceedings/{}", agreement_name(), id('p', number))
}

pub(crate) fn proceedings() -> Vec<r::Proceeding> {
    use r::{Outcome as O, ProceedingKind as K};
    let step = |n: usize,
                kind: K,
                held_on,
                title: &str,
                summary: &str,
                actors: &[&str],
                outcomes: &[O]| {
        r::Proceeding {
            name: proceeding_name(n),
            kind: kind.into(),
            held_on,
            title: sv(title),
            summary: sv(summary),
            actors: actors.iter().map(|a| (*a).to_owned()).collect(),
            outcomes: outcomes.iter().map(|o| i32::from(*o)).collect(),
            source: source("Kommunstyrelsens utlåtande 2012"),
            ..Default::default()
        }
    };
    let referral = step(
        1,
        K::Referral,
        on(2011, 0, 0),
        "Remiss av arbetsgruppens förslag",
        "Förslaget sändes ut två gånger.",
        &["Den gemensamma arbetsgruppen"],
        &[],
    );
    let decision = step(
        2,
        K::Decision,
        on(2011, 12, 13),
        "Äldrenämndens beslut",
        "Nämnden godkände förslaget och lämnade det vidare till kommunstyrelsen.",
        &["Äldrenämnden"],
        &[O::Approves, O::PassesOn],
    );
    let mut statement = step(
        3,
        K::Statement,
        on(2012, 2, 15),
        "RSMH:s yttrande",
        "Förbundet avvaktar med att ansluta sig.",
        &["RSMH"],
        &[O::Undecided],
    );
    statement.responds_to = proceeding_name(1);
    statement.statement = Some(r::Statement {
        invitation: r::StatementInvitation::Unlisted.into(),
        due_on: day(2012, 1, 31),
        late: true,
        on_older_draft: true,
        answer: Some(r::StatementAnswer {
            taken_up: false,
            reason: sv("Yttrandet avser ett äldre utkast."),
        }),
    });
    let mut reservation = step(
        4,
        K::Reservation,
        on(2012, 5, 30),
        "Reservation av Miljöpartiet",
        "Partiet vill se samma förhållningssätt inom fler områden.",
        &["Miljöpartiet"],
        &[],
    );
    reservation.responds_to = proceeding_name(5);
    let decided = step(
        5,
        K::Decision,
        on(2012, 5, 30),
        "Kommunstyrelsens förslag",
        "Styrelsen föreslog fullmäktige att godkänna.",
        &["Kommunstyrelsen"],
        &[O::Approves],
    );
    vec![
        step(
            0,
            K::Seminar,
            on(2010, 0, 0),
            "Dialogseminarier",
            "Omkring tio seminarier under hösten.",
            &["Staden", "Omkring hundra organisationer"],
            &[],
        ),
        referral,
        decision,
        statement,
        decided,
        reservation,
        step(
            6,
            K::Decision,
            on(2012, 6, 0),
            "Kommunfullmäktiges beslut",
            "Överenskommelsen antogs.",
            &["Kommunfullmäktige"],
            &[O::Approves],
        ),
        step(
            7,
            K::Ceremony,
            on(2012, 9, 0),
            "Ceremoni",
            "Sextio organisationer undertecknade.",
            &["Parterna"],
            &[],
        ),
    ]
}

pub(crate) fn proposals() -> Vec<r::Proposal> {
    let titles = [
        "Utvidga till kultur och idrott",
        "En policy för den sociala ekonomin",
    ];
    titles
        .iter()
        .enumerate()
        .map(|(n, title)| r::Proposal {
            name: format!("proposals/{}", id('q', n)),
            agreement: agreement_name(),
            title: sv(title),
            state: r::ProposalState::Open.into(),
            raised_in: vec![proceeding_name(4)],
            ..Default::default()
        })
        .collect()
}

pub(crate) fn figures() -> Vec<r::ReportedFigure> {
    use r::Measure as M;
    [
        (M::TookPart, 100, true),
        (M::SignedAtCeremony, 60, false),
        (M::DecidedToJoin, 70, false),
        (M::DecidedToJoin, 72, false),
    ]
    .map(|(measure, value, approximate)| r::ReportedFigure {
        agreement: agreement_name(),
        measure: measure.into(),
        value,
        approximate,
        reported_on: on(2013, 1, 0),
        source: source("Tjänsteutlåtande 2013"),
        ..Default::default()
    })
    .into()
}

pub(crate) fn organisations() -> Vec<r::Organisation> {
    let mut all = vec![r::Organisation {
        name: format!("organisations/{}", id('o', 0)),
        display_name: "RSMH Solbergagården".into(),
        kind: r::OrganisationKind::Association.into(),
        level: r::OrganisationLevel::Local.into(),
        notes: vec![r::RecordNote {
            text: sv("Deltog i arbetsgruppen <script>alert(1)</script>."),
            source: source("Tjänsteutlåtande 2011"),
        }],
        ..Default::default()
    }];
    let words = [
        "Linden", "Ängen", "Örnen", "Åkern", "Bron", "Fyren", "Källan", "Porten",
    ];
    all.extend((1..73).map(|n| {
        r::Organisation {
            name: format!("organisations/{}", id('o', n)),
            display_name: format!("Exempelföreningen {} {n}", words[n % words.len()]),
            number: if n % 5 == 0 {
                String::new()
            } else {
                "802411-8310".into()
            },
            kind: if n % 7 == 0 {
                r::OrganisationKind::Foundation
            } else {
                r::OrganisationKind::Association
            }
            .into(),
            level: r::OrganisationLevel::Local.into(),
            roles: if n % 3 == 0 {
                vec![r::Role::VoiceBearer.into(), r::Role::Provider.into()]
            } else {
                vec![r::Role::VoiceBearer.into()]
            },
            areas: if n % 2 == 0 {
                vec!["areas/social".into()]
            } else {
                vec!["areas/social".into(), "areas/aldre".into()]
            },
            example: true,
            ..Default::default()
        }
    }));
    all
}

pub(crate) fn signatories() -> Vec<r::Signatory> {
    use r::SignatoryState as S;
    organisations()
        .into_iter()
        .map(|o| {
            let state = if o.example { S::Signed } else { S::Undecided };
            let step = |state: S, effective_on, note: &str| r::SignatoryStep {
                state: state.into(),
                effective_on,
                note: note.into(),
            };
            r::Signatory {
                name: o.name.replace(
                    "organisations/",
                    &format!("{}/signatories/", agreement_name()),
                ),
                organisation: o.name,
                display_name: o.display_name,
                state: state.into(),
                since: on(2012, 9, 0),
                edition: i32::from(o.example),
                steps: vec![
                    step(S::InDialogue, on(2010, 0, 0), ""),
                    step(state, on(2012, 9, 0), "Vid ceremonin"),
                ],
                example: o.example,
                ..Default::default()
            }
        })
        .collect()
}

pub(crate) fn commitments() -> Vec<c::Commitment> {
    let texts = [
        (
            "Göra överenskommelsen känd i den egna organisationen.",
            &["city", "sector"][..],
        ),
        (
            "Bjuda in till en årlig dialogkonferens i god tid.",
            &["city"][..],
        ),
        (
            "Bidra till den årliga redovisningen och sprida information om den.",
            &["sector"][..],
        ),
    ];
    texts
        .iter()
        .enumerate()
        .map(|(n, (text, bearers))| c::Commitment {
            name: format!("commitments/{}", id('c', n)),
            agreement: agreement_name(),
            text: format!("Exempel: {text}"),
            principles: vec!["dialog".into(), "oppenhet".into()],
            area: "areas/social".into(),
            proposer: "parties/sector".into(),
            bearers: bearers
                .iter()
                .map(|party| c::Bearer {
                    party: format!("parties/{party}"),
                    answer: if n == 2 {
                        c::Answer::Pending
                    } else {
                        c::Answer::Accepted
                    }
                    .into(),
                    answered_at: (n != 2).then(|| at(1_360_000_000)),
                    reason: String::new(),
                })
                .collect(),
            state: if n == 2 {
                c::CommitmentState::Proposed
            } else {
                c::CommitmentState::Binding
            }
            .into(),
            binding_since: (n != 2).then(|| at(1_360_000_000)),
            example: true,
            ..Default::default()
        })
        .collect()
}

pub(crate) fn plan() -> c::ActionPlan {
    c::ActionPlan {
        name: format!("actionPlans/{}", id('h', 0)),
        agreement: agreement_name(),
        title: sv("Exempel på handlingsplan 2013–2014"),
        starts_on: day(2013, 1, 1),
        ends_on: day(2014, 12, 31),
        state: c::ActionPlanState::Adopted.into(),
        approvals: vec![
            c::Approval {
                party: "parties/city".into(),
                approved_at: Some(at(1_361_000_000)),
            },
            c::Approval {
                party: "parties/sector".into(),
                approved_at: Some(at(1_361_500_000)),
            },
        ],
        action_count: 3,
        example: true,
        ..Default::default()
    }
}

pub(crate) fn actions() -> Vec<c::Action> {
    use c::ActionState as S;
    let list = [
        (
            "Informera alla enheter om överenskommelsen",
            S::Done,
            100,
            false,
            "city",
        ),
        (
            "Samla regler för bidrag på en sida som är lätt att hitta",
            S::InProgress,
            60,
            false,
            "city",
        ),
        (
            "Ta fram ett gemensamt underlag till dialogkonferensen",
            S::InProgress,
            25,
            true,
            "sector",
        ),
    ];
    list.iter()
        .enumerate()
        .map(|(n, (title, state, percent, overdue, owner))| c::Action {
            name: format!("actions/{}", id('d', n)),
            action_plan: plan().name,
            title: (*title).into(),
            commitments: vec![format!("commitments/{}", id('c', 0))],
            owner: format!("parties/{owner}"),
            due_on: day(2013, 10, 31),
            state: i32::from(*state),
            percent: *percent,
            overdue: *overdue,
            reports: vec![c::ProgressReport {
                reported_on: day(2013, 5, 14),
                state: i32::from(*state),
                percent: *percent,
                note: "Arbetet följer planen.".into(),
            }],
            example: true,
            ..Default::default()
        })
        .collect()
}

pub(crate) fn follow_ups() -> Vec<c::FollowUp> {
    vec![c::FollowUp {
        name: format!("followUps/{}", id('f', 0)),
        agreement: agreement_name(),
        year: 2012,
        accounts_due_on: day(2013, 2, 28),
        state: c::FollowUpState::Published.into(),
        accounts: vec![
            c::Account {
                party: "parties/city".into(),
                state: c::AccountState::Submitted.into(),
                summary: "Exempel: Under året har båda nämnderna informerat om överenskommelsen."
                    .into(),
                submitted_on: day(2013, 3, 4),
                late: true,
                example: true,
                ..Default::default()
            },
            c::Account {
                party: "parties/sector".into(),
                state: c::AccountState::Missing.into(),
                ..Default::default()
            },
        ],
        published_at: Some(at(1_363_000_000)),
        ..Default::default()
    }]
}

pub(crate) fn deliberations() -> Vec<c::DistrictDeliberation> {
    use c::DeliberationState as S;
    let held = |board: &str| c::Deliberation {
        district_board: format!("districtBoards/{board}"),
        held_on: on(2013, 4, 18),
        paragraph: "§ 7".into(),
        ..Default::default()
    };
    let district = |code: &str, title: &str, state: S, deliberations| c::DistrictDeliberation {
        district_board: format!("districtBoards/{code}"),
        title: sv(title),
        state: state.into(),
        deliberations,
    };
    vec![
        district("bromma", "Bromma", S::NotYet, vec![]),
        district("farsta", "Farsta", S::Discussed, vec![held("farsta")]),
        district(
            "hagersten-alvsjo",
            "Hägersten-Älvsjö",
            S::DiscussedByPredecessor,
            vec![held("alvsjo")],
        ),
    ]
}

pub(crate) fn over_time() -> rep::GetSignatoriesOverTimeResponse {
    let point = |y, m, d, signed, decided| rep::CountOnDay {
        day: day(y, m, d),
        signed,
        decided,
    };
    rep::GetSignatoriesOverTimeResponse {
        points: vec![
            point(2012, 6, 15, 0, 8),
            point(2012, 8, 20, 0, 41),
            point(2012, 9, 10, 60, 64),
            point(2012, 10, 12, 66, 70),
            point(2012, 12, 3, 72, 72),
            point(2026, 11, 21, 72, 72),
        ],
        reported_figures: vec![],
        freshness: Some(rep::Freshness {
            as_of: Some(at(1_795_000_000)),
            events: 431,
        }),
    }
}
