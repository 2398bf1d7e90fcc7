-- What the worker counts for the metrics, without looking at the keys that are as most of them are.

-- How many there are in all, the tally knows.
create index kms_key_not_enabled on kms_key (state) where state <> 'Enabled';

-- The most used come first.
create index gcm_reservation_most on gcm_reservation (reserved);
