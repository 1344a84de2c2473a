-- Everything that one address has at one event or, where $1 is empty, at all:
-- seats, their repetitions, what is not planned yet (by the text as typed), and
-- what the same person had under an address that was corrected to this one.
SELECT r.id FROM convened.registrations r
WHERE ($1::text = '' OR r.event = $1) AND r.erased_at IS NULL
  AND (r.address = $2 OR (r.planned_at IS NULL AND lower(r.email) = lower($3))
       OR r.corrected_to IN (SELECT f.id FROM convened.registrations f WHERE f.address = $2 AND ($1::text = '' OR f.event = $1)))
ORDER BY r.id
FOR NO KEY UPDATE OF r
