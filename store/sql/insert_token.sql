-- $1 source, $2 SHA-256 of the token, $3 scope, $4 now, $5 who.
INSERT INTO convened.tokens (source, digest, scope, made_at, made_by) VALUES ($1, $2, $3, $4, $5) RETURNING id
