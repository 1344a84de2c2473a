-- Whether nothing can be written here: a stand-by, or a server, a database or a
-- role that somebody has set to read-only.
SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean
