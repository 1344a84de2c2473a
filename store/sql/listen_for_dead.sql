-- Letters whose dot a dead daemon was about to write, and whose reply somebody
-- still listens for on the connection that it left. Until it has come the lease
-- keeps all others from them: nobody may send again what may just be arriving.
-- $1 the daemon, $2 ids, $3 attempts, $4 the lease in milliseconds.
UPDATE convened.notices n
SET lease_until = now() + $4 * interval '1 millisecond'
FROM unnest($2::bigint[], $3::int[]) AS i (id, attempt)
WHERE n.id = i.id AND n.attempt = i.attempt AND n.state = 'claimed' AND n.claimed_by = $1 AND n.marked_at IS NOT NULL
RETURNING n.id
