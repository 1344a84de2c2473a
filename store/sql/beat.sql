-- Heartbeats go by the database's clock, which all daemons share.
UPDATE convened.daemons SET beat_at = now(), status = $2 WHERE id = $1
RETURNING now()
