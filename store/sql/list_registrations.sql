-- Seats, and registrations that are not planned yet, the latest first, a page at
-- a time. What is looked for is given twice: as a pattern that is quick, and as a
-- regular expression that is exact (see looking in registration.go).
-- $1 event, $2 only numbers below this one, $3 how many, $4 a pattern of LIKE,
-- $5 a regular expression, $6 which of them: see store.Standing.
-- Leans on registrations_search, of which no more is read than a page needs; on
-- registrations_apart and notices_event where that is asked for; and on
-- registrations_unplanned.
WITH seats AS (
    SELECT r.id
    FROM convened.registrations r
    WHERE r.event = $1 AND r.seat = r.id AND r.id < $2 AND r.search LIKE $4 AND r.search ~ $5
      AND CASE $6::text
          WHEN '' THEN true
          WHEN 'registered' THEN r.cancelled_at IS NULL AND r.erased_at IS NULL
          WHEN 'failed' THEN r.cancelled_at IS NULL AND r.erased_at IS NULL
                         AND r.id IN (SELECT n.registration FROM convened.notices n
                                      WHERE n.event = $1 AND n.kind IN ('confirmation', 'reminder', 'update', 'cancellation', 'followup')
                                        AND n.filed IN ('refused', 'unknown', 'held'))
          WHEN 'refused' THEN r.refused_at IS NOT NULL AND r.cancelled_at IS NULL AND r.erased_at IS NULL
          WHEN 'muted' THEN r.muted_at IS NOT NULL AND r.cancelled_at IS NULL
          WHEN 'declined' THEN r.declined_at IS NOT NULL AND r.cancelled_at IS NULL
          WHEN 'cancelled' THEN r.cancelled_at IS NOT NULL
          ELSE false END
    ORDER BY r.id DESC
    LIMIT $3
), waiting AS (
    SELECT r.id
    FROM convened.registrations r
    WHERE r.event = $1 AND r.planned_at IS NULL AND r.id < $2 AND r.search LIKE $4 AND r.search ~ $5
      AND $6::text IN ('', 'registered', 'waiting')
    ORDER BY r.id DESC
    LIMIT $3
), page AS (
    SELECT id FROM seats
    UNION ALL
    SELECT id FROM waiting
    ORDER BY id DESC
    LIMIT $3
)
SELECT r.id, r.uid::text, r.event, coalesce(r.email, ''), coalesce(r.name, ''), coalesce(r.language, ''), coalesce(r.zone, ''),
       coalesce(r.source_ref, ''), r.sequence, r.created_at, r.sequenced_at, r.planned_at, r.seated_at, r.cancelled_at, r.muted_at, r.declined_at, r.erased_at, r.refused_at,
       coalesce(r.corrected_to, 0), coalesce(c.state, ''), coalesce(c.last_error, b.text, ''), coalesce(n.sent, 0), n.next_due
FROM page p JOIN convened.registrations r ON r.id = p.id
LEFT JOIN LATERAL (
    SELECT n.state, n.last_error
    FROM convened.notices n
    WHERE n.registration = r.id AND n.kind = 'confirmation'
    ORDER BY n.id DESC
    LIMIT 1
) c ON true
LEFT JOIN LATERAL (
    -- Why the address is marked, where mail was taken and came back.
    SELECT t.text
    FROM convened.returns t
    WHERE r.refused_at IS NOT NULL AND t.registration = r.id AND t.kind = 'hard'
    ORDER BY t.id DESC
    LIMIT 1
) b ON true
LEFT JOIN LATERAL (
    SELECT count(*) FILTER (WHERE n.state = 'sent') AS sent, min(n.due_at) FILTER (WHERE n.state = 'planned') AS next_due
    FROM convened.notices n
    WHERE n.registration = r.id
) n ON true
ORDER BY r.id DESC
