//! Promise 3: a key that is rotated, by whomever and whenever, loses nothing.

use crate::dev::SHARED;
use aws_sdk_kms::Client;
use aws_sdk_kms::primitives::Blob;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A new key's id.
pub async fn key(client: &Client) -> String {
    let made = client.create_key().send().await.unwrap();
    made.key_metadata().unwrap().key_id().to_owned()
}

/// Encrypts it.
pub async fn encrypt(client: &Client, id: &str, text: &str) -> Blob {
    let sealed = client.encrypt().key_id(id).plaintext(Blob::new(text));
    let sealed = sealed.send().await.unwrap();
    sealed.ciphertext_blob().unwrap().clone()
}

/// Decrypts it; answers the material that it was under.
pub async fn decrypt(client: &Client, sealed: &Blob, text: &str) -> String {
    let opened = client.decrypt().ciphertext_blob(sealed.clone());
    let opened = opened.send().await.unwrap();
    assert_eq!(opened.plaintext().unwrap().as_ref(), text.as_bytes());
    opened.key_material_id().unwrap().to_owned()
}

/// On demand.
pub async fn rotate(client: &Client, id: &str) {
    let rotate = client.rotate_key_on_demand().key_id(id);
    rotate.send().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_ciphertexts_over_twenty_rotations() {
    const ROTATIONS: usize = 20;
    const CLIENTS: usize = 100;
    const EACH: usize = 5;
    let client = SHARED.client();
    let id = key(&client).await;
    let text = |turn, at, n| format!("{turn} {at} {n}");
    let mut sealed: BTreeMap<String, Blob> = BTreeMap::new();
    for turn in 0..ROTATIONS {
        let clients = (0..CLIENTS).map(|at| {
            let (client, id) = (client.clone(), id.clone());
            tokio::spawn(async move {
                let mut made = Vec::new();
                for n in 0..EACH {
                    let text = text(turn, at, n);
                    made.push((text.clone(), encrypt(&client, &id, &text).await));
                }
                made
            })
        });
        for made in futures_util::future::join_all(clients).await {
            sealed.extend(made.unwrap());
        }
        rotate(&client, &id).await;
    }
    assert_eq!(sealed.len(), 10_000);
    // All versions mixed, a share for each client.
    let mut shares = vec![Vec::new(); CLIENTS];
    for (at, one) in sealed.into_iter().enumerate() {
        shares[at % CLIENTS].push(one);
    }
    let clients = shares.into_iter().map(|share| {
        let client = client.clone();
        tokio::spawn(async move {
            let mut by_material = BTreeMap::<String, BTreeSet<String>>::new();
            for (text, sealed) in share {
                let material = decrypt(&client, &sealed, &text).await;
                let turn = text.split(' ').next().unwrap().to_owned();
                by_material.entry(material).or_default().insert(turn);
            }
            by_material
        })
    });
    let mut by_material = BTreeMap::<String, BTreeSet<String>>::new();
    for part in futures_util::future::join_all(clients).await {
        for (material, turns) in part.unwrap() {
            by_material.entry(material).or_default().extend(turns);
        }
    }
    assert_eq!(by_material.len(), ROTATIONS, "one material for each turn");
    assert!(by_material.values().all(|turns| turns.len() == 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_clients_notice_nothing_of_a_rotation() {
    let client = SHARED.client();
    let id = key(&client).await;
    let stop = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..8)
        .map(|at| {
            let (id, stop) = (id.clone(), stop.clone());
            tokio::spawn(async move {
                let client = SHARED.client();
                let mut sealed = Vec::new();
                let mut materials = BTreeSet::new();
                while !stop.load(Ordering::Relaxed) {
                    let text = format!("{at} {}", sealed.len());
                    sealed.push((encrypt(&client, &id, &text).await, text));
                    // Its newest, and one from long ago.
                    for (blob, text) in [sealed.last().unwrap(), &sealed[sealed.len() / 2]] {
                        materials.insert(decrypt(&client, blob, text).await);
                    }
                }
                (sealed, materials)
            })
        })
        .collect();
    for _ in 0..25 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        rotate(&client, &id).await;
    }
    stop.store(true, Ordering::Relaxed);
    let (mut count, mut materials) = (0, BTreeSet::new());
    for hammer in clients {
        let (sealed, seen) = hammer.await.unwrap();
        for (blob, text) in &sealed {
            decrypt(&client, blob, text).await;
        }
        count += sealed.len();
        materials.extend(seen);
    }
    assert!(count > 200, "the clients did not do much: {count}");
    assert!(materials.len() > 20, "they saw {}", materials.len());
    // Nobody goes on with the old material once a rotation was answered.
    let last = encrypt(&client, &id, "x").await;
    let described = client.describe_key().key_id(&id).send().await.unwrap();
    let current = described.key_metadata().unwrap().current_key_material_id();
    assert_eq!(current, Some(&*decrypt(&client, &last, "x").await));
}
