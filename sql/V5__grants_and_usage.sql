-- Grants, and when keys were last used.

-- Who else may use a key, and for what. Nothing of a grant ever changes: it is made, and it is
-- retired or revoked.
create table kms_grant (
    -- identity
    id          uuid        primary key,
    key         uuid        not null references kms_key on delete cascade,
    -- In byte order, which is the order in which lists are read.
    grant_id    text        collate "C" not null check (grant_id ~ '^[0-9a-f]{64}$'),
    -- immutable: the key's address, which is for ever that of its row
    account     text        not null references account,
    region      text        not null,
    key_id      text        not null,
    name        text        check (name <> ''),
    -- An ARN, or the name of a service.
    grantee     text        not null check (grantee <> ''),
    retiring    text        check (retiring <> ''),
    issuer      text        not null references account,
    operations  text[]      not null check (cardinality(operations) > 0),
    -- The text of a JSON object, as a key version's birth.
    constraints text        check (constraints is null or constraints::json is not null),
    created     timestamptz not null,
    -- record-keeping
    row_version bigint      not null check (row_version >= 0),
    mac         bytea       not null,
    unique (key, grant_id)
);

create index kms_grant_grantee on kms_grant (key, grantee, grant_id);
create index kms_grant_name on kms_grant (key, name) where name is not null;
create index kms_grant_retiring on kms_grant (region, retiring, grant_id) where retiring is not null;

-- A key's last use. It decides nothing, is written some seconds later, and has no MAC.
create table key_usage (
    -- identity
    key        uuid        primary key references kms_key on delete cascade,
    -- mutable
    operation  text        not null,
    used       timestamptz not null,
    request_id uuid        not null
);

-- immutable: since when uses are noted; for a database from before, since now
alter table deployment add column usage_since timestamptz not null default strongroom_now();
