-- $1 source.
SELECT t.id, t.source, s.name, t.scope, t.made_at, t.made_by, t.revoked_at
FROM convened.tokens t JOIN convened.sources s ON s.id = t.source
WHERE t.source = $1
ORDER BY t.id
