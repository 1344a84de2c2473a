-- This is the database that is served.
UPDATE convened.service
SET system_identifier = $1, timeline = $2, database_oid = $3, table_oid = $4, server_started_at = pg_postmaster_start_time()
