-- A group whose rows the gateway has all seen under the stamp `seen`, as most are: where that is still the last one, it
-- is written. Answers whether it was. `commit_audit_group` is for the others, and looks.
create function commit_seen_group(request_ids uuid[], records bytea[], seen uuid) returns boolean
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
    insert into audit_record (request_id, record)
        select unnest(request_ids), unnest(records) from last_change where stamp = seen;
    return found;
end
$$;
