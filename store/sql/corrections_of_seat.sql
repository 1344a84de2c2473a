-- What was mended about one person's address: from which seat, to which, by whom,
-- when. $1 seat. Leans on registrations_corrected and registrations_of_seat.
SELECT o.id, coalesce(o.email, ''), f.id, coalesce(f.email, ''), coalesce(o.corrected_by, ''), o.cancelled_at
FROM convened.registrations o JOIN convened.registrations f ON f.id = o.corrected_to
WHERE o.id = $1 OR o.corrected_to = $1 OR o.corrected_to IN (SELECT a.id FROM convened.registrations a WHERE a.seat = $1 AND a.seat <> a.id)
ORDER BY o.cancelled_at, o.id
