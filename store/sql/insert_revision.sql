-- The row as it is now written, whole: what somebody who is told of it is told.
INSERT INTO convened.revisions (event, revision, made_at, made_by, snapshot)
SELECT e.slug, e.revision, $2, $3, to_jsonb(e)
FROM convened.events e
WHERE e.slug = $1
