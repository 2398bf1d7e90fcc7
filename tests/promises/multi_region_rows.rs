//! Promise 5, for keys of several Regions: which of them is the primary is nobody's to edit.

use crate::dev::{Dev, scratch};
use crate::multi_region::{Case, ORDERS, REGIONS};
use crate::postgres::sql;
use aws_sdk_kms::Client;
use aws_sdk_kms::error::ProvideErrorMetadata;
use aws_sdk_kms::primitives::Blob;

/// How DescribeKey and Encrypt are refused.
async fn refused(client: &Client, id: &str) -> [Option<String>; 2] {
    let described = client.describe_key().key_id(id).send().await;
    let encrypt = client.encrypt().key_id(id).plaintext(Blob::new("x"));
    let encrypted = encrypt.send().await;
    let code = |error: &dyn ProvideErrorMetadata| error.code().map(str::to_owned);
    [
        described.err().and_then(|error| code(&error)),
        encrypted.err().and_then(|error| code(&error)),
    ]
}

#[tokio::test]
async fn a_primary_made_behind_the_back_is_refused() {
    let dir = scratch();
    let dev = Dev::start_and_keep(&dir, &[]);
    let case = Case::new(&dev, 0, ORDERS[0]).await;
    let id = &case.id;
    let [first, second, third] = REGIONS;
    let edit = format!(
        "update kms_key set primary_region = '{second}' where key_id = '{id}' and region = '{second}'; \
         create table kept as select * from kms_key where key_id = '{id}' and region = '{third}'"
    );
    sql(&dev, &edit);
    // Fresh eyes: nothing in the cache.
    dev.stop();
    let dev = Dev::start_and_keep(&dir, &[]);
    let internal = || Some("KMSInternalException".to_owned());
    let edited = dev.client_in(second);
    assert_eq!(refused(&edited, id).await, [internal(), internal()]);
    // What shows or changes the others stumbles over it; what they encrypt does not depend on it.
    let home = dev.client_in(first);
    assert_eq!(refused(&home, id).await, [internal(), None]);
    let update = |region| {
        let call = home.update_primary_region().key_id(id);
        call.primary_region(region).send()
    };
    let updated = update(third).await.unwrap_err();
    assert_eq!(updated.code(), internal().as_deref());
    let replicate = home.replicate_key().key_id(id).replica_region("us-west-2");
    let replicated = replicate.send().await.unwrap_err();
    assert_eq!(replicated.code(), internal().as_deref());

    // An old row put back whole has its MAC, and does not agree with the others.
    let mend = format!("update kms_key set primary_region = '{first}' where key_id = '{id}'");
    sql(&dev, &mend);
    update(second).await.unwrap();
    let put_back = "update kms_key k set primary_region = o.primary_region, \
                    row_version = o.row_version, mac = o.mac from kept o where k.id = o.id; \
                    drop table kept";
    sql(&dev, put_back);
    dev.stop();
    let dev = Dev::start(&dir, &[]);
    for region in REGIONS {
        let client = dev.client_in(region);
        assert_eq!(refused(&client, id).await, [internal(), None], "{region}");
    }
    let log = std::fs::read_to_string(dir.join("log")).unwrap();
    assert!(log.contains("of kms_key"), "operators are told");
    dev.stop();
}
