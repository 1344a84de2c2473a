-- Every notice of one person, in the order in which they were planned, and who let
-- it go last. $1 seat. Leans on notices_once.
SELECT n.id, n.registration, n.event, n.kind, n.occasion, n.state, n.instant, n.due_at, n.attempt, n.failures, n.doubts,
       coalesce(n.message_id, ''), n.sent_at, coalesce(n.last_error, ''), coalesce(n.reason, ''), coalesce(n.cause, ''),
       coalesce(l.what, ''), coalesce(l.made_by, ''), l.made_at
FROM convened.notices n
LEFT JOIN convened.releases l ON l.id = n.release
WHERE n.registration = $1
ORDER BY n.planned_at, n.id
