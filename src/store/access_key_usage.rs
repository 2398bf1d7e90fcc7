//! When access keys were last used: see `usage.rs`.

use super::pool::column;
use super::usage::{BATCH, Use};
use super::{AccessKey, AccessKeyUse, Store};
use crate::Error;
use crate::model::Region;
use time::OffsetDateTime;

// In the order of the keys, so that two gateways that write wait for each other in turn.
const WRITE: &str = "/* access_key_usage::write */ \
    insert into access_key_usage as u (access_key, used, service, region) \
    select k.id, n.used, n.service, n.region \
    from unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[]) \
        as n (access_key_id, used, service, region) \
    join access_key k on k.access_key_id = n.access_key_id \
    order by k.id \
    on conflict (access_key) do update \
    set used = excluded.used, service = excluded.service, region = excluded.region \
    where u.used < excluded.used";
const LAST: &str = "/* access_key_usage::last */ \
    select used, service, region from access_key_usage where access_key = $1";

impl Use for AccessKeyUse {
    fn at(&self) -> OffsetDateTime {
        self.at
    }
}

impl Store {
    /// Notes a use of an access key. Costs no I/O.
    pub fn note_access_key_use(&self, access_key_id: &str, used: AccessKeyUse) {
        self.shared.access_key_uses.note(access_key_id, used);
    }

    pub(super) async fn write_access_key_uses(&self) -> Result<(), Error> {
        let noted = self.shared.access_key_uses.take();
        let mut batches = noted.chunks(BATCH);
        while let Some(batch) = batches.next() {
            if let Err(error) = self.write_access_keys(batch).await {
                let rest = batches.flatten();
                let unwritten = batch.iter().chain(rest);
                self.shared.access_key_uses.put_back(unwritten);
                return Err(error);
            }
        }
        Ok(())
    }

    async fn write_access_keys(&self, batch: &[(String, AccessKeyUse)]) -> Result<(), Error> {
        let ids: Vec<&str> = batch.iter().map(|(id, _)| &**id).collect();
        let times: Vec<OffsetDateTime> = batch.iter().map(|(_, used)| used.at).collect();
        let services: Vec<&str> = batch.iter().map(|(_, used)| &*used.service).collect();
        let regions: Vec<&str> = batch.iter().map(|(_, used)| used.region.as_str()).collect();
        let connection = self.shared.connections.get().await?;
        connection
            .execute(WRITE, &[&ids, &times, &services, &regions])
            .await?;
        Ok(())
    }

    /// An access key's last use that is written or that this gateway has noted.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn last_access_key_use(
        &self,
        key: &AccessKey,
    ) -> Result<Option<AccessKeyUse>, Error> {
        let noted = self.shared.access_key_uses.last(&*key.id);
        let connection = self.shared.connections.get().await?;
        let written = match connection.query_opt(LAST, &[&key.row]).await? {
            Some(row) => {
                let service: String = column(&row, "service")?;
                let (at, region) = (column(&row, "used")?, column(&row, "region")?);
                // A text that means nothing was not written by a gateway, and is as good as none.
                Region::parse(region).map(|region| AccessKeyUse {
                    at,
                    service: service.into(),
                    region,
                })
            }
            None => None,
        };
        Ok(noted.into_iter().chain(written).max_by_key(|used| used.at))
    }
}
