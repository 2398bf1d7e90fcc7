-- When access keys were last used. As key_usage: it decides nothing, is written some seconds later,
-- and has no MAC.
create table access_key_usage (
    -- identity
    access_key uuid        primary key references access_key on delete cascade,
    -- mutable
    used       timestamptz not null,
    service    text        not null,
    region     text        not null
);
