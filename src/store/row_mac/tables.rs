//! Which columns a MAC is over, and in which order: a function for each table.

use super::row::Row;
use crate::model::{ConnectionErrorCode, KeySpec, Region, RotationType, VersionState};
use crate::store::{
    AccessKey, Alias, Approval, ApprovalRequest, Call, Grant, Identity, IdentityKind, Intent, Key,
    KeyStore, KeyVersion, Micros,
};
use uuid::Uuid;

pub(in crate::store) fn key(key: &Key) -> Vec<u8> {
    let row = Row::of("kms_key")
        .uuid(key.row)
        .number(key.row_version)
        .text(key.account.as_str())
        .text(key.region.as_str())
        .text(&key.key_id)
        .text(key.spec.as_str())
        .text(key.usage.as_str())
        .text(key.origin.as_str())
        .boolean(key.multi_region)
        .uuid(key.material_set)
        .instant(key.created.time())
        .text(key.state.as_str())
        .text(&key.description)
        .text(&key.policy)
        .map(&key.tags);
    match key.deletion {
        Some(deletion) => row.instant(deletion),
        None => row.null(),
    }
    .uuid(key.current_version)
    .added("key_store", key.key_store, Row::uuid)
    .added(
        "primary_region",
        key.primary_region.as_ref().map(Region::as_str),
        Row::text,
    )
    .added(
        "rotation_days",
        key.rotation_days.map(i64::from),
        Row::number,
    )
    .added(
        "next_rotation",
        key.next_rotation.map(Micros::time),
        Row::instant,
    )
    .added("pending_days", key.pending_days.map(i64::from), Row::number)
    .0
}

/// `birth` is the column's text: JSON parsed and written again may be other bytes.
pub(in crate::store) fn key_version(
    material_set: Uuid,
    spec: KeySpec,
    version: &KeyVersion,
    birth: &str,
) -> Vec<u8> {
    let state = (version.state != VersionState::Enabled).then(|| version.state.as_str());
    let (rotation, rotated) = version.rotation.unzip();
    let row = Row::of("key_version")
        .uuid(version.id)
        .number(version.row_version)
        .uuid(material_set)
        .number(version.number.into())
        .text(spec.as_str())
        .text(&version.token_serial);
    match &version.public_key {
        Some(public_key) => row.bytes(public_key),
        None => row.null(),
    }
    .text(birth)
    .instant(version.created.time())
    .added("state", state, Row::text)
    .added("valid_to", version.valid_to, Row::instant)
    .added("description", version.description.as_deref(), Row::text)
    .added("rotation", rotation.map(RotationType::as_str), Row::text)
    .added("rotated", rotated, Row::instant)
    .added("verifier", version.verifier.as_deref(), Row::bytes)
    .added("object_id", version.object_id.as_deref(), Row::bytes)
    .0
}

pub(in crate::store) fn alias(alias: &Alias) -> Vec<u8> {
    Row::of("alias")
        .uuid(alias.row)
        .number(alias.row_version)
        .text(alias.account.as_str())
        .text(alias.region.as_str())
        .text(&alias.name)
        .text(&alias.key_id)
        .instant(alias.created)
        .instant(alias.updated)
        .0
}

/// `constraints` is the column's text, as `birth` of a key version.
pub(in crate::store) fn grant(grant: &Grant, constraints: Option<&str>) -> Vec<u8> {
    let mut row = Row::of("kms_grant")
        .uuid(grant.row)
        .number(grant.row_version)
        .uuid(grant.key)
        .text(grant.account.as_str())
        .text(grant.region.as_str())
        .text(&grant.key_id)
        .text(&grant.grant_id);
    let optional = |row: Row, value: Option<&str>| match value {
        Some(value) => row.text(value),
        None => row.null(),
    };
    row = optional(row, grant.name.as_deref()).text(&grant.grantee);
    row = optional(row, grant.retiring.as_deref())
        .text(grant.issuer.as_str())
        .number(grant.operations.iter().count() as i64);
    for operation in grant.operations.iter() {
        row = row.text(operation.as_str());
    }
    optional(row, constraints).instant(grant.created).0
}

/// No row, but what stands in a grant token: the grant it names, and what makes it unique.
pub(in crate::store) fn grant_token(grant: Uuid, nonce: Uuid) -> Vec<u8> {
    Row::of("grant_token").uuid(grant).uuid(nonce).0
}

