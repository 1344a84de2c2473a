-- Registrations that nobody has planned yet. $1 event. Leans on registrations_unplanned.
SELECT count(*) FROM convened.registrations WHERE event = $1 AND planned_at IS NULL
