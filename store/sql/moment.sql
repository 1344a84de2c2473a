-- The number below which every transaction has ended, the next one, whether the
-- table is the one that was adopted, and what it is. $1 the table, $2 its oid.
SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint, pg_snapshot_xmax(pg_current_snapshot())::text::bigint,
       coalesce(to_regclass($1)::oid::bigint = $2, false), coalesce((SELECT relkind::text FROM pg_class WHERE oid = to_regclass($1)), '')
