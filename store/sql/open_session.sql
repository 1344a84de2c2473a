-- $1 SHA-256 of the token, $2 user, $3 now.
INSERT INTO convened.sessions (digest, user_id, created_at, seen_at) VALUES ($1, $2, $3, $3)
