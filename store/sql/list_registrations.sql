-- Seats, and registrations that are not planned yet, a page at a time.
-- $1 event, $2 the last id of the page before, $3 how many, $4 what to look for.
SELECT r.id, r.uid::text, r.event, coalesce(r.email, ''), coalesce(r.name, ''), coalesce(r.language, ''), coalesce(r.zone, ''),
       coalesce(r.source_ref, ''), r.sequence, r.created_at, r.sequenced_at, r.planned_at, r.seated_at, r.cancelled_at, r.muted_at, r.declined_at, r.erased_at, r.refused_at,
       coalesce(c.state, ''), coalesce(c.last_error, b.text, ''), coalesce(n.sent, 0), n.next_due
FROM convened.registrations r
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
WHERE r.event = $1 AND r.id > $2 AND (r.seat = r.id OR r.planned_at IS NULL)
  AND ($4::text = '' OR position(lower($4) IN lower(coalesce(r.email, ''))) > 0 OR position(lower($4) IN lower(coalesce(r.name, ''))) > 0)
ORDER BY r.id
LIMIT $3
