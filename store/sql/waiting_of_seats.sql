-- The same as waiting_notices for a part of an event's seats, by their numbers: what
-- waits of a million people is not read once for each part. $1 seats. Leans on
-- notices_once.
SELECT n.registration, n.id, n.kind, n.occasion, n.state, n.instant, n.due_at, n.failures, n.doubts,
       n.marked_at IS NOT NULL, coalesce(n.sequence, 0), coalesce(n.reason, n.last_error, '')
FROM convened.notices n
WHERE n.registration = ANY ($1::bigint[]) AND n.state IN ('planned', 'claimed', 'unknown', 'held')
ORDER BY n.registration, n.id
