//! How far the scan of all key versions is, and what it has found.

use super::pool::{Params, column};
use super::{Store, Transaction};
use crate::Error;
use std::time::Duration;
use time::OffsetDateTime;
use uuid::Uuid;

const DUE: &str = "/* key_scan::due */ select after is not null or ended is null \
    or ended < strongroom_now() - make_interval(secs => $1) as due from key_scan";
const RESUME: &str = "/* key_scan::resume */ update key_scan set \
    begun = case when after is null then strongroom_now() else begun end, \
    looked_at = case when after is null then 0 else looked_at end, \
    passed_over = case when after is null then 0 else passed_over end, \
    after = coalesce(after, '00000000-0000-0000-0000-000000000000') returning after";
const REACHED: &str = "/* key_scan::reached */ update key_scan set after = $1, \
    looked_at = looked_at + $2, passed_over = passed_over + $3";
// What the scan did not come across has been deleted.
const FORGET: &str = "/* key_scan::forget */ delete from key_drift \
    where seen < (select begun from key_scan)";
const END: &str = "/* key_scan::end */ update key_scan set after = null, ended = strongroom_now() \
    returning looked_at, passed_over, (select count(*) from key_drift) as drifted";
const KNOWN: &str =
    "/* key_scan::known */ select found from key_drift where subject = $1 for update";
const DRIFTED: &str = "/* key_scan::drifted */ insert into key_drift (subject, found) values ($1, $2) \
    on conflict (subject) do update set found = excluded.found, seen = excluded.seen";
const SEEN: &str =
    "/* key_scan::seen */ update key_drift set seen = strongroom_now() where subject = $1";
const MENDED: &str = "/* key_scan::mended */ delete from key_drift where subject = $1";
const FIGURES: &str = "/* key_scan::figures */ select ended, \
    (select count(*) from key_drift) as drifted from key_scan";

/// What a scan came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyScan {
    /// Key versions whose objects were looked at.
    pub looked_at: i64,
    /// Those on tokens that were not open.
    pub passed_over: i64,
    /// Those that are not what they were made as.
    pub drifted: i64,
}

/// Where the scans stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyDrift {
    /// Key versions, and keys of the gateway's own, that are known not to be what they were made as.
    pub drifted: i64,
    /// When the last scan ended, by the database's clock.
    pub scanned: Option<OffsetDateTime>,
}

impl Store {
    /// Whether a scan is under way, or the last one ended longer than `every` ago.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn key_scan_due(&self, every: Duration) -> Result<bool, Error> {
        let connection = self.shared.connections.get().await?;
        let row = connection.query_one(DUE, &[&every.as_secs_f64()]).await?;
        column(&row, "due")
    }

    /// Begins a scan, or goes on with the one under way: after which version. For whoever has the
    /// lease.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn resume_key_scan(&self) -> Result<Uuid, Error> {
        let connection = self.shared.connections.get().await?;
        column(&connection.query_one(RESUME, &[]).await?, "after")
    }

    /// Where the scans stand.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn key_drift(&self) -> Result<KeyDrift, Error> {
        let connection = self.shared.connections.get().await?;
        let row = connection.query_one(FIGURES, &[]).await?;
        Ok(KeyDrift {
            drifted: column(&row, "drifted")?,
            scanned: column(&row, "ended")?,
        })
    }
}

impl Transaction<'_> {
    /// Notes how far the scan is, and how many more versions it has looked at or passed over.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn key_scan_reached(
        &self,
        after: Uuid,
        looked_at: i64,
        passed_over: i64,
    ) -> Result<(), Error> {
        let params: Params<'_> = &[&after, &looked_at, &passed_over];
        self.connection.execute(REACHED, params).await?;
        Ok(())
    }

    /// Ends the scan.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn end_key_scan(&self) -> Result<KeyScan, Error> {
        self.connection.execute(FORGET, &[]).await?;
        let row = self.connection.query_one(END, &[]).await?;
        Ok(KeyScan {
            looked_at: column(&row, "looked_at")?,
            passed_over: column(&row, "passed_over")?,
            drifted: column(&row, "drifted")?,
        })
    }

    /// Notes that something is not what it was made as. Whether that is news.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn note_drift(&self, subject: Uuid, found: &str) -> Result<bool, Error> {
        let known = self.connection.query_opt(KNOWN, &[&subject]).await?;
        let before: Option<String> = known.map(|row| column(&row, "found")).transpose()?;
        let params: Params<'_> = &[&subject, &found];
        self.connection.execute(DRIFTED, params).await?;
        Ok(before.as_deref() != Some(found))
    }

    /// Notes that what is known of something could not be looked at again.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn keep_drift(&self, subject: Uuid) -> Result<(), Error> {
        self.connection.execute(SEEN, &[&subject]).await?;
        Ok(())
    }

    /// Notes that something is what it was made as. Whether that is news.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn forget_drift(&self, subject: Uuid) -> Result<bool, Error> {
        Ok(self.connection.execute(MENDED, &[&subject]).await? == 1)
    }
}
