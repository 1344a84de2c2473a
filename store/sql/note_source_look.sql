-- $1 source, $2 now, $3 when the look began by the database's clock, NULL if it did
-- not, $4 what went wrong, or ''.
UPDATE convened.sources
SET looked_at = $2, look_took = coalesce(extract(epoch FROM clock_timestamp() - $3::timestamptz), look_took), trouble = $4
WHERE id = $1
