-- The daemons that were seen lately, the living first. A lock that is free says
-- that the session is gone. $1 the base of the lock keys.
SELECT id, name, host, pid, version, started_at, beat_at, stopped_at, status, now(),
       stopped_at IS NULL AND NOT pg_try_advisory_xact_lock_shared($1 + id)
FROM convened.daemons
WHERE beat_at > now() - interval '7 days'
ORDER BY stopped_at IS NULL DESC, beat_at DESC
LIMIT 50
