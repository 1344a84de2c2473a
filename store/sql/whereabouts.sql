-- Which cluster this is, and on which timeline of its log: a promoted stand-by
-- is on the next one, and so is a backup that was restored. The control file has
-- the timeline only from the first checkpoint on.
SELECT (SELECT system_identifier::text FROM pg_control_system()),
       ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::bigint
