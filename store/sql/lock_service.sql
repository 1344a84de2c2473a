-- Which database it was that was looked at last, and whether anything may be
-- sent. The row is held, so that one daemon judges at a time.
SELECT system_identifier, timeline, database_oid, table_oid, server_started_at, quarantined_at, coalesce(reason, ''), released_at
FROM convened.service
FOR NO KEY UPDATE
