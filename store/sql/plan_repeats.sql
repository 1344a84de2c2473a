-- The confirmation again, for who registered again: never while one is still on
-- its way, and at most once in ten minutes unless the seat had been given up.
-- $1 event, $2 seats, $3 whether each was revived, $4 now, $5 the earliest
-- planning time of a confirmation that still stands in for another.
INSERT INTO convened.notices (registration, event, kind, occasion, priority, instant, due_at, planned_at)
SELECT i.seat, $1, 'confirmation', (last.count + 1)::text, 0, $4, $4, $4
FROM unnest($2::bigint[], $3::boolean[]) AS i (seat, revived)
CROSS JOIN LATERAL (
    SELECT max(n.occasion::int) AS count,
           max(n.planned_at) FILTER (WHERE n.state <> 'cancelled') AS planned_at,
           bool_or(n.state IN ('planned', 'claimed', 'unknown', 'held')) AS pending
    FROM convened.notices n
    WHERE n.registration = i.seat AND n.kind = 'confirmation'
) last
WHERE NOT last.pending AND (i.revived OR last.planned_at IS NULL OR last.planned_at <= $5)
ON CONFLICT DO NOTHING
