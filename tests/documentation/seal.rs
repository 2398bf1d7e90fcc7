use aws_sdk_kms::config::{BehaviorVersion, Config, Credentials, Region};
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::{Client, Error};
use std::collections::HashMap;

/// A client out of what the AWS CLI has in its environment; over TLS: `build_https`.
pub fn client(env: &HashMap<String, String>) -> Client {
    let (id, secret) = (&env["AWS_ACCESS_KEY_ID"], &env["AWS_SECRET_ACCESS_KEY"]);
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(&env["AWS_ENDPOINT_URL_KMS"])
        .region(Region::new(env["AWS_REGION"].clone()))
        .credentials_provider(Credentials::new(id, secret, None, None, "environment"));
    Client::from_conf(config.build())
}

/// Seals a secret under a new key, and opens it again.
pub async fn seal_and_open(kms: &Client, secret: &[u8]) -> Result<Vec<u8>, Error> {
    let key = kms.create_key().description("rust").send().await?;
    let key_id = key.key_metadata().map(|key| key.key_id().to_owned());
    let sealed = kms.encrypt().set_key_id(key_id);
    let sealed = sealed
        .plaintext(Blob::new(secret))
        .encryption_context("app", "billing");
    let sealed = sealed.send().await?;
    let opened = kms.decrypt().set_ciphertext_blob(sealed.ciphertext_blob);
    let opened = opened.encryption_context("app", "billing").send().await?;
    Ok(opened.plaintext.map(Blob::into_inner).unwrap_or_default())
}
