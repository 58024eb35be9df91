//! Questions that several pages ask.

use std::{collections::BTreeMap, future::Future};

use handslag_proto::registry::v1::{
    Agreement, AgreementKind, Area, Board, DistrictBoard, GetAgreementRequest,
    ListAgreementsRequest, ListAreasRequest, ListBoardsRequest, ListDistrictBoardsRequest,
    ListFiguresRequest, ListPartiesRequest, ListProceedingsRequest, ListProposalsRequest,
    Proceeding, Proposal, ReportedFigure,
};

use crate::{clients::Clients, error::PageError, view};

/// Largest page a service gives.
pub(crate) const LARGEST_PAGE: i32 = 500;
/// A bound on what one page of ours may fetch: 10 000 entries are more than a reader can use.
const MAX_PAGES: usize = 20;

/// Shown when the registry is away but the page can do without its names.
pub(crate) const NAMES_MISSING: &str =
    "Namn på parter och områden kan inte hämtas just nu. I stället visas deras koder.";

/// Fetches page after page until the list ends.
///
/// # Errors
/// The first page's error that occurs.
pub(crate) async fn every<T, F, Fut>(mut page: F) -> Result<Vec<T>, PageError>
where
    F: FnMut(String) -> Fut,
    Fut: Future<Output = Result<(Vec<T>, String), PageError>>,
{
    let mut all = Vec::new();
    let mut token = String::new();
    for _ in 0..MAX_PAGES {
        let (mut items, next) = page(token).await?;
        all.append(&mut items);
        if next.is_empty() {
            break;
        }
        token = next;
    }
    Ok(all)
}

/// Names of areas and parties by resource name.
#[derive(Default)]
pub(crate) struct Names {
    /// Areas in the registry's order.
    pub(crate) areas: Vec<(String, String)>,
    /// Parties in the registry's order.
    pub(crate) parties: Vec<(String, String)>,
    /// Whether the registry could not be asked, so that codes stand in for names.
    pub(crate) missing: bool,
}

impl Names {
    /// An area's name, or its code.
    pub(crate) fn area(&self, name: &str) -> String {
        named(&self.areas, name)
    }

    /// A party's name, or its code.
    pub(crate) fn party(&self, name: &str) -> String {
        named(&self.parties, name)
    }

    /// What to say when names are missing.
    pub(crate) fn notice(&self) -> Option<&'static str> {
        self.missing.then_some(NAMES_MISSING)
    }
}

fn named(list: &[(String, String)], name: &str) -> String {
    list.iter()
        .find(|(known, _)| known == name)
        .map_or_else(|| view::last(name).to_owned(), |(_, title)| title.clone())
}

/// Names of areas and parties. A page can do without: it then shows codes.
pub(crate) async fn names(clients: &Clients) -> Names {
    let (areas, parties) = tokio::join!(areas(clients), parties(clients));
    match (areas, parties) {
        (Ok(areas), Ok(parties)) => {
            let areas = areas
                .into_iter()
                .map(|a| (a.name, view::text(a.title.as_ref())))
                .collect();
            Names {
                areas,
                parties,
                missing: false,
            }
        }
        _ => Names {
            missing: true,
            ..Names::default()
        },
    }
}

async fn areas(clients: &Clients) -> Result<Vec<Area>, PageError> {
    every(|page_token| async {
        let request = ListAreasRequest {
            page_size: LARGEST_PAGE,
            page_token,
        };
        let answer = clients
            .registry(request, |mut c, r| async move { c.list_areas(r).await })
            .await?;
        Ok((answer.areas, answer.next_page_token))
    })
    .await
}

async fn parties(clients: &Clients) -> Result<Vec<(String, String)>, PageError> {
    every(|page_token| async {
        let request = ListPartiesRequest {
            page_size: LARGEST_PAGE,
            page_token,
        };
        let answer = clients
            .registry(request, |mut c, r| async move { c.list_parties(r).await })
            .await?;
        let named = answer
            .parties
            .into_iter()
            .map(|p| (p.name, view::text(p.title.as_ref())));
        Ok((named.collect(), answer.next_page_token))
    })
    .await
}

