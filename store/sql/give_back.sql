-- Returns claims that came to nothing through no fault of the letter: it had
-- changed before the mark, or the daemon stops. Only what was not marked.
-- $1 ids, $2 attempts, $3 when each is due again, $4 this daemon.
UPDATE convened.notices n
SET state = 'planned', lease_until = NULL, due_at = i.due_at
FROM unnest($1::bigint[], $2::int[], $3::timestamptz[]) AS i (id, attempt, due_at)
WHERE n.id = i.id AND n.attempt = i.attempt AND n.claimed_by = $4 AND n.state = 'claimed' AND n.marked_at IS NULL
