//! What is to be rotated without a request, and which gateway does it.

use super::Store;
use super::keys::address;
use super::pool::column;
use crate::Error;
use crate::model::{AccountId, Region};
use std::time::Duration;
use tokio_postgres::Row;
use uuid::Uuid;

const DUE: &str = "/* rotations::due */ select account, region, key_id, current_version \
    from kms_key where next_rotation <= (select strongroom_now()) and state = 'Enabled' \
    and (primary_region is null or primary_region = region) order by next_rotation limit $1";
const WORN: &str = "/* rotations::worn */ select account, region, key_id, current_version \
    from gcm_reservation g join key_version v on v.id = g.version \
    join kms_key k on k.material_set = v.material_set and k.current_version = v.id \
    where g.reserved >= 2147483648 and k.state = 'Enabled' and k.origin = 'AWS_KMS' \
    and (k.primary_region is null or k.primary_region = k.region) limit $1";
// One that reaches further than a lease does is from before the clock was put back.
const LEASE: &str = "/* rotations::lease */ \
    insert into lease as l (name, holder, until) \
    values ($1, $2, strongroom_now() + make_interval(secs => $3)) \
    on conflict (name) do update set holder = excluded.holder, until = excluded.until \
    where l.holder = excluded.holder or l.until < strongroom_now() or l.until > excluded.until";

/// A key that is to be rotated, and the version that was current then. A hint where to look: whoever
/// rotates it locks it first.
#[derive(Debug)]
pub struct Rotation {
    /// Where it is.
    pub account: AccountId,
    /// Where it is.
    pub region: Region,
    /// AWS's key id.
    pub key_id: String,
    /// Its current version.
    pub version: Uuid,
}

fn read(row: &Row) -> Result<Rotation, Error> {
    let (account, region, key_id) = address(row)?;
    Ok(Rotation {
        account,
        region,
        key_id,
        version: column(row, "current_version")?,
    })
}

impl Store {
    /// Enabled keys whose next rotation is past by the database's clock; of related multi-Region
    /// keys the primary.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn due_rotations(&self, limit: i64) -> Result<Vec<Rotation>, Error> {
        let connection = self.shared.connections.get().await?;
        let rows = connection.query(DUE, &[&limit]).await?;
        rows.iter().map(read).collect()
    }

    /// Enabled keys with material of the token's own, whose current version has made half of the
    /// GCM encryptions that it may make ([`Store::count_gcm_invocation`]).
    ///
    /// # Errors
    /// Those of the database.
    pub async fn worn_keys(&self, limit: i64) -> Result<Vec<Rotation>, Error> {
        let connection = self.shared.connections.get().await?;
        let rows = connection.query(WORN, &[&limit]).await?;
        rows.iter().map(read).collect()
    }

    /// Takes the lease of that name, or goes on having it, for `lease` from now by the database's
    /// clock; `false` while somebody else has it.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn lease(
        &self,
        name: &'static str,
        holder: Uuid,
        lease: Duration,
    ) -> Result<bool, Error> {
        let connection = self.shared.connections.get().await?;
        let params: super::pool::Params<'_> = &[&name, &holder, &lease.as_secs_f64()];
        Ok(connection.execute(LEASE, params).await? == 1)
    }
}
