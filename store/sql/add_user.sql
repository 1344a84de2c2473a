-- $1 email, $2 name, $3 hash of the password or '', $4 administrator, $5 now.
INSERT INTO convened.users (email, name, password, administrator, created_at)
VALUES ($1, $2, $3, $4, $5)
RETURNING id
