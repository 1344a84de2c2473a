-- The columns of a table and their types, as SQL that knows no schema but
-- Postgres's own writes them: the search_path is set so. $1 oid.
SELECT a.attname, format_type(a.atttypid, a.atttypmod)
FROM pg_attribute a
WHERE a.attrelid = $1::bigint::oid AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
