-- Everything that one address has at one event or, where $1 is empty, at all:
-- seats, their repetitions, and what is not planned yet (by the text as typed).
SELECT r.id FROM convened.registrations r
WHERE ($1::text = '' OR r.event = $1) AND r.erased_at IS NULL
  AND (r.address = $2 OR (r.planned_at IS NULL AND lower(r.email) = lower($3)))
ORDER BY r.id
FOR NO KEY UPDATE
