-- Lets notices go: they are due now, as if nothing had gone wrong with them. It
-- returns their seats, and why these count anew: a seat whose confirmation was
-- held was told nothing yet, and an address that is tried again may work. The
-- event's row is held.
-- $1 event, $2 ids, $3 the states in which they may be, $4 now, $5 the release.
WITH was AS (
    SELECT id, state, cause, marked_at
    FROM convened.notices
    WHERE event = $1 AND id = ANY ($2::bigint[]) AND state = ANY ($3::text[]) AND (state <> 'planned' OR failures > 0)
    FOR NO KEY UPDATE
), gone AS (
    UPDATE convened.notices n
    SET state = 'planned', due_at = $4, failures = 0, doubts = 0, settled_at = NULL, cause = NULL, reason = NULL, release = $5
    FROM was
    WHERE n.id = was.id
    RETURNING n.id, n.registration, n.kind, n.instant, was.state, was.cause, was.marked_at
)
SELECT coalesce(g.registration, 0), coalesce(g.cause = 'fuse', false),
       coalesce(g.state = 'held' AND g.kind = 'confirmation' AND g.marked_at IS NULL AND g.instant <= r.seated_at, false),
       coalesce(g.state = 'refused' AND g.cause = 'address', false),
       g.kind = 'confirmation'
FROM gone g LEFT JOIN convened.registrations r ON r.id = g.registration
