-- A letter of which something came back had left: where nobody knew whether it
-- had, it is sent, and does not go out again. One that is in hand at this moment
-- is left to that hand. $1 notice, $2 now.
UPDATE convened.notices
SET state = 'sent', sent_at = $2, settled_at = $2, marked_at = coalesce(marked_at, $2), reason = NULL, cause = NULL, last_error = NULL
WHERE id = $1 AND (state = 'unknown' OR state IN ('planned', 'held') AND doubts > 0)
