-- Registrations of an event that nobody has planned yet. Leans on
-- registrations_unplanned.
SELECT id, event, left(coalesce(email, ''), 1000), left(coalesce(language, ''), 100), created_at, quiet
FROM convened.registrations
WHERE planned_at IS NULL AND event = $1
ORDER BY id
