/* access_key_usage::write */ insert into access_key_usage as u (access_key, used, service, region) select k.id, n.used, n.service, n.region from unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[]) as n (access_key_id, used, service, region) join access_key k on k.access_key_id = n.access_key_id order by k.id on conflict (access_key) do update set used = excluded.used, service = excluded.service, region = excluded.region where u.used < excluded.used;

/* access_keys::get */ select id, access_key_id, account, principal, created, wrapped_secret, enabled, row_version, mac from access_key where access_key_id = $1;

/* access_keys::insert */ insert into access_key (id, access_key_id, account, principal, created, wrapped_secret, enabled, row_version, mac) values ($1, $2, $3, $4, $5, $6, $7, $8, $9);

/* access_keys::lock */ select id, access_key_id, account, principal, created, wrapped_secret, enabled, row_version, mac from access_key where access_key_id = $1 for share;

/* access_keys::of_principal */ select id, access_key_id, account, principal, created, wrapped_secret, enabled, row_version, mac from access_key where principal = $1 order by access_key_id;

/* aliases::delete */ delete from alias where id = $1 and row_version = $2;

/* aliases::get */ select id, account, region, name, created, key_id, updated, row_version, mac from alias where account = $1 and region = $2 and name = $3;

/* aliases::insert */ insert into alias (id, account, region, name, created, key_id, updated, row_version, mac) values ($1, $2, $3, $4, $5, $6, $7, $8, $9);

/* aliases::list */ select id, account, region, name, created, key_id, updated, row_version, mac from alias where account = $1 and region = $2 and name > $3 order by name limit $4;

/* aliases::lock */ select id, account, region, name, created, key_id, updated, row_version, mac from alias where account = $1 and region = $2 and name = $3 for update;

/* aliases::update */ update alias set key_id = $3, updated = $4, row_version = $2 + 1, mac = $5 where id = $1 and row_version = $2;

/* audit_log::group */
    with used as (
        select * from unnest($4::int4[], $5::text[], $6::uuid[], $7::int8[])
            as u (ordinal, kind, id, row_version)
    ), stale as materialized (
        select ordinal, id from used u
        where row_version is distinct from case kind
            when 'key' then (select k.row_version from kms_key k where k.id = u.id)
            when 'alias' then (select a.row_version from alias a where a.id = u.id)
            when 'grant' then (select g.row_version from kms_grant g where g.id = u.id)
            when 'key_store' then (select s.row_version from key_store s where s.id = u.id)
            when 'access_key' then (select c.row_version from access_key c where c.id = u.id)
            when 'identity' then (select p.row_version from principal p where p.id = u.id)
        end
    ), written as (
        insert into audit_record (request_id, record)
        select e.request_id, e.record
        from unnest($1::int4[], $2::uuid[], $3::bytea[]) as e (ordinal, request_id, record)
        where e.ordinal not in (select ordinal from stale)
        order by e.ordinal
    )
    select ordinal, id from stale;

/* audit_log::record */ insert into audit_record (request_id, record) values ($1, $2);

/* gcm::reserve */
    insert into gcm_reservation as g (version, reserved) values ($1, $2)
    on conflict (version) do update set reserved = g.reserved + $2 where g.reserved + $2 <= $3
    returning reserved;

/* grants::count */ select count(*) as grants from kms_grant where key = $1;

/* grants::delete */ delete from kms_grant where id = $1 and row_version = $2;

/* grants::insert */ insert into kms_grant (id, key, grant_id, account, region, key_id, name, grantee, retiring, issuer, operations, constraints, created, row_version, mac) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15);

/* grants::list */ select id, key, grant_id, account, region, key_id, name, grantee, retiring, issuer, operations, constraints, created, row_version, mac from kms_grant where key = $1 and grant_id > $2 order by grant_id limit $3;

/* grants::lock */ select id, key, grant_id, account, region, key_id, name, grantee, retiring, issuer, operations, constraints, created, row_version, mac from kms_grant where key = $1 and grant_id = $2 for update;

/* grants::of_key */ select id, key, grant_id, account, region, key_id, name, grantee, retiring, issuer, operations, constraints, created, row_version, mac from kms_grant where key = $1 and grant_id = $2;

/* grants::same */ select id, key, grant_id, account, region, key_id, name, grantee, retiring, issuer, operations, constraints, created, row_version, mac from kms_grant where key = $1 and name = $2 and grantee = $3 and retiring is not distinct from $4 and issuer = $5 and operations = $6 and constraints is not distinct from $7 limit 1;

