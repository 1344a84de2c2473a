-- A table by the name that somebody wrote. $1 the name.
SELECT c.oid::bigint, n.nspname, c.relname, c.relkind::text, c.reltuples::float8
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = to_regclass($1) AND has_schema_privilege(n.oid, 'USAGE')
