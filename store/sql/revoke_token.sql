-- $1 source, $2 token, $3 now.
UPDATE convened.tokens SET revoked_at = $3 WHERE source = $1 AND id = $2 AND revoked_at IS NULL
