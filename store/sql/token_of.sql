-- A token that is good, by the SHA-256 of it. $1 that. Leans on the unique key.
SELECT t.id, t.source, s.name, t.scope
FROM convened.tokens t JOIN convened.sources s ON s.id = t.source
WHERE t.digest = $1 AND t.revoked_at IS NULL
