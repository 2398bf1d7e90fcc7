-- Who asks: users and roles beside each account's root.

-- As before, a new column stands in its row's MAC only where it is not null; but for the id, which
-- stands there for users and roles.
alter table principal
    -- identity
    add column id          uuid    not null unique default gen_random_uuid(),
    -- immutable: its name without its path; null for the root
    add column name        text    check (name <> ''),
    -- immutable: AIDA… or AROA…, never given to another; null for the root
    add column unique_id   text    unique,
    -- mutable: texts of JSON objects: tags by their keys, policy documents by their names
    add column tags        text    check (tags is null or tags::json is not null),
    add column policies    text    check (policies is null or policies::json is not null),
    -- mutable: of a role, who may assume it, and for how long at most
    add column trust       text,
    add column max_session integer check (max_session between 3600 and 43200),
    -- mutable: of a root: its account administers the deployment
    add column management  boolean check (management),
    drop constraint principal_kind_check,
    add constraint principal_kind check (kind in ('root', 'user', 'role')),
    add check ((kind = 'root') = (name is null) and (kind = 'root') = (unique_id is null)),
    add check ((kind = 'role') = (trust is not null) and (kind = 'role') = (max_session is not null)),
    add check (management is null or kind = 'root');

create unique index principal_name on principal (account, kind, lower(name));
create unique index principal_management on principal (management) where management;
create index access_key_principal on access_key (principal);
