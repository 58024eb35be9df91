//! The rows, with the columns that are judged.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Row;
use crate::calendar::Day;

macro_rules! rows {
    ($(
        $(#[$doc:meta])*
        $name:ident in $table:literal, by ($($key:ident: $key_type:ty),+)
        { $($column:ident: $type:ty),* $(,)? }
    )+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        pub(crate) struct $name {
            $(pub(crate) $key: $key_type,)+
            $(pub(crate) $column: $type,)*
        }

        impl Row for $name {
            const TABLE: &'static str = $table;
            #[cfg(test)]
            const COLUMNS: &'static [&'static str] =
                &[$(stringify!($key),)+ $(stringify!($column),)*];
            type Key = ($($key_type,)+);
            fn key(&self) -> Self::Key {
                ($(self.$key.clone(),)+)
            }
        }
    )+};
}

/// The read models of reporting.
pub(crate) mod reporting {
    use super::{Day, Deserialize, Row, Serialize, Uuid};

    rows! {
        /// An area by its name.
        Area in "area", by (code: String) { title_sv: String, title_en: String }
        /// A party by its name.
        Party in "party", by (code: String) { title_sv: String, title_en: String }
        /// A board with its areas.
        Board in "board", by (code: String) {
            title_sv: String, title_en: String, areas: Vec<String>,
        }
        /// An agreement as it was drafted.
        Agreement in "agreement", by (id: Uuid) {
            title_sv: String, title_en: String, kind: String, parties: Vec<String>,
            areas: Vec<String>,
        }
        /// An adopted edition.
        AgreementEdition in "agreement_edition", by (agreement: Uuid, edition: i32) {
            decided_by: Day, areas: Vec<String>, term_starts_on: Day, term_ends_on: Day,
        }
        /// A figure that a source reports.
        Figure in "figure", by (id: Uuid) {
            agreement: Uuid, measure: String, value: i32, reported_year: i32, reported_month: i32,
            reported_day: i32, source_document: String, source_place: String,
        }
        /// An organisation by its name.
        Organisation in "organisation", by (id: Uuid) { display_name: String, example: bool }
        /// A step of an organisation's relation to an agreement.
        SignatoryChange in "signatory_change",
            by (agreement: Uuid, organisation: Uuid, version: i64)
            { state: String, certain_on: Day, example: bool }
        /// What was proposed.
        Commitment in "commitment", by (id: Uuid) {
            agreement: Uuid, areas: Vec<String>, text: String, bearers: Vec<String>,
            principles: Vec<String>, example: bool,
        }
        /// A step of a commitment.
        CommitmentChange in "commitment_change", by (commitment: Uuid, version: i64) {
            state: String, changed_on: Day,
        }
        /// A plan by its name.
        ActionPlan in "action_plan", by (id: Uuid) {
            agreement: Uuid, title_sv: String, title_en: String, example: bool,
        }
        /// A party's latest approval of a plan.
        ActionPlanApproval in "action_plan_approval", by (action_plan: Uuid, party: String) {
            approved_on: Day, adopted: bool,
        }
        /// An action as it was added.
        Action in "action", by (id: Uuid) {
            action_plan: Uuid, agreement: Uuid, title: String, owner: String,
            commitments: Vec<Uuid>, example: bool,
        }
        /// A step of an action.
        ActionChange in "action_change", by (action: Uuid, version: i64) {
            state: String, percent: i32, changed_on: Day,
        }
        /// A last day of an action.
        ActionDeadline in "action_deadline", by (action: Uuid, version: i64) { due_on: Day }
        /// A yearly round.
        FollowUp in "follow_up", by (id: Uuid) {
            agreement: Uuid, year: i32, parties: Vec<String>,
        }
        /// A last day of a round.
        FollowUpDeadline in "follow_up_deadline", by (follow_up: Uuid, version: i64) {
            due_on: Day,
        }
        /// The day on which a round was published first.
        FollowUpPublication in "follow_up_publication", by (follow_up: Uuid) { published_on: Day }
        /// A party's latest account.
        Account in "account", by (follow_up: Uuid, party: String) {
            summary: String, late: bool, submitted_on: Day, example: bool,
        }
        /// A report that was ordered.
        Report in "report", by (id: Uuid) { board: String, year: i32 }
    }
}

/// What the commitments keep of the registry, and of their own what their events tell.
pub(crate) mod commitments {
    use super::{Day, Deserialize, Row, Serialize, Uuid};

    rows! {
        /// An area by its name.
        Area in "area", by (code: String) { title_sv: String, title_en: Option<String> }
        /// A party by its name.
        Party in "party", by (code: String) { title_sv: String, title_en: Option<String> }
        /// An agreement with what was adopted last.
        Agreement in "agreement", by (id: Uuid) {
            parties: Vec<String>, principles: Vec<String>, areas: Vec<String>, edition: i32,
            term_starts_on: Option<Day>, term_ends_on: Option<Day>,
        }
        /// A district board with its succession.
        DistrictBoard in "district_board", by (code: String) {
            title_sv: String, title_en: Option<String>, established_on: Option<Day>,
            successor: Option<String>, succeeded_on: Option<Day>,
        }
        /// A commitment where it stands.
        Commitment in "commitment", by (id: Uuid) {
            agreement: Uuid, text: String, proposer: String, state: String, example: bool,
        }
        /// An action where it stands.
        Action in "action", by (id: Uuid) {
            action_plan: Uuid, title: String, owner: String, due_on: Day, state: String,
            percent: i32, example: bool,
        }
        /// A round with its last day.
        FollowUp in "follow_up", by (id: Uuid) {
            agreement: Uuid, year: i32, accounts_due_on: Day,
        }
    }
}

