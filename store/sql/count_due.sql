-- How many people have mail that would go at once: what is due, and the
-- registrations that are not planned. $1 now. Leans on notices_due and
-- registrations_unplanned.
SELECT (SELECT count(DISTINCT registration) FROM convened.notices WHERE filed = 'planned' AND due_at <= $1)
     + (SELECT count(*) FROM convened.registrations WHERE planned_at IS NULL)
