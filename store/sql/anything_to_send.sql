-- Whether there is anything to send, now or by a rule to come. Leans on
-- registrations_unplanned, changes_unplanned, events_open and the partial indexes
-- of notices.
SELECT EXISTS (SELECT FROM convened.registrations WHERE planned_at IS NULL)
    OR EXISTS (SELECT FROM convened.changes WHERE planned_at IS NULL)
    OR EXISTS (SELECT FROM convened.notices WHERE filed = 'planned')
    OR EXISTS (SELECT FROM convened.in_hand)
    OR EXISTS (SELECT FROM convened.notices WHERE filed = 'unknown')
    OR EXISTS (SELECT FROM convened.events e
               WHERE e.over_at >= now() AND e.status = 'scheduled' AND e.seats > 0
                 AND EXISTS (SELECT FROM convened.reminders m WHERE m.event = e.slug))
