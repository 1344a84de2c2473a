-- The first confirmation of each new seat, as it was judged: see judge in
-- newcomers.go. What is cancelled or refused is settled.
-- $1 event, $2 seats, $3 states, $4 causes, $5 what is wrong with the addresses,
-- $6 reasons, $7 now.
INSERT INTO convened.notices (registration, event, kind, occasion, state, priority, instant, due_at, planned_at, settled_at, cause, last_error, reason)
SELECT i.seat, $1, 'confirmation', '1', i.state, 0, $7, $7, $7,
       CASE WHEN i.state IN ('refused', 'cancelled') THEN $7::timestamptz END,
       nullif(i.cause, ''), nullif(i.fault, ''), nullif(i.reason, '')
FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[]) AS i (seat, state, cause, fault, reason)
ON CONFLICT DO NOTHING