/// The newest agreement for the whole city; `None` when there is none yet.
///
/// # Errors
/// When the registry does not answer.
pub(crate) async fn framework(clients: &Clients) -> Result<Option<Agreement>, PageError> {
    let agreements = every(|page_token| async {
        let request = ListAgreementsRequest {
            page_size: LARGEST_PAGE,
            page_token,
        };
        let answer = clients
            .registry(
                request,
                |mut c, r| async move { c.list_agreements(r).await },
            )
            .await?;
        Ok((answer.agreements, answer.next_page_token))
    })
    .await?;
    let framework = AgreementKind::Framework as i32;
    Ok(agreements
        .into_iter()
        .find(|agreement| agreement.kind == framework))
}

/// One agreement.
///
/// # Errors
/// `NotFound`, or when the registry does not answer.
pub(crate) async fn agreement(clients: &Clients, name: String) -> Result<Agreement, PageError> {
    let request = GetAgreementRequest { name, as_of: None };
    let answer = clients
        .registry(request, |mut c, r| async move { c.get_agreement(r).await })
        .await?;
    answer.agreement.ok_or(PageError::NotFound)
}

/// How an agreement came to be, in order of time.
///
/// # Errors
/// When the registry does not answer.
pub(crate) async fn proceedings(
    clients: &Clients,
    agreement: &str,
) -> Result<Vec<Proceeding>, PageError> {
    every(|page_token| async {
        let request = ListProceedingsRequest {
            agreement: agreement.to_owned(),
            kinds: Vec::new(),
            page_size: LARGEST_PAGE,
            page_token,
        };
        let answer = clients
            .registry(
                request,
                |mut c, r| async move { c.list_proceedings(r).await },
            )
            .await?;
        Ok((answer.proceedings, answer.next_page_token))
    })
    .await
}

/// Proposals of an agreement.
///
/// # Errors
/// When the registry does not answer.
pub(crate) async fn proposals(
    clients: &Clients,
    agreement: &str,
) -> Result<Vec<Proposal>, PageError> {
    every(|page_token| async {
        let request = ListProposalsRequest {
            agreement: agreement.to_owned(),
            state: 0,
            page_size: LARGEST_PAGE,
            page_token,
        };
        let answer = clients
            .registry(request, |mut c, r| async move { c.list_proposals(r).await })
            .await?;
        Ok((answer.proposals, answer.next_page_token))
    })
    .await
}

/// Figures that sources report.
///
/// # Errors
/// When the registry does not answer.
pub(crate) async fn figures(
    clients: &Clients,
    agreement: &str,
) -> Result<Vec<ReportedFigure>, PageError> {
    every(|page_token| async {
        let agreement = agreement.to_owned();
        let request = ListFiguresRequest {
            agreement,
            page_size: LARGEST_PAGE,
            page_token,
        };
        let answer = clients
            .registry(request, |mut c, r| async move { c.list_figures(r).await })
            .await?;
        Ok((answer.figures, answer.next_page_token))
    })
    .await
}

/// Boards of the city.
///
/// # Errors
/// When the registry does not answer.
pub(crate) async fn boards(clients: &Clients) -> Result<Vec<Board>, PageError> {
    every(|page_token| async {
        let request = ListBoardsRequest {
            page_size: LARGEST_PAGE,
            page_token,
        };
        let answer = clients
            .registry(request, |mut c, r| async move { c.list_boards(r).await })
            .await?;
        Ok((answer.boards, answer.next_page_token))
    })
    .await
}

/// District boards, those that have ended too, by resource name.
///
/// # Errors
/// When the registry does not answer.
pub(crate) async fn district_boards(
    clients: &Clients,
) -> Result<BTreeMap<String, DistrictBoard>, PageError> {
    let all = every(|page_token| async {
        let request = ListDistrictBoardsRequest {
            as_of: None,
            include_succeeded: true,
            page_size: LARGEST_PAGE,
            page_token,
        };
        let answer = clients
            .registry(request, |mut c, r| async move {
                c.list_district_boards(r).await
            })
            .await?;
        Ok((answer.district_boards, answer.next_page_token))
    })
    .await?;
    Ok(all
        .into_iter()
        .map(|board| (board.name.clone(), board))
        .collect())
}
