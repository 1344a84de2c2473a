-- Registrations of an event that nobody has planned yet. Leans on
-- registrations_unplanned.
SELECT id, event, coalesce(email, ''), coalesce(language, ''), created_at
FROM convened.registrations
WHERE planned_at IS NULL AND event = $1
ORDER BY id
