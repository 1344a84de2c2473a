-- Every notice of one person, in the order in which they were planned. $1 seat.
-- Leans on notices_once.
SELECT id, registration, event, kind, occasion, state, instant, due_at, attempt, failures, doubts,
       coalesce(message_id, ''), sent_at, coalesce(last_error, ''), coalesce(reason, ''), coalesce(cause, '')
FROM convened.notices
WHERE registration = $1
ORDER BY planned_at, id
