-- Whom an edit of the event would reach: the seats that are taken, and of
-- these, those that were told of it.
SELECT count(*),
       count(*) FILTER (WHERE r.quiet OR EXISTS (SELECT FROM convened.notices n
           WHERE n.registration = r.id AND n.kind IN ('confirmation', 'update') AND n.marked_at IS NOT NULL))
FROM convened.registrations r
WHERE r.event = $1 AND r.seat = r.id AND r.cancelled_at IS NULL AND r.refused_at IS NULL AND r.erased_at IS NULL
