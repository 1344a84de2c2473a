-- What can be seen of which database this is, and who was here last. A dump that
-- is read in makes new tables, a copy by CREATE DATABASE a new database.
-- $1 this daemon, $2 when it registered.
SELECT now(), pg_postmaster_start_time(),
       (SELECT oid::bigint FROM pg_database WHERE datname = current_database()),
       'convened.service'::regclass::oid::bigint,
       (SELECT max(beat_at) FROM convened.daemons),
       (SELECT beat_at FROM convened.daemons WHERE id = $1 AND started_at = $2)