/* identities::get */ select id, arn, account, kind, name, unique_id, tags, policies, trust, max_session, management, created, row_version, mac from principal where arn = $1;

/* identities::insert */ insert into principal (id, arn, account, kind, name, unique_id, tags, policies, trust, max_session, management, created, row_version, mac) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14);

/* identities::list */ select id, arn, account, kind, name, unique_id, tags, policies, trust, max_session, management, created, row_version, mac from principal where account = $1 and kind = $2 and name collate "C" > $3 order by name collate "C" limit $4;

/* identities::lock */ select id, arn, account, kind, name, unique_id, tags, policies, trust, max_session, management, created, row_version, mac from principal where arn = $1 for update;

/* identities::share */ select id, arn, account, kind, name, unique_id, tags, policies, trust, max_session, management, created, row_version, mac from principal where arn = $1 for share;

/* imports::due */ select distinct on (v.material_set) k.account, k.region, k.key_id from key_version v join kms_key k on k.material_set = v.material_set where v.valid_to <= (select strongroom_now()) order by v.material_set, k.region limit $1;

/* intents::begin */
    insert into intent (version, token_serial, object_id, is_pair, kind, owner, lease_until, mac)
    values ($1, $2, $3, $4, $5, $6, strongroom_now() + make_interval(secs => $7), $8);

/* intents::claim */
    with due as materialized (
        select version from intent where lease_until < (select strongroom_now())
        and case when token_serial is null then $4 else token_serial = any($5) end
        order by lease_until limit $3 for update skip locked
    )
    update intent i
    set owner = $1, lease_until = strongroom_now() + make_interval(secs => $2), taken_over = true
    from due where i.version = due.version
    returning i.version, i.token_serial, i.object_id, i.is_pair, i.kind, i.owner,
        $2::float8 as lease, i.mac,
        exists (select from key_version v where v.id = i.version and v.object_id is null)
        or exists (select from key_version v
            where v.object_id = coalesce(i.object_id, uuid_send(i.version))
            and (i.object_id is null or v.token_serial = i.token_serial)) as in_use;

/* intents::fulfil */
    delete from intent where version = $1 and kind = 'create' and not taken_over;

/* intents::wrapping_keys */
    select count(*) as many from intent where kind = 'create' and owner = $1;

/* key_stores::all */ select id, account, region, key_store_id, certificate, created, name, cluster, wrapped_password, password_tried, state, error, connection, connector, token_serial, row_version, mac from key_store where true order by id;

/* key_stores::overdue */ select id from key_store where state = 'CONNECTING' and connecting_until < (select strongroom_now());

/* keys::due */ select account, region, key_id from kms_key k where state = 'PendingDeletion' and deletion <= (select strongroom_now()) and (key_store is null or exists (select from key_store s where s.id = k.key_store and s.state = 'CONNECTED')) order by deletion limit $1;

/* keys::get */ select k.id, k.row_version, k.account, k.region, k.key_id, k.spec, k.key_usage, k.origin, k.multi_region, k.material_set, k.created, k.state, k.description, k.policy, k.tags, k.deletion, k.current_version, k.key_store, k.primary_region, k.rotation_days, k.next_rotation, k.pending_days, k.mac, v.id as v_id, v.row_version as v_row_version, v.material_set as v_material_set, v.number as v_number, v.spec as v_spec, v.token_serial as v_token_serial, v.object_id as v_object_id, v.public_key as v_public_key, v.birth as v_birth, v.created as v_created, v.state as v_state, v.valid_to as v_valid_to, v.description as v_description, v.rotation as v_rotation, v.rotated as v_rotated, v.verifier as v_verifier, v.mac as v_mac from kms_key k join key_version v on v.material_set = k.material_set where k.account = $1 and k.region = $2 and k.key_id = $3 order by v.number;

/* keys::insert */ insert into kms_key (id, account, region, key_id, spec, key_usage, origin, multi_region, material_set, created, state, description, policy, tags, deletion, current_version, key_store, primary_region, rotation_days, next_rotation, pending_days, row_version, mac) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23);

/* keys::insert_set */ insert into material_set (id, created) values ($1, $2);

