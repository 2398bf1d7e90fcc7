-- Another stamp since the last change of a row that decides: who has seen rows under the same stamp need not look at
-- them again. Never one of before: a counter may come back, with a backup.
create table last_change (
    -- identity
    only_one boolean primary key default true check (only_one),
    -- mutable
    stamp    uuid    not null default gen_random_uuid(),
    -- the transaction that made it, which makes no other
    made_by  xid8    not null default pg_current_xact_id()
);

insert into last_change default values;

-- Under the exclusive half of the fence, whoever makes the change: a gateway, of the version before this one too, or
-- somebody at a prompt. The lock's number is "STRONG" in ASCII.
create function stamp_last_change() returns trigger
    language plpgsql as $$
begin
    perform pg_advisory_xact_lock(91621623287367);
    update last_change set stamp = gen_random_uuid(), made_by = pg_current_xact_id()
        where made_by <> pg_current_xact_id();
    return null;
end
$$;

-- At the commit, so that nobody waits for the work of a transaction, but for its end. A new row changes nothing of
-- what others have seen.
do $$
declare
    decides regclass;
begin
    foreach decides in array array['kms_key', 'alias', 'kms_grant', 'key_store', 'access_key', 'principal']::regclass[]
    loop
        execute format('create constraint trigger last_change after update or delete on %s'
            ' deferrable initially deferred for each row execute function stamp_last_change()', decides);
        execute format('create trigger last_change_truncate after truncate on %s'
            ' for each statement execute function stamp_last_change()', decides);
    end loop;
end
$$;

-- A group whose rows the gateway has seen under the stamp `seen`: where that is still the last one, the rows are not
-- looked at. Otherwise they are, and under the new stamp they have been, but for those of `stale`, their ordinals from
-- 1; where there is one of these, nothing is written.
create function commit_audit_group(
    request_ids uuid[], records bytea[], kinds text[], ids uuid[], row_versions bigint[], seen uuid,
    out stamp uuid, out stale bigint[]
)
    language plpgsql as $$
begin
    if current_setting('transaction_isolation') <> 'read committed' then
        raise exception 'a group is committed under READ COMMITTED';
    end if;
    -- The shared half of the fence: until the commit, nobody makes another stamp.
    perform pg_advisory_xact_lock_shared(91621623287367);
    stamp := (select last_change.stamp from last_change);
    if stamp = seen then
        insert into audit_record (request_id, record) select * from unnest(request_ids, records);
    else
        stale := array(select commit_audit_group(request_ids, records, kinds, ids, row_versions));
    end if;
end
$$;
