//! The four services by name.

/// A service that the pages depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    Registry,
    Commitments,
    Notifications,
    Reporting,
}

impl Service {
    pub(crate) const ALL: [Self; 4] = [
        Self::Registry,
        Self::Commitments,
        Self::Notifications,
        Self::Reporting,
    ];

    /// What it is called on the pages.
    pub(crate) fn swedish(self) -> &'static str {
        match self {
            Self::Registry => "registret",
            Self::Commitments => "åtaganden och handlingsplan",
            Self::Notifications => "aviseringar",
            Self::Reporting => "statistik och rapporter",
        }
    }
}
