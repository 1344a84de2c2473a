-- Changes to be followed, with how their rows stood. $1 source, $2 after which,
-- $3 how many, $4 whether to leave out what vanished. A seat is shared where another
-- registration has it too that no row has withdrawn.
SELECT c.id, c.key, c.was_key, c.gone, coalesce(c.event, ''), coalesce(c.email, ''), coalesce(c.name, ''), coalesce(c.language, ''), coalesce(c.zone, ''), c.cancelled,
       d.digest, coalesce(w.state, ''), coalesce(w.digest = d.digest, false), coalesce(r.id, 0),
       s.id, coalesce(s.event, ''), coalesce(s.email, ''), coalesce(s.name, ''), coalesce(s.language, ''), coalesce(s.zone, ''), s.cancelled_at,
       coalesce(r.planned_at IS NOT NULL, false),
       EXISTS (SELECT FROM convened.registrations o
               WHERE (o.seat = s.id OR o.id = s.id) AND o.id <> r.id AND o.erased_at IS NULL AND o.withdrawn_at IS NULL)
FROM convened.source_changes c
CROSS JOIN LATERAL (SELECT convened.source_digest(c.event, c.email, c.name, c.language, c.zone, c.cancelled) AS digest) d
LEFT JOIN convened.source_rows w ON w.source = c.source AND w.key = c.was_key
LEFT JOIN convened.registrations r ON r.id = w.registration
LEFT JOIN convened.registrations s ON s.id = coalesce(r.seat, r.id) AND s.erased_at IS NULL
WHERE c.source = $1 AND c.id > $2 AND NOT (c.gone AND $4)
ORDER BY c.id
LIMIT $3
