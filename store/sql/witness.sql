-- Whether a daemon is alive here that introduced itself to another server, or to
-- this one before it was started anew: it knows whether anything is missing.
-- $1 this daemon, $2 the base of the lock keys.
SELECT EXISTS (
    SELECT FROM convened.daemons d
    WHERE d.id <> $1 AND d.stopped_at IS NULL AND d.server_started_at <> pg_postmaster_start_time()
      AND NOT pg_try_advisory_xact_lock_shared($2 + d.id))
