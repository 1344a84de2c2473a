-- Leases that ran out. What was not marked never left, and goes back. What was
-- marked is in doubt: its lease covered the wait for the final reply, so nobody
-- is sending it any more, and nobody knows whether it arrived.
-- $1 now. Leans on notices_leased and steps_ahead.
WITH late AS MATERIALIZED (
    SELECT id
    FROM convened.in_hand
    WHERE lease_until < now()
    ORDER BY lease_until
    LIMIT 1000
), locked AS MATERIALIZED (
    SELECT h.place
    FROM late l
    CROSS JOIN LATERAL (
        SELECT h.ctid AS place
        FROM convened.notices h
        WHERE h.id = l.id AND h.state = 'claimed' AND h.lease_until < now()
        FOR UPDATE SKIP LOCKED
    ) h
)
UPDATE convened.notices n
SET state = CASE WHEN n.marked_at IS NULL THEN 'planned' ELSE 'unknown' END,
    lease_until = NULL,
    doubts = n.doubts + (n.marked_at IS NOT NULL)::int,
    due_at = $1,
    cause = CASE WHEN n.marked_at IS NULL THEN n.cause ELSE 'doubt' END,
    last_error = CASE WHEN n.marked_at IS NULL THEN n.last_error ELSE 'the daemon that was sending it died' END
FROM locked
WHERE n.ctid = locked.place
RETURNING (n.state = 'unknown')
