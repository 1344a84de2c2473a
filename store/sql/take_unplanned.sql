-- Registrations that nobody has planned yet. It looks for rows not planned,
-- never for ids above the last one seen, because transactions commit out of
-- order. What is longer than any address is none, and need not be read to its
-- end. Leans on registrations_unplanned.
SELECT id, event, left(coalesce(email, ''), 1000)
FROM convened.registrations
WHERE planned_at IS NULL
ORDER BY id
LIMIT $1
