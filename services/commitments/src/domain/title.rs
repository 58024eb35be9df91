//! What something is called in the languages of the city.

use handslag_platform::text::ShortText;

/// A name in Swedish and, when there is one, in English.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Title {
    /// Swedish.
    pub sv: ShortText,
    /// English.
    pub en: Option<ShortText>,
}
