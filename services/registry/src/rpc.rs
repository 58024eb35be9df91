//! What each RPC does, in visible steps, one file each.
//!
//! # Design notes
//! Commands go the same eight steps: decode, begin, load, decide, store, append the event, commit,
//! encode. Which names a request refers to is asked of the database between begin and load, so that
//! every violation is answered at once.

mod adopt_agreement;
mod answer_statement;
mod batch_look_up_organisations;
mod change_organisation_number;
mod create_area;
mod create_board;
mod create_district_board;
mod create_party;
mod decide_to_join;
mod draft_agreement;
mod get_agreement;
mod get_organisation;
mod get_signatory;
mod invite_organisation;
mod list_agreements;
mod list_areas;
mod list_boards;
mod list_district_boards;
mod list_figures;
mod list_organisations;
mod list_parties;
mod list_proceedings;
mod list_proposals;
mod list_signatories;
mod look_up_organisation;
mod raise_proposal;
mod record_proceeding;
mod record_stance;
mod register_organisation;
mod report_figure;
mod resolve_proposal;
mod sign_agreement;
mod succeed_district_board;
mod update_organisation;
mod withdraw_signatory;

pub(crate) use adopt_agreement::adopt_agreement;
pub(crate) use answer_statement::answer_statement;
pub(crate) use batch_look_up_organisations::batch_look_up_organisations;
pub(crate) use change_organisation_number::change_organisation_number;
pub(crate) use create_area::create_area;
pub(crate) use create_board::create_board;
pub(crate) use create_district_board::create_district_board;
pub(crate) use create_party::create_party;
pub(crate) use decide_to_join::decide_to_join;
pub(crate) use draft_agreement::draft_agreement;
pub(crate) use get_agreement::get_agreement;
pub(crate) use get_organisation::get_organisation;
pub(crate) use get_signatory::get_signatory;
pub(crate) use invite_organisation::invite_organisation;
pub(crate) use list_agreements::list_agreements;
pub(crate) use list_areas::list_areas;
pub(crate) use list_boards::list_boards;
pub(crate) use list_district_boards::list_district_boards;
pub(crate) use list_figures::list_figures;
pub(crate) use list_organisations::list_organisations;
pub(crate) use list_parties::list_parties;
pub(crate) use list_proceedings::list_proceedings;
pub(crate) use list_proposals::list_proposals;
pub(crate) use list_signatories::list_signatories;
pub(crate) use look_up_organisation::look_up_organisation;
pub(crate) use raise_proposal::raise_proposal;
pub(crate) use record_proceeding::record_proceeding;
pub(crate) use record_stance::record_stance;
pub(crate) use register_organisation::register_organisation;
pub(crate) use report_figure::report_figure;
pub(crate) use resolve_proposal::resolve_proposal;
pub(crate) use sign_agreement::sign_agreement;
pub(crate) use succeed_district_board::succeed_district_board;
pub(crate) use update_organisation::update_organisation;
pub(crate) use withdraw_signatory::withdraw_signatory;
