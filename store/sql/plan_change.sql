-- One step of telling people of a change, as plan_occasion does it. Only those
-- are told who were told something before: a confirmation that has not gone
-- out yet will carry the new data anyway. Who was taken over without a letter was
-- told elsewhere.
-- $1 event, $2 sequence, $3 kind, $4 priority, $5 now, $6 seats a step.
WITH c AS (
    SELECT due_at, done_seat, least(upto_seat, done_seat + $6) AS upto
    FROM convened.changes
    WHERE event = $1 AND sequence = $2 AND planned_at IS NULL AND recorded_at IS NOT NULL
    FOR NO KEY UPDATE
), made AS (
    INSERT INTO convened.notices (registration, event, kind, occasion, priority, instant, due_at, planned_at)
    SELECT r.id, $1, $3, ($2::int + r.sequence)::text, $4, c.due_at, c.due_at, $5
    FROM c JOIN convened.registrations r ON r.event = $1 AND r.seat_no > c.done_seat AND r.seat_no <= c.upto
    WHERE r.cancelled_at IS NULL AND r.refused_at IS NULL AND r.erased_at IS NULL
      AND (r.quiet
           OR EXISTS (SELECT FROM convened.notices n
                      WHERE n.registration = r.id AND n.kind IN ('confirmation', 'update')
                        AND n.marked_at IS NOT NULL AND n.sequence < $2::int + r.sequence))
    ON CONFLICT (registration, kind, occasion) WHERE registration IS NOT NULL DO NOTHING
    RETURNING 1
)
UPDATE convened.changes u
SET done_seat = c.upto,
    notices = u.notices + (SELECT count(*) FROM made),
    planned_at = CASE WHEN c.upto >= u.upto_seat THEN $5::timestamptz END
FROM c
WHERE u.event = $1 AND u.sequence = $2
RETURNING (SELECT count(*) FROM made), u.planned_at IS NOT NULL
