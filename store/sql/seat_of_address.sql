-- Leans on registrations_seat.
SELECT id, uid::text, event, coalesce(email, ''), coalesce(name, ''), coalesce(language, ''), coalesce(zone, ''),
       sequence, created_at, sequenced_at, planned_at, seated_at, cancelled_at, muted_at, declined_at, erased_at
FROM convened.registrations
WHERE event = $1 AND address = $2 AND seat = id
