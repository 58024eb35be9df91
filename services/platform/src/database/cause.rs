//! What an error of the database says about whether it is worth trying again.

/// Why a statement failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Nobody answers, or nobody who could write: whatever is asked fails alike, until it passes.
    Outage,
    /// It took too long, or waited too long for somebody else's lock.
    TooLong,
    /// Deadlock or serialisation failure: the transaction was undone, and another attempt may
    /// succeed.
    Conflict,
    /// The statement itself.
    Statement,
}

impl Cause {
    /// Reads an error by its kind, and by the SQLSTATE of the server's answer.
    pub(crate) fn of(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Outage,
            sqlx::Error::Database(error) => Self::of_code(&error.code().unwrap_or_default()),
            _ => Self::Statement,
        }
    }

    fn of_code(code: &str) -> Self {
        match code {
            "40P01" | "40001" => Self::Conflict,
            "57014" | "55P03" => Self::TooLong,
            // It has become a replica; this process was too slow for its own transaction.
            "25006" | "25P03" => Self::Outage,
            // Connection lost; no room, memory or connections; going down or coming up.
            _ if ["08", "53", "57P"]
                .iter()
                .any(|class| code.starts_with(class)) =>
            {
                Self::Outage
            }
            _ => Self::Statement,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Cause;

    #[test]
    fn tells_what_passes_from_what_does_not() {
        for code in [
            "08006", "53100", "53300", "57P01", "57P03", "25006", "25P03",
        ] {
            assert_eq!(Cause::of_code(code), Cause::Outage, "{code}");
        }
        for code in ["57014", "55P03"] {
            assert_eq!(Cause::of_code(code), Cause::TooLong, "{code}");
        }
        for code in ["40001", "40P01"] {
            assert_eq!(Cause::of_code(code), Cause::Conflict, "{code}");
        }
        for code in ["23505", "42P01", "57000", "25001", ""] {
            assert_eq!(Cause::of_code(code), Cause::Statement, "{code}");
        }
        assert_eq!(Cause::of(&sqlx::Error::PoolTimedOut), Cause::Outage);
        assert_eq!(Cause::of(&sqlx::Error::RowNotFound), Cause::Statement);
    }
}
