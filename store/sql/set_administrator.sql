-- $1 user, $2 whether.
UPDATE convened.users SET administrator = $2 WHERE id = $1 AND administrator <> $2
