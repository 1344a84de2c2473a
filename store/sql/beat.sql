-- Heartbeats go by the database's clock, which all daemons share. $1 the daemon,
-- $2 when it registered: after a restore its number may be another's.
UPDATE convened.daemons SET beat_at = now(), status = $3 WHERE id = $1 AND started_at = $2
RETURNING now()
