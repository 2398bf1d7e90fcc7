-- What quotas count. None of it decides who may do what, and whoever owns this database could fill it
-- anyway: so there is no MAC.

-- How many of a kind an account has, kept as they come and go: asking costs the same however many
-- there are, and whoever makes one more holds the row until it is committed, so that nobody makes one
-- too many beside.
create table tally (
    -- identity; the Region is empty for what is in none
    account text   not null references account,
    region  text   not null,
    kind    text   not null check (kind in ('key', 'user', 'role')),
    -- mutable
    many    bigint not null check (many >= 0),
    primary key (account, region, kind)
);

create function tally_change(of_account text, in_region text, of_kind text, by bigint) returns void
    language sql as $$
    insert into tally as t (account, region, kind, many)
    values (of_account, in_region, of_kind, greatest(by, 0))
    on conflict (account, region, kind) do update set many = greatest(t.many + by, 0)
$$;

create function tally_key() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        perform tally_change(new.account, new.region, 'key', 1);
    else
        perform tally_change(old.account, old.region, 'key', -1);
    end if;
    return null;
end
$$;

create function tally_principal() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        perform tally_change(new.account, '', new.kind, 1);
    else
        perform tally_change(old.account, '', old.kind, -1);
    end if;
    return null;
end
$$;

create trigger tally_insert after insert on kms_key for each row execute function tally_key();
create trigger tally_delete after delete on kms_key for each row execute function tally_key();
create trigger tally_insert after insert on principal for each row
    when (new.kind <> 'root') execute function tally_principal();
create trigger tally_delete after delete on principal for each row
    when (old.kind <> 'root') execute function tally_principal();

insert into tally (account, region, kind, many)
    select account, region, 'key', count(*) from kms_key group by account, region
    union all
    select account, '', kind, count(*) from principal where kind <> 'root' group by account, kind;

-- For whom a wrapping key was made; it goes with its intent.
create table wrapping_key (
    -- identity
    intent  uuid primary key references intent on delete cascade,
    -- immutable
    account text not null references account
);

create index wrapping_key_account on wrapping_key (account);

-- What an account may do a few times an hour, whichever gateway it asks: when it may do all of it at
-- once again.
create table slow_rate (
    -- identity
    account text        not null references account,
    kind    text        not null check (kind in ('key-store-password')),
    -- mutable
    full_at timestamptz not null,
    primary key (account, kind)
);
