-- What the worker rotates without a request, found without looking at anything else.

-- What is due by its schedule: the keys that can be rotated alone, so that those which cannot (they
-- are disabled, or their primary is elsewhere and rotates for them) are not looked at every time.
drop index kms_key_rotation;
create index kms_key_rotation on kms_key (next_rotation)
    where next_rotation is not null and state = 'Enabled'
        and (primary_region is null or primary_region = region);

-- Versions that have half of their encryptions behind them.
create index gcm_reservation_worn on gcm_reservation (version) where reserved >= 2147483648;

-- What one gateway at a time does. It decides nothing: whoever does it without the lease, or whose
-- lease has run out meanwhile, wastes work and does no harm. So there is no MAC.
create table lease (
    -- identity
    name   text        primary key check (name <> ''),
    -- mutable
    holder uuid        not null,
    until  timestamptz not null
);
