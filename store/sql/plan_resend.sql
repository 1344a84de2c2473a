-- The confirmation once more, at somebody's wish: a new occasion, which bears the
-- decision. The event's row is held.
-- $1 event, $2 seat, $3 how many there were, $4 now, $5 the decision.
INSERT INTO convened.notices (registration, event, kind, occasion, priority, instant, due_at, planned_at, release)
VALUES ($2, $1, 'confirmation', ($3::int + 1)::text, 0, $4, $4, $4, $5)
