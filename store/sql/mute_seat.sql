-- $1 event, $2 seat, $3 now.
UPDATE convened.registrations SET muted_at = $3
WHERE event = $1 AND id = $2 AND seat = id AND muted_at IS NULL AND erased_at IS NULL
