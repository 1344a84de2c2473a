-- Other daemons that hold claims and whose lock is free. Trying the lock shared, for
-- the length of this statement's transaction, does not disturb each other. The
-- index is leapt through from daemon to daemon: what this one has in hand, and had a
-- moment ago, is not looked at.
-- $1 this daemon, $2 the base of the lock keys. Leans on notices_leased.
WITH RECURSIVE holder (id, below) AS (
    SELECT (SELECT min(n.claimed_by) FROM convened.notices n WHERE n.filed = 'claimed' AND n.claimed_by > s.above AND n.claimed_by < s.below), s.below
    FROM (VALUES (-1::bigint, $1::bigint), ($1::bigint, 9223372036854775807)) AS s (above, below)
    UNION ALL
    SELECT (SELECT min(n.claimed_by) FROM convened.notices n WHERE n.filed = 'claimed' AND n.claimed_by > h.id AND n.claimed_by < h.below), h.below
    FROM holder h
    WHERE h.id IS NOT NULL
)
SELECT h.id
FROM holder h
WHERE CASE WHEN pg_try_advisory_xact_lock_shared($2 + h.id)
           THEN EXISTS (SELECT FROM convened.notices n WHERE n.filed = 'claimed' AND n.claimed_by = h.id AND n.marked_at IS NULL) END
