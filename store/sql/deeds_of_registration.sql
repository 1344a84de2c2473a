-- What organisers did about one person, in order: about the seat, or a registration
-- that repeated it. $1 seat. Leans on trail_of_registration and registrations_of_seat.
SELECT id, at, made_by, via, what, coalesce(event, ''), coalesce(registration, 0), detail
FROM convened.trail
WHERE registration = $1 OR registration IN (SELECT a.id FROM convened.registrations a WHERE a.seat = $1 AND a.seat <> a.id)
ORDER BY id
