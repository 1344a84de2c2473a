-- A hint that there is something to do. $1 what.
SELECT pg_notify('convened', $1)
