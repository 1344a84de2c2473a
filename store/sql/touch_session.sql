-- $1 SHA-256 of the token, $2 now.
UPDATE convened.sessions SET seen_at = $2 WHERE digest = $1 AND seen_at < $2
