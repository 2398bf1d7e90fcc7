-- A group of audit records in one call: a message to the database and its answer, every plan kept. Answers
-- which of the rows that the records depend on have another version by now, by their ordinals from 1; where
-- there is one, nothing is written.
create function commit_audit_group(
    request_ids uuid[], records bytea[], kinds text[], ids uuid[], row_versions bigint[]
) returns setof bigint
    language plpgsql
    -- Otherwise a plan is made for the lengths of the arrays, at every call.
    set plan_cache_mode = force_generic_plan
    as $$
declare
    stale boolean := false;
begin
    if current_setting('transaction_isolation') <> 'read committed' then
        raise exception 'a group is committed under READ COMMITTED';
    end if;
    -- The shared half of the fence. Each statement here has a snapshot of its own: that of the next is
    -- later than every change that this one has waited for.
    perform pg_advisory_xact_lock_shared(91621623287367);
    -- A group uses rows of two or three kinds: a statement is prepared to run for each of these alone. Each
    -- row is looked up by its primary key in a scalar subquery, which no plan turns into a scan of the table.
    if 'key' = any (kinds) then
        return query
            select u.ordinal
            from unnest(kinds, ids, row_versions) with ordinality as u (kind, id, row_version, ordinal)
            where u.kind = 'key'
                and u.row_version is distinct from (select t.row_version from kms_key t where t.id = u.id);
        stale := stale or found;
    end if;
    if 'alias' = any (kinds) then
        return query
            select u.ordinal
            from unnest(kinds, ids, row_versions) with ordinality as u (kind, id, row_version, ordinal)
            where u.kind = 'alias'
                and u.row_version is distinct from (select t.row_version from alias t where t.id = u.id);
        stale := stale or found;
    end if;
    if 'grant' = any (kinds) then
        return query
            select u.ordinal
            from unnest(kinds, ids, row_versions) with ordinality as u (kind, id, row_version, ordinal)
            where u.kind = 'grant'
                and u.row_version is distinct from (select t.row_version from kms_grant t where t.id = u.id);
        stale := stale or found;
    end if;
    if 'key_store' = any (kinds) then
        return query
            select u.ordinal
            from unnest(kinds, ids, row_versions) with ordinality as u (kind, id, row_version, ordinal)
            where u.kind = 'key_store'
                and u.row_version is distinct from (select t.row_version from key_store t where t.id = u.id);
        stale := stale or found;
    end if;
    if 'access_key' = any (kinds) then
        return query
            select u.ordinal
            from unnest(kinds, ids, row_versions) with ordinality as u (kind, id, row_version, ordinal)
            where u.kind = 'access_key'
                and u.row_version is distinct from (select t.row_version from access_key t where t.id = u.id);
        stale := stale or found;
    end if;
    if 'identity' = any (kinds) then
        return query
            select u.ordinal
            from unnest(kinds, ids, row_versions) with ordinality as u (kind, id, row_version, ordinal)
            where u.kind = 'identity'
                and u.row_version is distinct from (select t.row_version from principal t where t.id = u.id);
        stale := stale or found;
    end if;
    if not stale then
        insert into audit_record (request_id, record) select * from unnest(request_ids, records);
    end if;
end
$$;
