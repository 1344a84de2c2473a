-- What was done, the latest first: of the event $1 (trail_of_event), or of all where
-- that is ''; before the entry $2, where that is not 0. $3 how many.
SELECT id, at, made_by, via, what, coalesce(event, ''), coalesce(registration, 0), detail
FROM convened.trail
WHERE ($1 = '' OR event = $1) AND ($2::bigint = 0 OR id < $2)
ORDER BY id DESC
LIMIT $3
