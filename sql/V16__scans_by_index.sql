-- What was found to read a table, or an index, from end to end.

-- Lists of users and of roles, in byte order.
create index principal_list on principal (account, kind, name collate "C");

-- Whether a version has an intent's object, on whichever token.
create index key_version_object_id on key_version (object_id) where object_id is not null;
