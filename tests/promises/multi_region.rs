//! Promise 3, for keys of several Regions: the material goes with the last of them, never before.

use crate::deletion::{AHEAD, schedule, set_database_clock};
use crate::dev::{Dev, scratch};
use crate::gateway::Settings;
use crate::import::import;
use crate::postgres::sql;
use crate::token::objects;
use aws_sdk_kms::error::ProvideErrorMetadata;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{AlgorithmSpec, KeyState, OriginType};
use std::time::{Duration, Instant};

pub const REGIONS: [&str; 3] = ["us-east-1", "eu-west-1", "ap-south-1"];
pub const ORDERS: [[usize; 3]; 6] = [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
];
const PATIENCE: Duration = Duration::from_secs(90);
/// Many rounds of a worker.
const A_WHILE: Duration = Duration::from_secs(1);

/// A key in three Regions, and in which order they are deleted.
pub struct Case {
    pub id: String,
    versions: Vec<String>,
    ciphertext: Blob,
    primary: usize,
    order: [usize; 3],
}

impl Case {
    /// Made in the first Region, and rotated if its primary goes elsewhere.
    pub async fn new(dev: &Dev, primary: usize, order: [usize; 3]) -> Self {
        let first = dev.client_in(REGIONS[0]);
        let made = first.create_key().multi_region(true).send().await.unwrap();
        let id = made.key_metadata.unwrap().key_id;
        Self::replicated(dev, id, primary, order).await
    }

    /// With material that was imported.
    async fn imported(dev: &Dev, order: [usize; 3]) -> Self {
        let first = dev.client_in(REGIONS[0]);
        let create = first.create_key().multi_region(true);
        let made = create.origin(OriginType::External).send().await.unwrap();
        let id = made.key_metadata.unwrap().key_id;
        let import = import(&first, &id, AlgorithmSpec::RsaesOaepSha1, &[7; 32]).await;
        import.send().await.unwrap();
        Self::replicated(dev, id, 0, order).await
    }

    async fn replicated(dev: &Dev, id: String, primary: usize, order: [usize; 3]) -> Self {
        let first = dev.client_in(REGIONS[0]);
        for region in &REGIONS[1..] {
            let replica = first.replicate_key().key_id(&id).replica_region(*region);
            replica.send().await.unwrap();
        }
        if primary != 0 {
            let rotate = first.rotate_key_on_demand().key_id(&id);
            rotate.send().await.unwrap();
            let update = first.update_primary_region().key_id(&id);
            update
                .primary_region(REGIONS[primary])
                .send()
                .await
                .unwrap();
        }
        let versions = sql(
            dev,
            &format!(
                "select coalesce(encode(object_id, 'hex'), replace(id::text, '-', '')) \
                 from key_version where material_set in (select material_set from kms_key where key_id = '{id}')"
            ),
        );
        assert_eq!(versions.len(), if primary == 0 { 1 } else { 2 });
        let last = dev.client_in(REGIONS[2]);
        let encrypt = last.encrypt().key_id(&id).plaintext(Blob::new("kept"));
        let ciphertext = encrypt.send().await.unwrap().ciphertext_blob.unwrap();
        Self {
            id,
            versions,
            ciphertext,
            primary,
            order,
        }
    }

    /// After which move of the clocks a Region's key is gone.
    fn gone_after(&self, region: usize) -> usize {
        let scheduled = |region| 1 + self.order.iter().position(|r| *r == region).unwrap();
        let last_replica = (0..3).filter(|r| *r != self.primary).map(scheduled).max();
        match last_replica.unwrap() {
            // The primary's window begins when the last replica is gone.
            last if region == self.primary && last > scheduled(region) => last + 1,
            _ => scheduled(region),
        }
    }

    async fn check(&self, dev: &Dev, moved: usize) {
        let mut left = 0;
        for (region, name) in REGIONS.iter().enumerate() {
            let client = dev.client_in(name);
            let described = client.describe_key().key_id(&self.id).send().await;
            let context = format!(
                "{:?}, primary {}, {name}, {moved}",
                self.order, self.primary
            );
            if self.gone_after(region) <= moved {
                assert_eq!(
                    described.unwrap_err().code(),
                    Some("NotFoundException"),
                    "{context}"
                );
                continue;
            }
            left += 1;
            let metadata = described.unwrap().key_metadata.unwrap();
            let expected = match self.order[..moved.min(3)].contains(&region) {
                false => KeyState::Enabled,
                true if self.gone_after(region) == moved + 1 && moved == 3 => {
                    KeyState::PendingDeletion
                }
                true => KeyState::PendingReplicaDeletion,
            };
            assert_eq!(metadata.key_state(), Some(&expected), "{context}");
            let pending = expected == KeyState::PendingDeletion;
            assert_eq!(metadata.deletion_date().is_some(), pending, "{context}");
            if expected == KeyState::Enabled {
                let decrypt = client.decrypt().ciphertext_blob(self.ciphertext.clone());
                let plaintext = decrypt.send().await.unwrap().plaintext.unwrap();
                assert_eq!(plaintext.as_ref(), b"kept", "{context}");
            }
        }
        let on_token = objects(dev);
        for version in &self.versions {
            let context = format!("{:?}, primary {}, {moved}", self.order, self.primary);
            assert_eq!(on_token.contains_key(version), left > 0, "{context}");
        }
    }
}

fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[tokio::test]
async fn the_material_goes_with_the_last_region_in_whatever_order() {
    let dev = Dev::start(&scratch(), &[]);
    let mut cases = Vec::new();
    for primary in [0, 1] {
        for order in ORDERS {
            cases.push(Case::new(&dev, primary, order).await);
        }
    }
    cases.push(Case::imported(&dev, ORDERS[1]).await);
    let settings = Settings::default().every(Duration::from_millis(50));
    for moved in 1..=4 {
        if moved < 4 {
            for case in &cases {
                let region = REGIONS[case.order[moved - 1]];
                schedule(&dev.client_in(region), &case.id).await;
            }
        }
        let ahead = AHEAD * u32::try_from(moved).unwrap();
        set_database_clock(&dev, ahead);
        // Two workers at once.
        let settings = settings.clone().ahead(ahead);
        let _gateways = [settings.serve(&dev), settings.serve(&dev)];
        let regions = cases.iter().flat_map(|c| (0..3).map(|r| c.gone_after(r)));
        let left = regions.filter(|gone| *gone > moved).count().to_string();
        wait_until(&format!("{left} keys are left"), || {
            sql(&dev, "select count(*) from kms_key") == [left.as_str()]
        });
        wait_until("what is to be destroyed is", || {
            sql(&dev, "select count(*) from intent") == ["0"]
        });
        std::thread::sleep(A_WHILE);
        for case in &cases {
            case.check(&dev, moved).await;
        }
    }
    for table in ["kms_key", "key_version", "material_set"] {
        let left = sql(&dev, &format!("select count(*) from {table}"));
        assert_eq!(left, ["0"], "{table}");
    }
    let records = |name: &str| {
        let count = format!(
            "select count(*) from (select convert_from(record, 'UTF8')::jsonb r from audit_log) a \
             where r->>'eventName' = '{name}' and r->'userIdentity'->>'type' = 'AWSService'"
        );
        sql(&dev, &count)[0].clone()
    };
    assert_eq!(records("DeleteKey"), (3 * cases.len()).to_string());
    // Those whose primary had waited.
    let waited = cases
        .iter()
        .filter(|case| case.gone_after(case.primary) == 4);
    assert_eq!(records("ScheduleKeyDeletion"), waited.count().to_string());
    dev.stop();
}

#[tokio::test]
async fn replicas_are_where_the_deployment_answers() {
    let dev = Dev::start(&scratch(), &[]);
    let regions = format!("{},{}", REGIONS[0], REGIONS[1]);
    let settings = Settings::default().set("STRONGROOM_GATEWAY_REGIONS", regions);
    let gateway = settings.serve(&dev);
    let client = gateway.client(&dev);
    let made = client.create_key().multi_region(true).send().await.unwrap();
    let id = made.key_metadata.unwrap().key_id;
    let replicate = |region| {
        client
            .replicate_key()
            .key_id(&id)
            .replica_region(region)
            .send()
    };
    let refused = replicate(REGIONS[2]).await.unwrap_err();
    assert_eq!(refused.code(), Some("UnsupportedOperationException"));
    assert!(refused.message().unwrap().contains(REGIONS[2]));
    replicate(REGIONS[1]).await.unwrap();
    // A description that was computed without the replica is recognised by the row's version.
    let versions = sql(
        &dev,
        "select region, row_version from kms_key order by region",
    );
    assert_eq!(versions, ["eu-west-1|1", "us-east-1|2"]);
    let records = "select r->>'eventName', r->>'awsRegion' from (select convert_from(record, 'UTF8')::jsonb r \
                   from audit_log order by written_at) a where r->>'errorCode' is null \
                   and r->'userIdentity'->>'type' <> 'AWSService'";
    assert_eq!(
        sql(&dev, records),
        [
            "CreateKey|us-east-1",
            "CreateKey|eu-west-1",
            "ReplicateKey|us-east-1"
        ]
    );
    dev.stop();
}
