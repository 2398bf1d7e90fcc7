-- The audit log's records, a row for those of one commit: beside each other they compress to a sixth, and cost the
-- database half of what a row each does. `audit_record` and `audit_leaf` have those that versions before this one wrote.

create sequence audit_group_position;

create table audit_group (
    -- identity; has gaps, and is not the order of commits. The transaction has its id before: `settled` needs that
    position    bigint      primary key
        default case when pg_current_xact_id() is not null then nextval('audit_group_position') end,
    -- immutable
    written_at  timestamptz not null default strongroom_now(),
    -- ascending
    request_ids uuid[]      not null,
    -- the exact bytes, of each request's
    records     bytea[]     not null
) with (toast_tuple_target = 4096); -- compressed from here on

-- And kept in the row, if it then fits a page.
alter table audit_group alter column request_ids set storage main, alter column records set storage main;

-- Where the server was built with it: what there is without takes several times as long.
do $$
begin
    alter table audit_group alter column records set compression lz4;
exception when feature_not_supported then
    null;
end
$$;

create table audit_group_leaf (
    -- identity: the leaf of the group's first record; the others follow
    leaf        bigint primary key check (leaf >= 0),
    -- immutable; of audit_group
    position    bigint not null unique,
    request_ids uuid[] not null
);

-- A request's id begins with the time, so what a group has is all in a short range.
create index audit_group_leaf_requests on audit_group_leaf
    ((request_ids[cardinality(request_ids)]), (request_ids[1]));

-- In the place of `audit_forward`: a gateway of a version before passes over what it does not know.
create table audit_forwarded (
    -- identity: the destination, as the configuration names it
    destination text   primary key,
    -- mutable: the next one
    leaf        bigint not null check (leaf >= 0)
);

insert into audit_forwarded select destination, leaf from audit_forward;

-- As `settled` and its two are for `audit_record`.
alter table audit_tree
    add column groups_settled      bigint not null default 0,
    add column groups_settling     bigint not null default 0,
    add column groups_settling_xid xid8   not null default pg_current_xact_id();

create trigger append_only before update or delete or truncate on audit_group
    for each statement execute function audit_record_is_append_only();
create trigger append_only before update or delete or truncate on audit_group_leaf
    for each statement execute function audit_record_is_append_only();

create or replace function audit_record_is_append_only() returns trigger
    language plpgsql as $$
begin
    if tg_op = 'DELETE' and tg_table_name in ('audit_record', 'audit_leaf', 'audit_group', 'audit_group_leaf')
        and current_setting('strongroom.prune', true) = 'on' then
        return null;
    end if;
    raise exception 'the audit log is append-only';
end
$$;

-- The log for whoever looks at it with SQL: a row a record; `leaf` is null until it has its place. It reads all of the
-- log, whatever of it is asked for; `audit_leaves` does not.
create view audit_log as
    select l.leaf, r.request_id, r.written_at, r.record
    from audit_record r left join audit_leaf l on l.position = r.position
    union all
    select l.leaf + u.nth - 1, u.request_id, g.written_at, u.record
    from audit_group g left join audit_group_leaf l on l.position = g.position,
        unnest(g.request_ids, g.records) with ordinality as u (request_id, record, nth);

-- The leaves `[first, until)` that are there. Without a record where its row is gone. Each row is looked up in a
-- subquery of its own, which no plan turns into a scan.
create function audit_leaves(first bigint, until bigint)
    returns table (leaf bigint, request_id uuid, written_at timestamptz, record bytea)
    language sql stable as $$
    select l.leaf, l.request_id, r.written_at, r.record
    from audit_leaf l left join lateral (
            select s.written_at, s.record from audit_record s where s.position = l.position offset 0
        ) r on true
    where l.leaf >= first and l.leaf < until
    union all
    select l.leaf + u.nth - 1, u.request_id, g.written_at, u.record
    from audit_group_leaf l left join lateral (
            select s.written_at, s.records from audit_group s where s.position = l.position offset 0
        ) g on true,
        unnest(l.request_ids, g.records) with ordinality as u (request_id, record, nth)
    where l.leaf < until and l.leaf + u.nth > first and l.leaf + u.nth <= until
        and u.nth <= cardinality(l.request_ids)
        -- the group that `first` may be in the middle of
        and l.leaf >= coalesce((select b.leaf from audit_group_leaf b where b.leaf <= first
            order by b.leaf desc limit 1), 0)
$$;

-- A group whose rows the gateway has all seen under the stamp `seen`, as most are: where that is still the last one, it
-- is written. Answers whether it was. `commit_group` is for the others, and looks.
create function commit_group_if(seen uuid, request_ids uuid[], records bytea[]) returns boolean
    language plpgsql as $$
begin
    if current_setting('transaction_isolation') <> 'read committed' then
        raise exception 'a group is committed under READ COMMITTED';
    end if;
    -- The shared half of the fence: until the commit, nobody makes another stamp. An expression, for a statement
    -- would cost as much as a record does.
    if pg_advisory_xact_lock_shared(91621623287367) is null then
        raise exception 'a group is committed under the fence';
    end if;
    -- With a snapshot of its own, later than every change that the fence has waited for.
    insert into audit_group (request_ids, records)
        select commit_group_if.request_ids, commit_group_if.records from last_change where stamp = seen;
    return found;
end
$$;

-- A group whose rows are looked at. Answers the stamp under which they were, and which of them have another version by
-- now, by their ordinals from 1; where there is one, nothing is written.
create function commit_group(
    request_ids uuid[], records bytea[], kinds text[], ids uuid[], row_versions bigint[],
    out stamp uuid, out stale bigint[]
)
    language plpgsql as $$
begin
    if pg_advisory_xact_lock_shared(91621623287367) is null then
        raise exception 'a group is committed under the fence';
    end if;
    stamp := (select last_change.stamp from last_change);
    stale := array(select commit_audit_group('{}', '{}', kinds, ids, row_versions));
    if cardinality(stale) = 0 then
        insert into audit_group (request_ids, records) values (commit_group.request_ids, commit_group.records);
    end if;
end
$$;
