-- The address does not work: mail to it came back. The event's row is held.
-- $1 event, $2 seat, $3 now.
UPDATE convened.registrations SET refused_at = $3
WHERE event = $1 AND id = $2 AND refused_at IS NULL AND erased_at IS NULL
