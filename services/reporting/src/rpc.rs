//! The RPCs, a module each.

mod create_report;
mod download_report;
mod get_board_section;
mod get_commitment_figures;
mod get_report;
mod get_signatories_over_time;
mod list_reports;

pub(crate) use create_report::create_report;
pub(crate) use download_report::download_report;
pub(crate) use get_board_section::get_board_section;
pub(crate) use get_commitment_figures::get_commitment_figures;
pub(crate) use get_report::get_report;
pub(crate) use get_signatories_over_time::get_signatories_over_time;
pub(crate) use list_reports::list_reports;
