-- How many seats of events are taken, how many were given up, and how many
-- registrations are not planned yet. $1 events. Reads registrations_seat and nothing
-- of the table, as far as it was vacuumed, since years of events are counted for a
-- list; registrations_apart and registrations_unplanned.
SELECT e.slug,
       (SELECT count(*) FROM convened.registrations r WHERE r.event = e.slug AND r.seat = r.id) - coalesce(c.cancelled, 0),
       coalesce(c.given_up, 0), coalesce(w.waiting, 0)
FROM unnest($1::text[]) AS e (slug)
LEFT JOIN LATERAL (
    SELECT count(*) AS cancelled, count(*) FILTER (WHERE r.corrected_to IS NULL) AS given_up
    FROM convened.registrations r
    WHERE r.event = e.slug AND r.seat = r.id AND r.cancelled_at IS NOT NULL
) c ON true
LEFT JOIN (
    SELECT r.event, count(*) AS waiting FROM convened.registrations r WHERE r.planned_at IS NULL GROUP BY r.event
) w ON w.event = e.slug
