-- Gives each new registration its seat: the one that its address has already,
-- else itself, else the first of its address in this batch. The event's row is
-- held, so nobody else is giving out seats or numbers; how many were given out is
-- written there.
-- $1 event, $2 ids, $3 their addresses, $4 what is wrong with those, $5 now,
-- $6 the seats that the event has given out so far.
WITH input AS (
    SELECT i.id, i.address, i.fault
    FROM unnest($2::bigint[], $3::text[], $4::text[]) AS i (id, address, fault)
), fresh AS (
    -- Another daemon may have been here between reading and locking.
    SELECT i.id, i.address, i.fault
    FROM input i JOIN convened.registrations r ON r.id = i.id
    WHERE r.planned_at IS NULL AND r.event = $1
), seated AS (
    SELECT f.id, f.address, f.fault,
           coalesce(s.id, min(f.id) OVER (PARTITION BY f.address)) AS seat
    FROM fresh f
    LEFT JOIN convened.registrations s ON s.event = $1 AND s.address = f.address AND s.seat = s.id
), numbered AS (
    SELECT id, address, fault, seat,
           CASE WHEN seat = id THEN $6::int + row_number() OVER (PARTITION BY seat = id ORDER BY id) END AS seat_no
    FROM seated
), given AS (
    UPDATE convened.events e
    SET seats = $6::int + g.many
    FROM (SELECT count(*) AS many FROM numbered WHERE seat = id) g
    WHERE e.slug = $1 AND g.many > 0
)
UPDATE convened.registrations r
SET planned_at = $5,
    address = n.address,
    seat = n.seat,
    seat_no = n.seat_no,
    seated_at = CASE WHEN n.seat = n.id THEN $5::timestamptz END,
    refused_at = CASE WHEN n.fault <> '' THEN $5::timestamptz END
FROM numbered n
WHERE r.id = n.id
RETURNING r.id, r.seat, n.fault, r.created_at, r.quiet
