-- Registrations whose event ended before $1 and whose personal data is still
-- there. $2 how many at a time. What was erased is in none of the indexes that it
-- leans on, or has no address there: years of events that are done with cost a look
-- each. registrations_seat, registrations_repeated and registrations_unplanned.
SELECT r.id
FROM convened.registrations r
WHERE r.erased_at IS NULL AND r.id = ANY (ARRAY(
    SELECT k.id
    FROM (
        SELECT s.id
        FROM convened.events e
        CROSS JOIN LATERAL (SELECT r.id FROM convened.registrations r WHERE r.event = e.slug AND r.seat = r.id AND r.address IS NOT NULL ORDER BY r.address LIMIT $2) s
        WHERE e.ends_at < $1
        UNION ALL
        SELECT s.id
        FROM convened.events e
        CROSS JOIN LATERAL (SELECT r.id FROM convened.registrations r WHERE r.event = e.slug AND r.seat <> r.id AND r.erased_at IS NULL LIMIT $2) s
        WHERE e.ends_at < $1
        UNION ALL
        SELECT r.id
        FROM convened.registrations r JOIN convened.events e ON e.slug = r.event
        WHERE r.planned_at IS NULL AND e.ends_at < $1
    ) k
    LIMIT $2))
ORDER BY r.id
FOR NO KEY UPDATE OF r SKIP LOCKED
