-- `late: catch-up`: who takes a seat after a reminder was recorded gets it now,
-- the latest of its instants alone. A seat whose confirmation is held gets none.
-- Leans on the key of reminder_occasions and notices_once.
-- $1 event, $2 seats, $3 now, $4 the event's start, which must be to come.
INSERT INTO convened.notices (registration, event, kind, occasion, priority, instant, due_at, planned_at)
SELECT s.seat, $1, 'reminder',
       o.name || '@' || to_char(o.starts_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') || '#' || o.ordinal,
       2, $3, $3, $3
FROM unnest($2::bigint[]) AS s (seat)
CROSS JOIN (
    SELECT DISTINCT ON (o.name) o.name, o.starts_at, o.ordinal
    FROM convened.reminder_occasions o
    JOIN convened.reminders r ON r.event = o.event AND r.name = o.name
    WHERE o.event = $1 AND o.starts_at = $4 AND r.late = 'catch-up' AND r.rule LIKE ANY (ARRAY['before %', 'cron %'])
    ORDER BY o.name, o.ordinal DESC
) o
WHERE $3::timestamptz < $4::timestamptz
  AND NOT EXISTS (SELECT FROM convened.registrations r JOIN convened.notices h ON h.registration = r.id
                  WHERE r.id = s.seat AND h.kind = 'confirmation' AND h.state = 'held' AND h.marked_at IS NULL AND h.instant <= r.seated_at)
ON CONFLICT DO NOTHING
