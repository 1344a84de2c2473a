-- Every seat of an event with what planning looks at: see convened.Seat. What is
-- in a final state is summed up here; waiting_notices lists the rest.
-- $1 event, $2 the address whose seat alone is asked for, or '', $3 only numbers
-- above this one, $4 how many.
-- Leans on registrations_seat, registrations_search and notices_once.
SELECT r.id, coalesce(r.seat_no, 0), coalesce(r.email, ''), coalesce(r.language, ''), r.sequence, r.seated_at, r.cancelled_at, r.muted_at, r.refused_at, r.erased_at,
       coalesce(n.first_told, CASE WHEN r.quiet THEN 0 ELSE -1 END), coalesce(n.told, -1), n.spoken_at, coalesce(n.confirmations, 0), n.confirmed_at
FROM convened.registrations r
LEFT JOIN LATERAL (
    SELECT min(n.sequence) FILTER (WHERE n.kind IN ('confirmation', 'update') AND n.marked_at IS NOT NULL
                                     AND n.state NOT IN ('planned', 'claimed', 'unknown', 'held')) AS first_told,
           max(n.sequence) FILTER (WHERE n.marked_at IS NOT NULL AND n.state = 'sent') AS told,
           max(n.instant) FILTER (WHERE n.kind IN ('confirmation', 'update') AND n.state = 'sent') AS spoken_at,
           max(n.occasion::int) FILTER (WHERE n.kind = 'confirmation') AS confirmations,
           max(n.planned_at) FILTER (WHERE n.kind = 'confirmation' AND n.state <> 'cancelled') AS confirmed_at
    FROM convened.notices n
    WHERE n.registration = r.id AND n.kind IN ('confirmation', 'update', 'cancellation')
) n ON true
WHERE r.event = $1 AND r.seat = r.id AND ($2::text = '' OR r.address = $2) AND r.id > $3
ORDER BY r.id
LIMIT $4
