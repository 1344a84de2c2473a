-- $1 user, $2 hash of the password.
UPDATE convened.users SET password = $2 WHERE id = $1