pub(in crate::store) fn access_key(key: &AccessKey) -> Vec<u8> {
    Row::of("access_key")
        .uuid(key.row)
        .number(key.row_version)
        .text(&key.id)
        .text(key.account.as_str())
        .text(&key.principal)
        .bytes(&key.wrapped_secret)
        .boolean(key.enabled)
        .instant(key.created)
        .0
}

/// `tags` and `policies` are the columns' texts, as `birth` of a key version.
pub(in crate::store) fn identity(
    identity: &Identity,
    kind: &str,
    tags: Option<&str>,
    policies: Option<&str>,
) -> Vec<u8> {
    // Roots were there before there were ids.
    let id = (identity.kind != IdentityKind::Root).then_some(identity.row);
    Row::of("principal")
        .text(&identity.arn)
        .number(identity.row_version)
        .text(identity.account.as_str())
        .text(kind)
        .instant(identity.created)
        .added("id", id, Row::uuid)
        .added("name", identity.name.as_deref(), Row::text)
        .added("unique_id", identity.unique_id.as_deref(), Row::text)
        .added("tags", tags, Row::text)
        .added("policies", policies, Row::text)
        .added("trust", identity.trust.as_deref(), Row::text)
        .added(
            "max_session",
            identity.max_session_seconds.map(i64::from),
            Row::number,
        )
        .added(
            "management",
            identity.management.then_some(true),
            Row::boolean,
        )
        .0
}

pub(in crate::store) fn key_store(store: &KeyStore) -> Vec<u8> {
    Row::of("key_store")
        .uuid(store.row)
        .number(store.row_version)
        .text(store.account.as_str())
        .text(store.region.as_str())
        .text(&store.id)
        .text(&store.certificate)
        .instant(store.created)
        .text(&store.name)
        .text(&store.cluster)
        .bytes(&store.wrapped_password)
        .boolean(store.password_tried)
        .text(store.state.as_str())
        .optional(store.error.map(ConnectionErrorCode::as_str))
        .uuid(store.connection)
        .uuid(store.connector)
        .optional(store.token_serial.as_deref())
        .0
}

/// No row, but a call as it was made: two calls are the same if this is.
pub(in crate::store) fn call(call: &Call<'_>) -> Vec<u8> {
    let row = Row::of("call")
        .text(call.operation)
        .text(call.region.as_str())
        .text(call.requester)
        .uuid(call.identity)
        .bytes(call.parameters);
    texts(row, call.resources).0
}

fn texts(row: Row, texts: &[String]) -> Row {
    let row = row.number(texts.len() as i64);
    texts.iter().fold(row, |row, text| row.text(text))
}

pub(in crate::store) fn approval_request(request: &ApprovalRequest, state: &str) -> Vec<u8> {
    let row = Row::of("approval_request")
        .uuid(request.row)
        .number(request.row_version)
        .text(request.account.as_str())
        .text(request.region.as_str())
        .text(&request.operation)
        .text(&request.requester)
        .text(&request.identity)
        .bytes(&request.call)
        .text(&request.parameters)
        .number(request.needed.into())
        .instant(request.created)
        .instant(request.expires)
        .text(state)
        .optional(request.denied_by.as_deref());
    let lists = [&request.hands, &request.resources, &request.approvers];
    lists.into_iter().fold(row, |row, list| texts(row, list)).0
}

pub(in crate::store) fn approval(request: Uuid, approval: &Approval) -> Vec<u8> {
    let row = Row::of("approval")
        .uuid(request)
        .uuid(approval.identity_row)
        .text(&approval.approver)
        .text(&approval.principal)
        .optional(approval.access_key.as_deref())
        .instant(approval.created);
    texts(row, &approval.hands).0
}

/// Only what decides: owner and lease may change hands without a key.
pub(in crate::store) fn intent(intent: &Intent) -> Vec<u8> {
    let adopted = intent.adopted.as_ref();
    Row::of("intent")
        .uuid(intent.version)
        .text(intent.kind.as_str())
        .added("token_serial", intent.token_serial.as_deref(), Row::text)
        .added("object_id", adopted.map(|a| &*a.object_id), Row::bytes)
        .added("is_pair", adopted.map(|a| a.is_pair), Row::boolean)
        .0
}
