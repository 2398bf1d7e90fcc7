-- The audit log as a Merkle tree (RFC 9162): which record is which leaf, the tree's hashes, and what
-- the token signed of it.

-- How far the sequencer is; the one that is at work holds the row's lock.
create table audit_tree (
    -- identity
    only_one     boolean primary key default true check (only_one),
    -- mutable
    size         bigint  not null default 0 check (size >= 0),
    -- every record up to this position has a leaf, or was rolled back
    settled      bigint  not null default 0,
    -- what `settled` becomes once all transactions before this one have ended
    settling     bigint  not null default 0,
    settling_xid xid8    not null default pg_current_xact_id(),
    -- the records of the leaves before this one are in an archive, and no longer here
    pruned       bigint  not null default 0 check (pruned between 0 and size)
);

insert into audit_tree default values;

create table audit_leaf (
    -- identity: the leaf's index, without gaps
    leaf       bigint primary key check (leaf >= 0),
    -- immutable; of audit_record
    position   bigint not null unique,
    request_id uuid   not null
);

create index audit_leaf_request on audit_leaf (request_id);

-- 256 hashes of one level of the tree, from the left; the last one of a level may have fewer (C2SP
-- tlog-tiles). Level 0 has the hashes of the leaves, level 1 those of 256 leaves each, and so on.
create table audit_tile (
    level  smallint not null check (level between 0 and 7),
    tile   bigint   not null check (tile >= 0),
    hashes bytea    not null check (length(hashes) between 32 and 8192 and length(hashes) % 32 = 0),
    primary key (level, tile)
);

-- C2SP tlog-checkpoint: the size and the root, signed by the token.
create table audit_checkpoint (
    -- identity
    size    bigint      primary key check (size > 0),
    -- immutable
    made_at timestamptz not null default strongroom_now(),
    note    text        not null
);

-- Up to which leaf the records have been forwarded.
create table audit_forward (
    -- identity: the destination, as the configuration names it
    destination text   primary key,
    -- mutable: the next one
    leaf        bigint not null check (leaf >= 0)
);

create trigger append_only before update or delete or truncate on audit_leaf
    for each statement execute function audit_record_is_append_only();
create trigger append_only before update or delete or truncate on audit_checkpoint
    for each statement execute function audit_record_is_append_only();

-- Whoever inserts a record has a transaction id before the record gets its position, also a gateway of
-- the version before: so a position that is not to be seen yet belongs to a transaction that a snapshot
-- knows. For the statement, before its first row; the defaults of the rows are made after it.
create function audit_record_has_transaction() returns trigger
    language plpgsql as $$
begin
    perform pg_current_xact_id();
    return null;
end
$$;

create trigger has_transaction before insert on audit_record
    for each statement execute function audit_record_has_transaction();

-- Records that an archive has may be deleted, by a transaction that says that it prunes.
create or replace function audit_record_is_append_only() returns trigger
    language plpgsql as $$
begin
    if tg_op = 'DELETE' and tg_table_name in ('audit_record', 'audit_leaf')
        and current_setting('strongroom.prune', true) = 'on' then
        return null;
    end if;
    raise exception 'the audit log is append-only';
end
$$;
