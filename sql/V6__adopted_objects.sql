-- Objects that were on a token before the gateway knew them.

alter table intent
    -- immutable: of an adopted object, whether it is one of a pair; null for what was made here. Only
    -- what was adopted is destroyed, whatever else bears its CKA_ID by then.
    add column is_pair boolean,
    add check (is_pair is null or object_id is not null);
