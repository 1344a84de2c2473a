-- Letters that a dead daemon had marked and, as its journal shows, never came
-- to send: they go back at once. $1 the daemon, $2 ids, $3 attempts of those
-- that it did come to send, $4 now. Leans on notices_leased and steps_ahead.
UPDATE convened.notices n
SET state = 'planned', lease_until = NULL, marked_at = NULL, due_at = least(n.due_at, $4)
WHERE n.id IN (SELECT h.id FROM convened.in_hand h WHERE h.claimed_by = $1)
  AND n.state = 'claimed' AND n.claimed_by = $1
  AND NOT EXISTS (SELECT FROM unnest($2::bigint[], $3::int[]) AS i (id, attempt) WHERE i.id = n.id AND i.attempt = n.attempt)
