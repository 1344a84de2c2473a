-- Who of an event does not get their mail: the first of them, with what the server
-- or a bounce said, and how many there are. $1 event, $2 how many to list. Leans on
-- notices_event, registrations_seat and returns_of_registration.
WITH refused AS (
    SELECT DISTINCT ON (n.registration) n.registration, n.kind, n.cause, coalesce(n.last_error, n.reason) AS words
    FROM convened.notices n
    WHERE n.event = $1 AND n.kind IN ('confirmation', 'reminder', 'update', 'cancellation', 'followup') AND n.filed = 'refused'
    ORDER BY n.registration, n.id DESC
)
SELECT coalesce(r.email, ''), coalesce(f.words, b.text, ''), count(*) OVER ()
FROM convened.registrations r
LEFT JOIN refused f ON f.registration = r.id
LEFT JOIN LATERAL (
    SELECT b.text FROM convened.returns b WHERE b.registration = r.id AND b.kind = 'hard' AND r.refused_at IS NOT NULL ORDER BY b.id DESC LIMIT 1
) b ON true
WHERE r.event = $1 AND r.seat = r.id AND r.cancelled_at IS NULL AND r.erased_at IS NULL
  AND (r.refused_at IS NOT NULL OR f.kind = 'confirmation' AND f.cause IS DISTINCT FROM 'poison')
ORDER BY r.id
LIMIT $2
