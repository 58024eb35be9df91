//! Lists and searches organisations.

use std::collections::HashMap;

use handslag_platform::{
    paging::Page,
    rpc::Call,
    text::{ShortText, parse_optional},
};
use handslag_proto::registry::v1::{
    ListOrganisationsRequest, ListOrganisationsResponse, OrganisationFilter, OrganisationOrder,
};
use sqlx::PgConnection;
use time::Date;
use uuid::Uuid;

use crate::{
    Registry,
    convert::{self, enums},
    domain::{
        organisation::{Organisation, OrganisationKind, OrganisationLevel, Role},
        organisation_number::OrganisationNumber,
    },
    error::Error,
    form::Form,
    pages,
    store::{self, organisations::Filter},
};

pub(crate) async fn list_organisations(
    service: &Registry,
    call: Call<ListOrganisationsRequest>,
) -> Result<ListOrganisationsResponse, Error> {
    let question = ListOrganisationsRequest {
        page_size: 0,
        page_token: String::new(),
        ..call.request.clone()
    };
    let today = service.clock.today();
    let mut form = Form::new();
    let filter = decode(call.filter.as_ref(), today, &mut form);
    let order = form.take("order", enums::organisation_order(call.order));
    let mut conn = service.database.read().await?;
    form.check_references(&mut conn).await?;
    let (filter, order) = form.finish(filter.zip(order))?;
    let page = service
        .tokens
        .decode(call.page_size, &call.page_token, &question)?;
    let mut rows = list(&mut conn, &filter, order, &page).await?;
    let next_page_token = pages::next(service, &mut rows, &page, &question, |row| {
        keyset(row, order)
    });
    let ids: Vec<Uuid> = rows.iter().map(|organisation| organisation.id.0).collect();
    let numbers = store::organisation_numbers::of(&mut conn, &ids, today).await?;
    let numbers: HashMap<_, _> = numbers.into_iter().collect();
    let total = store::organisations::count(&mut conn, &filter).await?;
    let of = |row: &Organisation| convert::organisation(row, numbers.get(&row.id));
    Ok(ListOrganisationsResponse {
        organisations: rows.iter().map(of).collect(),
        next_page_token,
        total_size: i32::try_from(total).unwrap_or(i32::MAX),
    })
}

async fn list(
    conn: &mut PgConnection,
    filter: &Filter,
    order: OrganisationOrder,
    page: &Page,
) -> Result<Vec<Organisation>, Error> {
    let limit = pages::limit(page);
    Ok(match order {
        OrganisationOrder::Newest => {
            let before = pages::after_id(page, Uuid::max())?;
            store::organisations::list_newest(conn, filter, before, limit).await?
        }
        OrganisationOrder::Name | OrganisationOrder::Unspecified => {
            let after = pages::after_text_and_id(page, "")?;
            store::organisations::list_by_name(conn, filter, &after, limit).await?
        }
    })
}

fn keyset(row: &Organisation, order: OrganisationOrder) -> Vec<String> {
    let id = row.id.0.to_string();
    match order {
        OrganisationOrder::Newest => vec![id],
        OrganisationOrder::Name | OrganisationOrder::Unspecified => {
            vec![row.display_name.to_string(), id]
        }
    }
}

fn decode(filter: Option<&OrganisationFilter>, today: Date, form: &mut Form) -> Option<Filter> {
    let Some(asked) = filter else {
        return Some(Filter::default());
    };
    let query = form.take("filter.query", parse_optional::<ShortText>(&asked.query))?;
    // A whole number is looked up, everything else is part of a name.
    let number = query
        .as_ref()
        .and_then(|text| OrganisationNumber::parse(text.as_str()).ok());
    let name = query.filter(|_| number.is_none());
    let kind = form.take(
        "filter.kind",
        enums::optional(asked.kind, enums::organisation_kind),
    );
    let level = form.take(
        "filter.level",
        enums::optional(asked.level, enums::organisation_level),
    );
    let role = form.take("filter.role", enums::optional(asked.role, enums::role));
    let area = if asked.area.is_empty() {
        Some(None)
    } else {
        form.area("filter.area", &asked.area).map(Some)
    };
    let states = form.states("filter.states", &asked.states);
    let agreement = if asked.agreement.is_empty() && asked.states.is_empty() {
        Some(None)
    } else {
        form.agreement("filter.agreement", &asked.agreement)
            .map(Some)
    };
    Some(Filter {
        name: name.map(|name| store::containing(name.as_str())),
        number: number.map(|number| number.digits().to_owned()),
        today: Some(today),
        kind: kind?.map(OrganisationKind::as_str),
        level: level?.map(OrganisationLevel::as_str),
        role: role?.map(Role::as_str),
        area: area?.map(|area| area.as_str().to_owned()),
        agreement: agreement?.map(|agreement| agreement.0),
        states: states?,
        exclude_examples: asked.exclude_examples,
    })
}
