//! What the other services call their resources.

use handslag_platform::text::Code;
use uuid::Uuid;

/// Code of an area, as in `areas/{code}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AreaCode(pub Code);

/// Code of a district board, as in `districtBoards/{code}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DistrictCode(pub Code);

/// Identity of an agreement, as in `agreements/{id}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgreementId(pub Uuid);
