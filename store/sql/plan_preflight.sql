-- The letter to the organiser of an event with which something is wrong.
-- $1 event, $2 occasion, $3 priority, $4 now.
INSERT INTO convened.notices (event, kind, occasion, priority, instant, due_at, planned_at)
VALUES ($1, 'preflight', $2, $3, $4, $4, $4)
ON CONFLICT DO NOTHING
