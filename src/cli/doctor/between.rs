//! Token against database: the gateway's own keys, objects that no row knows, rows without their
//! object, and what is under way. Nothing is changed: what does not match is named.

use super::table::Table;
use crate::Error;
use crate::config::Config;
use crate::gateway::settings;
use crate::store::{IntentKind, Store};
use crate::token::{SystemKey, Token};
use std::collections::BTreeSet;
use std::time::Duration;
use uuid::Uuid;

/// How long the token may take to open.
const PATIENCE: Duration = Duration::from_secs(30);
/// Key versions looked at in one query.
const PAGE: i64 = 1000;
/// Of a long list, this many are named.
const NAMED: usize = 20;

pub(super) async fn examine(config: &Config, store: &Store, table: &mut Table) {
    let compared = match Token::open(settings::token(config)) {
        Ok(token) => {
            let compared = compare(&token, store, table).await;
            token.close().await;
            compared
        }
        Err(error) => Err(error.into()),
    };
    if let Err(error) = compared {
        table.bad(
            "token against database",
            error,
            "see the message; then run doctor again",
        );
    }
}

async fn compare(token: &Token, store: &Store, table: &mut Table) -> Result<(), Error> {
    token.wait_ready(PATIENCE).await?;
    let mut on_token: BTreeSet<Uuid> = token.object_ids().await?.into_iter().collect();
    for role in SystemKey::ALL {
        let check = format!("the gateway's {} key", role.role());
        if on_token.remove(&role.object_id(store.deployment())) {
            table.good(check, "is on the token");
        } else {
            table.bad(
                check,
                "is not on this token",
                "is this the right token? A new deployment needs `strongroom init`",
            );
        }
    }
    let ids: Vec<Uuid> = on_token.iter().copied().collect();
    let strangers = store.unknown_versions(&ids).await?;
    names(
        table,
        "objects that no row knows",
        &strangers,
        "left alone: they may be another deployment's; look them up by CKA_ID before you remove one",
    );
    let (mut missing, mut elsewhere, mut total, mut after) = (Vec::new(), BTreeSet::new(), 0, None);
    let here = serial(token);
    loop {
        let page = store.versions_on_tokens(after, PAGE).await?;
        let Some((last, ..)) = page.last() else { break };
        after = Some(*last);
        for (version, serial, object_id) in page {
            total += 1;
            // An adopted object's CKA_ID may be anything; only UUIDs were listed.
            let object = Uuid::from_slice(&object_id).ok();
            if Some(&serial) != here.as_ref() {
                elsewhere.insert(serial);
            } else if object.is_some_and(|object| !on_token.contains(&object)) {
                missing.push(version);
            }
        }
    }
    table.note("key versions in the database", total);
    names(
        table,
        "key versions without their object",
        &missing,
        "their keys cannot be used: restore the token from its backup, or attach the right one",
    );
    let of_stores = store.key_store_serials().await?;
    for serial in elsewhere {
        if of_stores.contains(&serial) {
            table.note(
                "key versions on a custom key store's token, not looked at",
                format!("serial {serial}"),
            );
            continue;
        }
        table.bad(
            "key versions on another token",
            format!("serial {serial}"),
            "attach that token, or mend token.label or token.serial",
        );
    }
    for intent in store.intents().await? {
        let seconds = intent.lease.as_secs();
        // Nobody's, and to be made: every gateway uses it until it is destroyed.
        if intent.kind == IntentKind::Create && intent.owner.is_nil() {
            let key = format!("{}, for {seconds} s more", intent.version);
            table.note("wrapping key for an import", key);
            continue;
        }
        table.note(
            "under way on the token",
            format!(
                "{:?} of {}, lease for {seconds} s more",
                intent.kind, intent.version
            ),
        );
    }
    Ok(())
}

fn serial(token: &Token) -> Option<String> {
    match token.status() {
        crate::token::TokenStatus::Ready { serial, .. } => Some(serial),
        _ => None,
    }
}

/// A line for each, up to a bound, or one that says there are none.
fn names(table: &mut Table, check: &str, ids: &[Uuid], remedy: &str) {
    if ids.is_empty() {
        table.good(check, "none");
    }
    for id in ids.iter().take(NAMED) {
        table.bad(check, format!("CKA_ID {}", id.simple()), remedy);
    }
    if ids.len() > NAMED {
        table.bad(check, format!("and {} more", ids.len() - NAMED), remedy);
    }
}
