-- What the role may do with a table: make triggers on it, and in our schema the
-- function that they call, and hand that to convened_source; read it; and whether
-- the daemon's role may read it. $1 oid.
SELECT current_user::text,
       has_table_privilege($1::bigint::oid, 'TRIGGER'),
       has_schema_privilege('convened', 'CREATE') AND pg_has_role((SELECT nspowner FROM pg_namespace WHERE nspname = 'convened'), 'USAGE'),
       has_table_privilege($1::bigint::oid, 'SELECT'),
       coalesce((SELECT pg_has_role(oid, 'MEMBER') FROM pg_roles WHERE rolname = 'convened_source'), false),
       coalesce((SELECT has_table_privilege(oid, $1::bigint::oid, 'SELECT') AND has_schema_privilege(oid, (SELECT relnamespace FROM pg_class WHERE pg_class.oid = $1::bigint::oid), 'USAGE')
                 FROM pg_roles WHERE rolname = 'convened' AND rolname <> current_user), true)
