-- Who is signed in with a token, if it is not too old: $1 its SHA-256, $2 since when
-- it must have been seen, $3 since when it must have been made.
SELECT u.id, u.email, u.name, u.administrator, u.created_at, u.password, s.seen_at
FROM convened.sessions s
JOIN convened.users u ON u.id = s.user_id
WHERE s.digest = $1 AND s.seen_at > $2 AND s.created_at > $3
