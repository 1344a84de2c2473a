-- What a seat must be asked before something is done about it. The event's row is
-- held. $1 event, $2 seat. Leans on notices_once.
SELECT coalesce(r.email, ''), r.cancelled_at IS NOT NULL, r.refused_at IS NOT NULL, r.planned_at IS NOT NULL,
       coalesce(c.count, 0), coalesce(c.held, false), coalesce(c.underway, false)
FROM convened.registrations r
LEFT JOIN LATERAL (
    SELECT max(n.occasion::int) AS count, bool_or(n.state = 'held') AS held, bool_or(n.state IN ('planned', 'claimed', 'unknown')) AS underway
    FROM convened.notices n
    WHERE n.registration = r.id AND n.kind = 'confirmation'
) c ON true
WHERE r.event = $1 AND r.id = $2 AND (r.seat = r.id OR r.planned_at IS NULL) AND r.erased_at IS NULL
