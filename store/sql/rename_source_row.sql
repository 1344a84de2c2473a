-- A row's key was changed. $1 source, $2 the old one, $3 the new one.
WITH old AS (
    DELETE FROM convened.source_rows WHERE source = $1 AND key = $2 RETURNING state, registration, digest, version
)
INSERT INTO convened.source_rows (source, key, state, registration, digest, version)
SELECT $1, $3, state, registration, digest, version FROM old
ON CONFLICT (source, key) DO UPDATE
SET state = excluded.state, registration = excluded.registration, digest = excluded.digest, version = excluded.version
