-- Fixes whom a change concerns: the seats that there are now. Who comes later
-- is told of nothing else. The event's row is held.
UPDATE convened.changes c
SET recorded_at = $3, upto_seat = e.seats, planned_at = CASE WHEN e.seats = 0 THEN $3::timestamptz END
FROM convened.events e
WHERE e.slug = $1 AND c.event = $1 AND c.sequence = $2 AND c.recorded_at IS NULL
