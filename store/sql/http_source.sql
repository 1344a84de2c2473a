-- The source of a name that speaks over HTTP, which is made if there is none. None
-- where there is another of that name. $1 name, $2 now, $3 who.
INSERT INTO convened.sources AS s (name, way, made_at, made_by) VALUES ($1, 'http', $2, $3)
ON CONFLICT (name) DO UPDATE SET name = excluded.name WHERE s.way = 'http'
RETURNING s.id
