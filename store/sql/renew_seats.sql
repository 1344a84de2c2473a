-- Somebody registered again: the later name, language and zone replace the
-- earlier, and a seat that was given up is taken up, with the invitation's
-- SEQUENCE going on and a new seat number, so that it counts as late for what
-- was recorded while it was away. An address that did not work gets another
-- try, and a no from a calendar is taken back.
-- $1 ids of the repeated registrations, $2 now, $3 seats given out so far.
WITH again AS (
    SELECT DISTINCT ON (r.seat) r.seat, nullif(r.name, '') AS name, nullif(r.language, '') AS language, nullif(r.zone, '') AS zone
    FROM convened.registrations r
    WHERE r.id = ANY ($1::bigint[])
    ORDER BY r.seat, r.id DESC
), before AS (
    SELECT s.id, a.name, a.language, a.zone, s.cancelled_at IS NOT NULL AS revived
    FROM again a JOIN convened.registrations s ON s.id = a.seat
    FOR NO KEY UPDATE OF s
), numbered AS (
    SELECT id, name, language, zone, revived,
           CASE WHEN revived THEN $3::int + row_number() OVER (PARTITION BY revived ORDER BY id) END AS seat_no
    FROM before
)
UPDATE convened.registrations s
SET name = coalesce(n.name, s.name),
    language = coalesce(n.language, s.language),
    zone = coalesce(n.zone, s.zone),
    sequence = s.sequence + n.revived::int,
    sequenced_at = CASE WHEN n.revived THEN $2 ELSE s.sequenced_at END,
    cancelled_at = NULL,
    corrected_to = NULL,
    corrected_by = NULL,
    declined_at = NULL,
    refused_at = NULL,
    muted_at = CASE WHEN n.revived THEN NULL ELSE s.muted_at END,
    seat_no = coalesce(n.seat_no, s.seat_no),
    seated_at = CASE WHEN n.revived THEN $2 ELSE s.seated_at END
FROM numbered n
WHERE s.id = n.id
RETURNING s.id, n.revived
