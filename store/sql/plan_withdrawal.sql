-- The cancellation for one person who leaves, if they were told anything that
-- is to be withdrawn and the event is still to come.
-- $1 seat, $2 now.
INSERT INTO convened.notices (registration, event, kind, occasion, priority, instant, due_at, planned_at)
SELECT r.id, r.event, 'cancellation', (e.sequence + r.sequence)::text, 1, $2, $2, $2
FROM convened.registrations r JOIN convened.events e ON e.slug = r.event
WHERE r.id = $1 AND e.ends_at > $2 AND e.status = 'scheduled' AND r.refused_at IS NULL
  AND (r.quiet
       OR EXISTS (SELECT FROM convened.notices n
                  WHERE n.registration = r.id AND n.kind IN ('confirmation', 'update') AND n.marked_at IS NOT NULL))
ON CONFLICT DO NOTHING
