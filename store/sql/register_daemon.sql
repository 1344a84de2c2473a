INSERT INTO convened.daemons (name, host, pid, version, started_at, beat_at)
VALUES ($1, $2, $3, $4, now(), now())
RETURNING id
