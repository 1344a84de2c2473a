-- Seats that count anew: with a new number they are late for what was recorded
-- while nothing was sent to them, and where the confirmation is still to come,
-- it is from now on that it says what is near.
-- $1 seats, $2 whether the confirmation is still to come, $3 now, $4 seats given
-- out so far.
WITH again AS (
    SELECT i.id, bool_or(i.fresh) AS fresh
    FROM unnest($1::bigint[], $2::boolean[]) AS i (id, fresh)
    JOIN convened.registrations r ON r.id = i.id
    WHERE r.cancelled_at IS NULL AND r.erased_at IS NULL
    GROUP BY i.id
), numbered AS (
    SELECT id, fresh, $4::int + row_number() OVER (ORDER BY id) AS seat_no FROM again
)
UPDATE convened.registrations r
SET seat_no = n.seat_no, refused_at = NULL,
    seated_at = CASE WHEN n.fresh THEN $3::timestamptz ELSE r.seated_at END
FROM numbered n
WHERE r.id = n.id
RETURNING r.id
