-- Keys whose material changes: rotation, import, versions that are disabled, several Regions, other
-- tokens. A new column stands in its row's MAC only where it is not null, so that rows from before
-- this migration stay genuine.

alter table kms_key
    -- immutable: the custom key store whose token has the key; null for the gateway's own
    add column key_store       uuid,
    -- mutable: where a multi-Region key is the primary; null for a single-Region key
    add column primary_region  text check (primary_region ~ '^[a-z0-9-]{1,32}$'),
    -- mutable: automatic rotation is on where there is a period
    add column rotation_days   integer check (rotation_days between 90 and 2560),
    add column next_rotation   timestamptz,
    -- mutable: the window of a primary that waits for its replicas to be deleted
    add column pending_days    integer check (pending_days between 7 and 30),
    add check (multi_region = (primary_region is not null)),
    add check ((rotation_days is null) = (next_rotation is null)),
    add check ((state = 'PendingReplicaDeletion') = (pending_days is not null));

create index kms_key_rotation on kms_key (next_rotation) where next_rotation is not null;

-- A version's state, and what its object on the token is, may change; its id, number and spec do not.
alter table key_version
    -- mutable: PendingImport is a version whose material is not there (yet, or any more)
    add column state        text not null default 'Enabled'
                            check (state in ('Enabled', 'Disabled', 'PendingImport')),
    -- mutable: when imported material expires
    add column valid_to     timestamptz,
    -- mutable: KeyMaterialDescription
    add column description  text,
    -- mutable: by which rotation it became current, and when; null for a first version
    add column rotation     text check (rotation in ('AUTOMATIC', 'ON_DEMAND')),
    add column rotated      timestamptz,
    -- mutable: made by imported material, so that the same material is recognised without being kept
    add column verifier     bytea,
    add check ((rotation is null) = (rotated is null));

create index key_version_expiry on key_version (valid_to) where valid_to is not null;
