-- What this daemon may have claimed without knowing it: the reply to the commit was lost.
-- Without this it would wait for its lease. What was marked with it never left, because
-- nobody was told that it may. If nothing was committed, the attempt is another's or nobody's.
-- $1 ids, $2 attempts, $3 this daemon.
UPDATE convened.notices n
SET state = 'planned', lease_until = NULL, marked_at = NULL
FROM unnest($1::bigint[], $2::int[]) AS i (id, attempt)
WHERE n.id = i.id AND n.attempt = i.attempt AND n.claimed_by = $3 AND n.state = 'claimed'
