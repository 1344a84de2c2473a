-- Notices of one event or all, of one state or all, the latest first.
-- $1 event or '', $2 state or '', $3 how many, $4 before this id (0: from the start)
SELECT n.id, coalesce(n.registration, 0), n.event, n.kind, n.occasion, n.state, n.instant, n.due_at, n.attempt, n.failures, n.doubts,
       coalesce(n.message_id, ''), n.sent_at, coalesce(n.last_error, ''), coalesce(n.reason, ''), coalesce(n.cause, ''), coalesce(r.email, ''), coalesce(r.name, '')
FROM convened.notices n
LEFT JOIN convened.registrations r ON r.id = n.registration
WHERE ($1::text = '' OR n.event = $1) AND ($2::text = '' OR n.state = $2) AND ($4::bigint = 0 OR n.id < $4)
ORDER BY n.id DESC
LIMIT $3
