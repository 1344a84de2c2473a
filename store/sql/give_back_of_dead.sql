-- A daemon whose session's lock is free is dead, or has lost its session. What
-- it claimed and did not mark goes back at once: if it is alive after all, the
-- attempt is not its own any more and its mark fails. What it marked waits for
-- the lease. $1 daemons found dead, $2 now.
UPDATE convened.notices n
SET state = 'planned', lease_until = NULL, due_at = least(n.due_at, $2)
WHERE n.filed = 'claimed' AND n.marked_at IS NULL AND n.claimed_by = ANY ($1::bigint[])
