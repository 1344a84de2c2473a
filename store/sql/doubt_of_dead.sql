-- Letters whose dot a dead daemon was about to write, and whose reply it did
-- not see: nobody is sending them any more, so there is nothing to wait for.
-- $1 the daemon, $2 ids, $3 attempts, $4 now.
UPDATE convened.notices n
SET state = 'unknown', lease_until = NULL, doubts = n.doubts + 1, due_at = $4, cause = 'doubt',
    last_error = 'the daemon died before it saw the reply'
FROM unnest($2::bigint[], $3::int[]) AS i (id, attempt)
WHERE n.id = i.id AND n.attempt = i.attempt AND n.state = 'claimed' AND n.claimed_by = $1 AND n.marked_at IS NOT NULL
