INSERT INTO convened.releases (what, made_at, made_by, about) VALUES ($1, $2, $3, $4)
RETURNING id
