-- The row as it is now written, whole: what somebody who is told of it is told.
-- Its reminders are there for who wants to know what was changed.
INSERT INTO convened.revisions (event, revision, made_at, made_by, snapshot)
SELECT e.slug, e.revision, $2, $3, to_jsonb(e) || jsonb_build_object('reminders', (
    SELECT coalesce(jsonb_agg(jsonb_build_object('name', r.name, 'rule', r.rule, 'late', r.late, 'template', r.template, 'note', r.note)
           ORDER BY r.position), '[]')
    FROM convened.reminders r WHERE r.event = e.slug))
FROM convened.events e
WHERE e.slug = $1
