-- Leans on registrations_unplanned.
SELECT count(*), min(created_at) FROM convened.registrations WHERE planned_at IS NULL
