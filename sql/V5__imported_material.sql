-- Imported key material. Each import makes an object of its own on the token, so that a version's
-- material can be replaced in one step, and an intent to destroy an object can never come to mean
-- one that was imported later.

alter table key_version
    -- mutable: the CKA_ID of the object that the material was imported into; null where the version
    -- has the one of its own id, or has no material
    add column object uuid unique;
