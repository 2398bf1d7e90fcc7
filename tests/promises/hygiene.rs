//! Promise 2 and 5: nothing secret is in the database or in the log.

use crate::dev::{Dev, scratch};
use crate::postgres::setting;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{DataKeySpec, KeySpec, KeyUsageType};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::process::Command;

#[tokio::test]
async fn neither_a_dump_nor_the_log_holds_a_secret() {
    let dev = Dev::start(&scratch(), &[]);
    let client = dev.client();
    let mut secrets: Vec<Vec<u8>> = vec![
        dev.env["AWS_SECRET_ACCESS_KEY"].as_bytes().to_vec(),
        std::fs::read(dev.dir.join("pin"))
            .unwrap()
            .trim_ascii()
            .to_vec(),
    ];
    let made = client.create_key().send().await.unwrap();
    let id = made.key_metadata().unwrap().key_id().to_owned();
    let plaintext = b"a plaintext that must be nowhere".to_vec();
    let sealed = client
        .encrypt()
        .key_id(&id)
        .plaintext(Blob::new(plaintext.clone()))
        .send()
        .await
        .unwrap();
    client
        .decrypt()
        .ciphertext_blob(sealed.ciphertext_blob().unwrap().clone())
        .send()
        .await
        .unwrap();
    secrets.push(plaintext);
    let data_key = client
        .generate_data_key()
        .key_id(&id)
        .key_spec(DataKeySpec::Aes256);
    secrets.push(
        data_key
            .send()
            .await
            .unwrap()
            .plaintext()
            .unwrap()
            .as_ref()
            .to_vec(),
    );
    let mac = client
        .create_key()
        .key_spec(KeySpec::Hmac256)
        .key_usage(KeyUsageType::GenerateVerifyMac);
    let mac = mac
        .send()
        .await
        .unwrap()
        .key_metadata()
        .unwrap()
        .key_id()
        .to_owned();
    let message = b"a message that must be nowhere".to_vec();
    let macced = client
        .generate_mac()
        .key_id(mac)
        .message(Blob::new(message.clone()));
    let macced = macced.mac_algorithm(aws_sdk_kms::types::MacAlgorithmSpec::HmacSha256);
    macced.send().await.unwrap();
    secrets.push(message);
    // What fails is logged and recorded too.
    let too_long = [
        b"an over-long plaintext ".repeat(200),
        b"with a tail".to_vec(),
    ]
    .concat();
    let refused = client
        .encrypt()
        .key_id(&id)
        .plaintext(Blob::new(too_long))
        .send()
        .await;
    assert!(refused.is_err());
    secrets.push(b"an over-long plaintext an over-long".to_vec());

    let dump = Command::new("pg_dump")
        .args(["-d", &setting(&dev, "url")])
        .output()
        .unwrap();
    assert!(
        dump.status.success(),
        "{}",
        String::from_utf8_lossy(&dump.stderr)
    );
    let log = std::fs::read(dev.dir.join("log")).unwrap();
    let dump_text = String::from_utf8_lossy(&dump.stdout);
    // The records are bytea: hexadecimal in a dump. They are searched as what they say.
    let records: Vec<u8> = dump_text
        .split("\\\\x")
        .skip(1)
        .flat_map(|hex| {
            let hex: Vec<u8> = hex.bytes().take_while(u8::is_ascii_hexdigit).collect();
            hex.chunks_exact(2)
                .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
                .collect::<Vec<u8>>()
        })
        .collect();
    let found = |place: &[u8], what: &[u8]| place.windows(what.len()).any(|window| window == what);
    assert!(
        found(&records, b"\"eventName\":\"Encrypt\""),
        "the search would find nothing at all"
    );
    for secret in secrets {
        let forms = [STANDARD.encode(&secret).into_bytes(), hex(&secret), secret];
        for form in &forms {
            for (name, place) in [("dump", &dump.stdout), ("records", &records), ("log", &log)] {
                assert!(!found(place, form), "the {name} holds a secret");
            }
        }
    }
    dev.stop();
}

fn hex(bytes: &[u8]) -> Vec<u8> {
    bytes
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<String>()
        .into_bytes()
}
