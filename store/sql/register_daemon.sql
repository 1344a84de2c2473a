INSERT INTO convened.daemons (name, host, pid, version, started_at, beat_at, server_started_at)
VALUES ($1, $2, $3, $4, now(), now(), pg_postmaster_start_time())
RETURNING id, started_at
