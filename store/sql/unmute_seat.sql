-- Reminders again, from now on: with a new seat number the person counts as late
-- for what was recorded while they were muted. $1 event, $2 seat, $3 seats so far.
UPDATE convened.registrations SET muted_at = NULL, seat_no = $3::int + 1
WHERE event = $1 AND id = $2 AND seat = id AND muted_at IS NOT NULL AND erased_at IS NULL
