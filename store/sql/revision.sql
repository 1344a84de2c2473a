-- Who made a revision of an event and when, and the schedule that it had.
SELECT made_at, made_by, coalesce(snapshot->'reminders', '[]')
FROM convened.revisions
WHERE event = $1 AND revision = $2
