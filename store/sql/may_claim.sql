-- Why nothing was claimed, if it was for more than that nothing is due: there is
-- a quarantine, or nobody has looked at this server since it was started.
SELECT quarantined_at, coalesce(reason, ''), server_started_at IS DISTINCT FROM pg_postmaster_start_time()
FROM convened.service
