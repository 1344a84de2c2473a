-- The notices of an event that are in no final state, with the server's last
-- words. $1 event, $2 one seat, or 0 for all. Leans on notices_event and,
-- for what is in hand, on notices_leased and steps_ahead.
SELECT n.registration, n.id, n.kind, n.occasion, n.state, n.instant, n.due_at, n.failures, n.doubts,
       n.marked_at IS NOT NULL, coalesce(n.sequence, 0), coalesce(n.reason, n.last_error, '')
FROM (
    SELECT n.* FROM convened.notices n
    WHERE n.event = $1 AND n.kind IN ('confirmation', 'reminder', 'update', 'cancellation', 'followup') AND n.filed IN ('planned', 'unknown', 'held')
    UNION ALL
    SELECT n.* FROM convened.in_hand n
) n
WHERE n.event = $1 AND n.kind IN ('confirmation', 'reminder', 'update', 'cancellation', 'followup')
  AND n.registration IS NOT NULL
  AND ($2::bigint = 0 OR n.registration = $2)
ORDER BY n.registration, n.id
