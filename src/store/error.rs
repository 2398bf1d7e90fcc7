//! What went wrong between the gateway and its database.

use crate::{Error, ErrorCode};
use tokio_postgres::error::SqlState;

/// The cause of an [`Error`] that this layer made: for the log, and for those who must tell one
/// failure from another ([`Error::cause`]).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Postgres refused a statement, or the connection broke under it.
    // The error is not the `source`: its DETAIL quotes whole rows, which are not for the log.
    #[error("{statement}: {}", describe(error))]
    Statement {
        /// The function that the statement's leading comment names.
        statement: String,
        /// What Postgres said.
        error: tokio_postgres::Error,
    },
    /// No answer within the deadline.
    #[error("{0}: no answer within the deadline")]
    Deadline(String),
    /// No connection could be had.
    #[error("no connection to the database: {0}")]
    Connect(String),
    /// A row whose MAC does not verify: it was not written by a gateway, or was edited since.
    #[error("the row {id} of {table} does not carry a valid MAC: it was edited outside Strongroom")]
    RowMac {
        /// The row's table.
        table: &'static str,
        /// What identifies it there.
        id: String,
    },
    /// Rows were read before [`super::Store::set_seal`].
    #[error("no row seal has been set")]
    NoSeal,
    /// The row to be changed is not there in the version that the change was computed from.
    #[error("{0}: the row is no longer as it was read")]
    Changed(&'static str),
    /// The intent to make a key version is gone, or somebody else has taken it over.
    #[error("the intent to create the key version {0} is gone or was taken over")]
    IntentLost(uuid::Uuid),
    /// A statement failed, and the work went on as if it had not.
    #[error("{0}: a failed transaction cannot be committed")]
    Aborted(&'static str),
    /// The connection string, or the schema, is not what it has to be; says what to do.
    #[error("{0}")]
    Setup(String),
}

impl StoreError {
    /// Whether the same transaction, run again from its beginning, may succeed.
    pub(super) fn is_retriable(&self) -> bool {
        matches!(
            self.sqlstate(),
            Some(&SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED)
        )
    }

    /// Whether a row was refused for its MAC.
    pub(super) fn is_row_mac(&self) -> bool {
        matches!(self, StoreError::RowMac { .. })
    }

    /// Whether Postgres found another row with the same key.
    pub(super) fn is_duplicate(&self) -> bool {
        self.sqlstate() == Some(&SqlState::UNIQUE_VIOLATION)
    }

    /// The constraint by which Postgres found another row with the same key.
    pub(super) fn duplicate_of(&self) -> Option<&str> {
        match self {
            StoreError::Statement { error, .. } if self.is_duplicate() => {
                error.as_db_error()?.constraint()
            }
            _ => None,
        }
    }

    fn sqlstate(&self) -> Option<&SqlState> {
        match self {
            StoreError::Statement { error, .. } => error.code(),
            _ => None,
        }
    }

    /// Whether the database, rather than the gateway, is what is wrong: later it may be well.
    fn is_unavailable(&self) -> bool {
        match self {
            StoreError::Deadline(_) | StoreError::Connect(_) => true,
            StoreError::Statement { error, .. } => match error.code() {
                // Not an answer of Postgres's: the connection broke.
                None => error.is_closed() || has_io_cause(error),
                Some(code) => {
                    // 08 connection, 53 resources, 57 operator's intervention (57014 is the
                    // statement's timeout); contention that outlasted the retries.
                    matches!(code.code().get(..2), Some("08" | "53" | "57" | "40"))
                        || *code == SqlState::LOCK_NOT_AVAILABLE
                        || *code == SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT
                }
            },
            _ => false,
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        if error.is_unavailable() {
            let message = "The request could not be completed: the database did not answer in \
                           time; retry.";
            return Error::new(ErrorCode::DependencyTimeout, message).with_source(error);
        }
        if let StoreError::Setup(message) = &error {
            // Met at start, where whoever reads it is the operator.
            return Error::new(ErrorCode::KmsInternal, message.clone());
        }
        Error::internal(error)
    }
}

fn has_io_cause(error: &tokio_postgres::Error) -> bool {
    std::error::Error::source(error).is_some_and(|cause| cause.is::<std::io::Error>())
}

/// What Postgres said, without DETAIL and HINT.
pub(super) fn describe(error: &tokio_postgres::Error) -> String {
    match (error.as_db_error(), std::error::Error::source(error)) {
        (Some(db), _) => format!(
            "{} {}: {}",
            db.severity(),
            db.code().code(),
            db.message().replace('\n', " ")
        ),
        (None, Some(cause)) => format!("{error}: {cause}"),
        (None, None) => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_to_blame_decides_what_the_caller_reads() {
        let timeout = Error::from(StoreError::Deadline("keys::get".into()));
        assert_eq!(timeout.code(), ErrorCode::DependencyTimeout);
        assert!(timeout.message().contains("retry"));
        let edited = Error::from(StoreError::RowMac {
            table: "alias",
            id: "x".into(),
        });
        assert_eq!(edited.code(), ErrorCode::KmsInternal);
        assert!(!edited.message().contains("alias"));
        assert!(matches!(
            edited.cause::<StoreError>(),
            Some(StoreError::RowMac { table: "alias", .. })
        ));
    }
}
