-- Registrations that nobody has planned yet. It looks for rows not planned,
-- never for ids above the last one seen, because transactions commit out of
-- order. Leans on registrations_unplanned.
SELECT id, event, coalesce(email, '')
FROM convened.registrations
WHERE planned_at IS NULL
ORDER BY id
LIMIT $1
