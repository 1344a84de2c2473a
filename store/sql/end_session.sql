-- $1 SHA-256 of the token.
DELETE FROM convened.sessions WHERE digest = $1
