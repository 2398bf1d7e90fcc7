-- What is known about the keys, never the keys.
--
-- In every table the columns stand in four groups:
--   identity        what the row is, for ever; never updated
--   immutable       what was true when it was made; never updated
--   mutable         what a request may change
--   record-keeping  row_version, which every change raises so that a result computed on an earlier
--                   version is recognised, and mac, made by a key on the token over all the other
--                   columns: whoever owns this database can read and remove rows, but a row that
--                   they wrote or edited is refused.

-- Every "due" and every lease is compared with this clock alone, so that gateways whose own clocks
-- differ agree, and a test can stand in another clock by replacing the function.
create function strongroom_now() returns timestamptz
    language sql volatile as 'select clock_timestamp()';

-- The deployment: one row. Its id is part of what the gateways sign.
create table deployment (
    -- identity
    id      uuid        primary key default gen_random_uuid(),
    -- immutable
    created timestamptz not null default strongroom_now(),
    -- record-keeping: a second row cannot be
    only_one boolean    not null default true unique check (only_one)
);

-- An account decides nothing by being here; it is what the others refer to.
create table account (
    -- identity
    id      text        primary key check (id ~ '^[0-9]{12}$'),
    -- immutable
    created timestamptz not null
);

create table principal (
    -- identity
    arn         text        primary key check (arn <> ''),
    -- immutable
    account     text        not null references account,
    kind        text        not null check (kind in ('root')),
    created     timestamptz not null,
    -- record-keeping
    row_version bigint      not null check (row_version >= 0),
    mac         bytea       not null
);

create table access_key (
    -- identity
    id             uuid        primary key,
    access_key_id  text        not null unique check (access_key_id <> ''),
    -- immutable
    account        text        not null references account,
    principal      text        not null references principal,
    created        timestamptz not null,
    -- mutable
    wrapped_secret bytea       not null,
    enabled        boolean     not null,
    -- record-keeping
    row_version    bigint      not null check (row_version >= 0),
    mac            bytea       not null
);

create index access_key_account on access_key (account);

-- The versions behind a key. Its own table, because the Regions of a multi-Region key share one and
-- the objects may be destroyed only when the last of them has gone.
create table material_set (
    -- identity
    id      uuid        primary key,
    -- immutable
    created timestamptz not null
);

-- One object, or one key pair, on the token. Nothing of it ever changes.
create table key_version (
    -- identity: the CKA_ID
    id           uuid        primary key,
    -- immutable
    material_set uuid        not null references material_set,
    number       integer     not null check (number >= 1),
    spec         text        not null check (spec <> ''),
    token_serial text        not null,
    public_key   bytea,
    -- The text of a JSON object. Not jsonb, which would give back other bytes than the MAC is over.
    birth        text        not null check (birth::json is not null),
    created      timestamptz not null,
    -- record-keeping
    row_version  bigint      not null check (row_version >= 0),
    mac          bytea       not null,
    unique (material_set, number),
    -- for kms_key's foreign key: a key's current version is of its own material set
    unique (material_set, id)
);

create table kms_key (
    -- identity: id identifies the row; account, region and key_id are its address
    id              uuid        primary key,
    account         text        not null references account,
    region          text        not null check (region ~ '^[a-z0-9-]{1,32}$'),
    -- In byte order, so that the unique index below is also the order in which lists are read.
    key_id          text        collate "C" not null check (key_id <> ''),
    -- immutable
    spec            text        not null check (spec <> ''),
    key_usage       text        not null check (key_usage in ('SIGN_VERIFY', 'ENCRYPT_DECRYPT',
                        'GENERATE_VERIFY_MAC', 'KEY_AGREEMENT', 'ENCAPSULATE_DECAPSULATE')),
    origin          text        not null check (origin in ('AWS_KMS', 'EXTERNAL', 'AWS_CLOUDHSM',
                        'EXTERNAL_KEY_STORE')),
    multi_region    boolean     not null,
    material_set    uuid        not null references material_set,
    created         timestamptz not null,
    -- mutable
    state           text        not null check (state in ('Creating', 'Enabled', 'Disabled',
                        'PendingDeletion', 'PendingImport', 'PendingReplicaDeletion', 'Unavailable',
                        'Updating')),
    description     text        not null,
    policy          text        not null,
    tags            jsonb       not null check (jsonb_typeof(tags) = 'object'),
    deletion        timestamptz,
    current_version uuid        not null,
    -- record-keeping
    row_version     bigint      not null check (row_version >= 0),
    mac             bytea       not null,
    unique (account, region, key_id),
    -- A ciphertext names a version; together with the Region that must name one key.
    unique (material_set, region),
    foreign key (material_set, current_version) references key_version (material_set, id),
    -- A date without the state would be forgotten, the state without a date never end.
    check ((state = 'PendingDeletion') = (deletion is not null))
);

-- What is due is found without looking at the keys that are not.
create index kms_key_due on kms_key (deletion) where state = 'PendingDeletion';

create table alias (
    -- identity
    id          uuid        primary key,
    account     text        not null references account,
    region      text        not null,
    name        text        collate "C" not null check (name like 'alias/_%'),
    -- immutable
    created     timestamptz not null,
    -- mutable
    key_id      text        collate "C" not null,
    updated     timestamptz not null,
    -- record-keeping
    row_version bigint      not null check (row_version >= 0),
    mac         bytea       not null,
    unique (account, region, name),
    foreign key (account, region, key_id) references kms_key (account, region, key_id)
);

create index alias_target on alias (account, region, key_id, name);

-- What is about to be done to the token, so that a crash between the two is resumed. Its MAC is over
-- version and kind: an intent that nobody but the database's owner had destroys nothing, and neither
-- does one of a version that a key still has.
create table intent (
    -- identity
    version     uuid        primary key,
    -- immutable
    kind        text        not null check (kind in ('create', 'destroy')),
    created     timestamptz not null default strongroom_now(),
    -- mutable
    owner       uuid        not null,
    lease_until timestamptz not null,
    -- Once true, whoever began it may not finish it any more: the object may be gone.
    taken_over  boolean     not null default false,
    -- record-keeping
    mac         bytea       not null
);

create index intent_lease on intent (lease_until);

-- How many GCM encryptions under a version have been given to gateways to make: at most 2^32 (NIST
-- SP 800-38D section 8.3). No foreign key: keys of the gateway's own are counted as well.
create table gcm_reservation (
    -- identity
    version  uuid   primary key,
    -- mutable
    reserved bigint not null check (reserved between 0 and 4294967296)
);

-- The audit log's leaves: their exact bytes.
create table audit_record (
    -- identity; has gaps, and is not the order of commits
    position   bigint      generated always as identity primary key,
    -- immutable
    request_id uuid        not null,
    written_at timestamptz not null default strongroom_now(),
    record     bytea       not null
);

-- Against accidents only; what detects tampering is the log itself.
create function audit_record_is_append_only() returns trigger
    language plpgsql as $$
begin
    raise exception 'the audit log is append-only';
end
$$;

create trigger append_only before update or delete or truncate on audit_record
    for each statement execute function audit_record_is_append_only();