/// What the notifications keep of the registry, and of their own what their events tell.
pub(crate) mod notifications {
    use super::{Day, Deserialize, Row, Serialize, Uuid};

    rows! {
        /// Somebody who is to be told.
        Subscriber in "subscriber", by (id: Uuid) {
            display_name: String, district_board: Option<String>,
        }
        /// Whether a subscription is in force.
        Subscription in "subscription", by (id: Uuid) { subscriber: Uuid, active: bool }
        /// A district board with its succession.
        DistrictBoard in "district_board", by (code: String) {
            title_sv: String, title_en: String, successor: Option<String>,
            succeeded_on: Option<Day>,
        }
    }
}

/// What the registry's events tell of its own rows.
pub(crate) mod registry {
    use super::{Deserialize, Row, Serialize, Uuid};

    rows! {
        /// Where an organisation stands. Totals of them need no word of their own: they are equal
        /// when every row is.
        Signatory in "signatory", by (agreement: Uuid, organisation: Uuid) { state: String }
        /// An organisation by its name.
        Organisation in "organisation", by (id: Uuid) {
            display_name: String, kind: String, example: bool,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::super::Row;
    use super::{commitments, notifications, registry, reporting};

    const REGISTRY: &str =
        include_str!("../../../../services/registry/migrations/0100_registry.sql");
    const COMMITMENTS: &str =
        include_str!("../../../../services/commitments/migrations/0100_commitments.sql");
    const NOTIFICATIONS: &str =
        include_str!("../../../../services/notifications/migrations/0100_notifications.sql");
    const REPORTING: &str =
        include_str!("../../../../services/reporting/migrations/0100_reporting.sql");

    /// The columns of each table that a migration creates.
    fn tables(migration: &str) -> BTreeMap<String, BTreeSet<String>> {
        let mut tables = BTreeMap::new();
        let mut table: Option<(String, BTreeSet<String>)> = None;
        for line in migration.lines() {
            let word = line.split_whitespace().next().unwrap_or_default();
            let lower = line.to_lowercase();
            if let Some(rest) = lower.strip_prefix("create table ") {
                let name = rest.split([' ', '(']).next().unwrap_or_default();
                table = Some((name.to_owned(), BTreeSet::new()));
            } else if line.starts_with(')') {
                tables.extend(table.take());
            } else if let Some((_, columns)) = &mut table
                && line.starts_with("    ")
                && !line.starts_with("     ")
                && word
                    .chars()
                    .all(|letter| letter.is_ascii_lowercase() || letter == '_')
                && !["primary", "constraint", "unique", "check"].contains(&word)
            {
                columns.insert(word.to_owned());
            }
        }
        tables
    }

    fn columns<R: Row>() -> (&'static str, BTreeSet<String>) {
        (
            R::TABLE,
            R::COLUMNS
                .iter()
                .map(|column| (*column).to_owned())
                .collect(),
        )
    }

    macro_rules! all {
        ($module:ident: $($row:ident),+ $(,)?) => { vec![$(columns::<$module::$row>()),+] };
    }

    #[test]
    fn every_column_of_the_read_models_is_judged() {
        let judged = all!(reporting: Area, Party, Board, Agreement, AgreementEdition, Figure,
            Organisation, SignatoryChange, Commitment, CommitmentChange, ActionPlan,
            ActionPlanApproval, Action, ActionChange, ActionDeadline, FollowUp, FollowUpDeadline,
            FollowUpPublication, Account);
        let mut tables = tables(REPORTING);
        for (table, columns) in judged {
            assert_eq!(tables.remove(table), Some(columns), "{table}");
        }
        let rest: Vec<_> = tables.into_keys().collect();
        // Freshness is judged apart, and reports are the service's own.
        assert_eq!(rest, ["freshness", "report", "report_content"]);
    }

    #[test]
    fn every_column_of_the_projections_is_judged() {
        let tables_of_commitments = tables(COMMITMENTS);
        for (table, columns) in all!(commitments: Area, Party, Agreement, DistrictBoard) {
            assert_eq!(tables_of_commitments.get(table), Some(&columns), "{table}");
        }
        let (table, columns) = columns::<notifications::DistrictBoard>();
        assert_eq!(tables(NOTIFICATIONS).get(table), Some(&columns), "{table}");
    }

    #[test]
    fn what_is_judged_of_own_rows_are_columns() {
        for (migration, judged) in [
            (REGISTRY, all!(registry: Signatory, Organisation)),
            (COMMITMENTS, all!(commitments: Commitment, Action, FollowUp)),
            (NOTIFICATIONS, all!(notifications: Subscriber, Subscription)),
            (REPORTING, all!(reporting: Report)),
        ] {
            let tables = tables(migration);
            for (table, columns) in judged {
                assert!(
                    tables.get(table).is_some_and(|all| columns.is_subset(all)),
                    "{table}"
                );
            }
        }
    }
}