/* keys::insert_version */ insert into key_version (id, material_set, number, spec, token_serial, object_id, public_key, birth, created, state, valid_to, description, rotation, rotated, verifier, row_version, mac) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17);

/* keys::list */ select key_id from kms_key where account = $1 and region = $2 and key_id > $3 order by key_id limit $4;

/* keys::lock */ select k.id, k.row_version, k.account, k.region, k.key_id, k.spec, k.key_usage, k.origin, k.multi_region, k.material_set, k.created, k.state, k.description, k.policy, k.tags, k.deletion, k.current_version, k.key_store, k.primary_region, k.rotation_days, k.next_rotation, k.pending_days, k.mac from kms_key k where account = $1 and region = $2 and key_id = $3 for update;

/* keys::lock_related */ select k.id, k.row_version, k.account, k.region, k.key_id, k.spec, k.key_usage, k.origin, k.multi_region, k.material_set, k.created, k.state, k.description, k.policy, k.tags, k.deletion, k.current_version, k.key_store, k.primary_region, k.rotation_days, k.next_rotation, k.pending_days, k.mac from kms_key k where material_set = $1 order by region for update;

/* keys::lock_set */ select id from material_set where id = $1 for update;

/* keys::lock_set_of */ select s.id from kms_key k join material_set s on s.id = k.material_set where k.account = $1 and k.region = $2 and k.key_id = $3 and k.multi_region for update of s;

/* keys::of_version */ select k.id, k.row_version, k.account, k.region, k.key_id, k.spec, k.key_usage, k.origin, k.multi_region, k.material_set, k.created, k.state, k.description, k.policy, k.tags, k.deletion, k.current_version, k.key_store, k.primary_region, k.rotation_days, k.next_rotation, k.pending_days, k.mac, v.id as v_id, v.row_version as v_row_version, v.material_set as v_material_set, v.number as v_number, v.spec as v_spec, v.token_serial as v_token_serial, v.object_id as v_object_id, v.public_key as v_public_key, v.birth as v_birth, v.created as v_created, v.state as v_state, v.valid_to as v_valid_to, v.description as v_description, v.rotation as v_rotation, v.rotated as v_rotated, v.verifier as v_verifier, v.mac as v_mac from key_version w join kms_key k on k.material_set = w.material_set and k.region = $1 join key_version v on v.material_set = k.material_set where w.id = $2 order by v.number;

/* keys::update */ update kms_key set state = $3, description = $4, policy = $5, tags = $6, deletion = $7, current_version = $8, primary_region = $9, rotation_days = $10, next_rotation = $11, pending_days = $12, row_version = $2 + 1, mac = $13 where id = $1 and row_version = $2;

/* keys::versions */ select v.id as v_id, v.row_version as v_row_version, v.material_set as v_material_set, v.number as v_number, v.spec as v_spec, v.token_serial as v_token_serial, v.object_id as v_object_id, v.public_key as v_public_key, v.birth as v_birth, v.created as v_created, v.state as v_state, v.valid_to as v_valid_to, v.description as v_description, v.rotation as v_rotation, v.rotated as v_rotated, v.verifier as v_verifier, v.mac as v_mac from key_version v where material_set = $1 order by number;

/* listener::beat */ select 1;

/* rotations::due */ select account, region, key_id, current_version from kms_key where next_rotation <= (select strongroom_now()) and state = 'Enabled' and (primary_region is null or primary_region = region) order by next_rotation limit $1;

/* rotations::worn */ select account, region, key_id, current_version from gcm_reservation g join key_version v on v.id = g.version join kms_key k on k.material_set = v.material_set and k.current_version = v.id where g.reserved >= 2147483648 and k.state = 'Enabled' and k.origin = 'AWS_KMS' and (k.primary_region is null or k.primary_region = k.region) limit $1;

/* store::now */ select strongroom_now() as now;

/* transaction::fence */ select pg_advisory_xact_lock(91621623287367);

/* transaction::no_fence */ select 1;

/* transaction::notify */ select pg_notify('strongroom', t) from unnest($1::text[]) as t;

/* usage::write */ insert into key_usage as u (key, operation, used, request_id) select n.key, n.operation, n.used, n.request_id from unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::uuid[]) as n (key, operation, used, request_id) where exists (select from kms_key k where k.id = n.key) order by n.key on conflict (key) do update set operation = excluded.operation, used = excluded.used, request_id = excluded.request_id where u.used < excluded.used;

