-- Other tokens: custom key stores, and objects that were on a token before the gateway knew them. As in
-- V2, a new column stands in its row's MAC only where it is not null.

-- A custom key store is a token of the configuration (its "cluster") and the PIN to it.
create table key_store (
    -- identity: account, region and key_store_id are its address
    id               uuid        primary key,
    account          text        not null references account,
    region           text        not null check (region ~ '^[a-z0-9-]{1,32}$'),
    key_store_id     text        collate "C" not null unique check (key_store_id like 'cks-_%'),
    -- immutable
    certificate      text        not null,
    created          timestamptz not null,
    -- mutable
    name             text        not null check (name <> ''),
    -- A token has one user.
    cluster          text        not null constraint key_store_cluster unique,
    wrapped_password bytea       not null,
    -- Set before a password is first tried: a wrong one is not tried again.
    password_tried   boolean     not null,
    state            text        not null check (state in ('CONNECTED', 'CONNECTING', 'FAILED',
                         'DISCONNECTED', 'DISCONNECTING')),
    error            text,
    -- A new one whenever it is to be connected: whoever has the token open knows by it that it has to
    -- be opened anew.
    connection       uuid        not null,
    -- The gateway that connects it.
    connector        uuid        not null,
    -- The token that it was first connected to, and is for ever.
    token_serial     text,
    -- record-keeping
    row_version      bigint      not null check (row_version >= 0),
    mac              bytea       not null,
    -- Until when connecting may take; not part of the MAC.
    connecting_until timestamptz,
    constraint key_store_name unique (account, region, name),
    check ((state = 'FAILED') = (error is not null))
);

alter table kms_key add foreign key (key_store) references key_store;

create index kms_key_of_store on kms_key (key_store) where key_store is not null;

alter table key_version
    -- mutable: the CKA_ID of what was adopted, and of imported material, which has another one after
    -- each import; null where it is the version's id
    add column object_id bytea check (octet_length(object_id) between 1 and 255);

-- An object is one version's: deleting a key destroys its objects.
create unique index key_version_object on key_version (token_serial, object_id)
    where object_id is not null;

alter table intent
    -- immutable: the token that is meant; null in rows from before, for the gateway's own
    add column token_serial text,
    -- immutable: as key_version's
    add column object_id    bytea;
