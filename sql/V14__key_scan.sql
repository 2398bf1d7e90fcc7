-- The daily look at the objects of every key version, and which are not what they were made as. Nobody
-- is let in or kept out by it, so there is no MAC; what was found is in the audit log as well.

-- How far the scan is; whoever has the lease goes on with it.
create table key_scan (
    -- identity
    only_one    boolean     primary key default true check (only_one),
    -- mutable: the version that was looked at last; null while no scan is under way
    after       uuid,
    begun       timestamptz,
    ended       timestamptz,
    looked_at   bigint      not null default 0,
    -- on tokens that were not open
    passed_over bigint      not null default 0
);

insert into key_scan default values;

create table key_drift (
    -- identity: a key version's id, or the CKA_ID of one of the gateway's own keys
    subject uuid        primary key,
    -- mutable
    found   text        not null,
    since   timestamptz not null default strongroom_now(),
    seen    timestamptz not null default strongroom_now()
);
