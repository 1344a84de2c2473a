-- A registrant leaves. The event's row is held. Who left already leaves nothing.
-- $1 event, $2 seat, $3 now.
UPDATE convened.registrations
SET cancelled_at = $3, sequence = sequence + 1, sequenced_at = $3
WHERE event = $1 AND id = $2 AND seat = id AND cancelled_at IS NULL AND erased_at IS NULL
RETURNING sequence
