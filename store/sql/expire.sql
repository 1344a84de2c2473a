-- Leases that ran out. What was not marked never left, and goes back. What was
-- marked is in doubt: its lease covered the wait for the final reply, so nobody
-- is sending it any more, and nobody knows whether it arrived.
-- $1 now. Leans on notices_leased.
UPDATE convened.notices n
SET state = CASE WHEN n.marked_at IS NULL THEN 'planned' ELSE 'unknown' END,
    lease_until = NULL,
    doubts = n.doubts + (n.marked_at IS NOT NULL)::int,
    due_at = $1,
    cause = CASE WHEN n.marked_at IS NULL THEN n.cause ELSE 'doubt' END,
    last_error = CASE WHEN n.marked_at IS NULL THEN n.last_error ELSE 'the daemon that was sending it died' END
WHERE n.id IN (
    SELECT id FROM convened.notices
    WHERE state = 'claimed' AND lease_until < now()
    ORDER BY lease_until
    LIMIT 1000
    FOR UPDATE SKIP LOCKED)
RETURNING (n.state = 'unknown')
