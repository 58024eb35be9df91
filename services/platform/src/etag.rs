//! The version of a resource, and the etag that shows it.

use crate::error::{ErrorCode, Fault};

/// How often an aggregate has changed: 1 when it is created. The database's version column and the
/// number of the aggregate's events are the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version(pub i64);

impl Version {
    /// The version of what was just created.
    pub const FIRST: Self = Self(1);

    /// The etag of this version. Opaque to clients; the quotation marks are part of it, as in HTTP.
    #[must_use]
    pub fn etag(self) -> String {
        format!("\"{}\"", self.0)
    }

    /// The version after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// Passes when the client saw this version, or does not say which one it saw.
    ///
    /// # Errors
    /// `STALE_ETAG` when it saw another.
    pub fn expect(self, etag: &str) -> Result<(), Fault> {
        if etag.is_empty() || etag == self.etag() {
            return Ok(());
        }
        Err(Fault::new(
            ErrorCode::Aborted,
            "STALE_ETAG",
            "the resource has changed since this etag was read; read it again",
            "Uppgiften har ändrats sedan den lästes. Läs den på nytt.",
        )
        .with_metadata("etag", self.etag()))
    }
}

#[cfg(test)]
mod tests {
    use super::Version;

    #[test]
    fn refuses_a_stale_etag_and_takes_a_missing_one() {
        let version = Version::FIRST.next();
        assert!(version.expect("").is_ok());
        assert!(version.expect(&version.etag()).is_ok());
        let fault = version.expect(&Version::FIRST.etag()).expect_err("stale");
        assert_eq!(fault.reason, "STALE_ETAG");
        assert!(version.expect("2").is_err());
    }
}
