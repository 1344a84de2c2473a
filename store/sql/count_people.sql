-- Who is registered for an event: by language and zone as they are in force. $1 event.
-- Leans on registrations_seat.
SELECT coalesce(nullif(r.language, ''), e.language), coalesce(nullif(r.zone, ''), e.zone),
       count(*) FILTER (WHERE r.cancelled_at IS NULL),
       count(*) FILTER (WHERE r.cancelled_at IS NULL AND r.muted_at IS NOT NULL),
       count(*) FILTER (WHERE r.cancelled_at IS NULL AND r.refused_at IS NOT NULL),
       count(*) FILTER (WHERE r.cancelled_at IS NOT NULL AND r.corrected_to IS NULL)
FROM convened.registrations r
JOIN convened.events e ON e.slug = r.event
WHERE r.event = $1 AND r.seat = r.id AND r.erased_at IS NULL
GROUP BY 1, 2
